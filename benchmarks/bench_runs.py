"""CPU time of keys and ticks in the list of runs, with ten runs and with ten thousand.

Main-thread CPU of a real process in a real pty, less what it uses while nothing happens. Keys: one row down,
a conversation folded or unfolded, the jump to the next error when the only other one stands at the far end
of the list. Ticks: ten a second, in each of which a run that is listed already goes on and one comes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench_rows import write_stream
from benchmarks.processor import FRAME_END, key_ms, share_of_core, wait_idle
from benchmarks.report import Done, Row
from benchmarks.viewer import Client, live
from tests import generate
from tests.generate import Event, Scribe

SIZES = (10, 10_000)
THREADS = 5
"""Conversations that the runs belong to. The oldest and the newest run failed."""

PRESSES = 60
TICKS = 50
MARK = "all-runs-are-there"
LAST = "last-run"


def _runs(scribe: Scribe, count: int) -> list[Event]:
    """Finished runs with a model call and a tool call each, in `THREADS` conversations."""
    for number in range(count):
        error = "ValueError('no')" if number in (0, count - 1) else None
        thread = {"lc_chain_kind": "sub_agent", "thread_id": f"thread-{number % THREADS:02d}"}
        root = scribe.start("sub_agent", "bot", None, {"inputs": '{"input": "hello"}'}, metadata=thread)
        model = {"ls_model_name": "gpt-4o-mini", "ls_provider": "openai"}
        call = scribe.start("llm", "gpt-4o-mini", root, metadata=model)
        scribe.end(call, {"usage": {"input_tokens": 900 + number % 100, "output_tokens": 40}})
        scribe.end(scribe.start("tool", "find", root, {"input": "{}"}), {"output": "x"}, error=error)
        scribe.end(root, {"outputs": "{}"}, error=error)
    return scribe.take()


def _going_on(scribe: Scribe) -> list[Event]:
    """`TICKS` times: a run of before goes on, and another one comes."""
    going_on = scribe.start("sub_agent", "going on")
    scribe.take()
    events: list[Event] = []
    for number in range(TICKS):
        scribe.start("tool", "step", going_on)
        name = "new" if number < TICKS - 1 else LAST
        scribe.start("sub_agent", name, metadata={"thread_id": "thread-new"})
        events += scribe.take()
    return events


def _measured(count: int) -> dict[str, tuple[float, int]]:
    """Milliseconds of each kind of work with so many runs, and frames or runs seen."""
    scribe = Scribe("runs")
    scribe.clock.at = time.time_ns() // 1000
    with TemporaryDirectory() as folder, live() as (terminal, url):
        runs, more = Path(folder) / "runs", Path(folder) / "more"
        write_stream(runs, generate.frames(_runs(scribe, count), 64))
        write_stream(more, generate.frames(_going_on(scribe), 2))
        paced = ("--per-frame", "2", "--rate", "20")
        with (
            Client(url, "--from", str(runs), "--mark", MARK, "--hold") as runs_client,
            Client(url, "--from", str(more), *paced) as more_client,
        ):
            runs_client.go()
            runs_client.sent()
            terminal.wait_for(MARK, timeout=300)
            time.sleep(1.5)  # prices are loaded after the first screen, and every run is counted with them
            terminal.press("1")
            wait_idle(terminal)
            terminal.press("j")
            results = {
                "a row down or up": key_ms(terminal, "j", "k", presses=PRESSES),
                "a conversation folded": key_ms(terminal, " ", presses=PRESSES),
                "the next error, at the other end": key_ms(terminal, "e", presses=PRESSES),
            }
            terminal.press("g")  # where runs that come can be seen
            wait_idle(terminal)
            idle = share_of_core(terminal)
            results["idle, a second"] = idle * 1000, count
            since = terminal.position
            began, used = time.perf_counter(), terminal.cpu_seconds()
            more_client.go()
            more_client.sent()
            seconds = time.perf_counter() - began
            ticks = max(0.0, terminal.cpu_seconds() - used - idle * seconds) * 1000 / TICKS
            terminal.wait_for(LAST, since=since, timeout=30)
            frames = terminal.written(since).count(FRAME_END)
            results["a tick: one run goes on, one comes"] = ticks, frames
    return results


def measure() -> Iterator[Row]:
    """A row for each kind of work: ten thousand runs beside ten."""
    few, many = (_measured(count) for count in SIZES)
    for what, (value, work_done) in many.items():
        idle = what.startswith("idle")
        budget = "<= 20 ms" if idle else "as with 10"
        yield Row(
            f"CPU, {SIZES[1]:,} runs: {what}",
            value,
            "ms",
            budget,
            f"{SIZES[0]} runs",
            few[what][0],
            done=Done(work_done, "runs listed, a mark after them" if idle else "frames drawn"),
            may_be_zero=idle,
        )
