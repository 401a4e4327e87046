"""From a key press to the frame that shows its effect, in a real pty, idle and while events arrive.

Events of our own protocol come at a steady rate; OTLP comes as fast as one exporter gets rid of it.

A finished trace with uniquely named spans is on the screen; each press of the down key moves the cursor to a
row that is named like no other, and its name is drawn again. The byte after the press that completes that
name is the moment at which an eye could see it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgpack

from benchmarks.report import Done, Row, percentile
from benchmarks.terminal import Terminal
from benchmarks.viewer import Client, live
from tests import generate
from tests.generate import Scribe

QUICK = True
ROWS = 400
PRESSES = 150
RATES = (0, 20_000)
WARM_UP = 1.0
OTLP_PRESSES = 100
OTLP_AT_LEAST = 1_000
"""Spans a second: less were no flood."""


def _step(number: int) -> str:
    return f"step-{number:05d}"


def _steps_file(folder: str) -> Path:
    """One finished trace: a root with `ROWS` children, as a stream that `tests.load` sends."""
    scribe = Scribe("keys")
    scribe.clock.at = time.time_ns() // 1000
    root = scribe.start("sub_agent", "steps", metadata={"lc_chain_kind": "sub_agent"}, agent="steps")
    for number in range(ROWS):
        tool = scribe.start("tool", _step(number), root, {"input": "{}"})
        scribe.end(tool, {"output": "done"})
    scribe.end(root, {"outputs": "{}"})
    path = Path(folder) / "steps"
    with path.open("wb") as file:
        for frame in generate.frames(scribe.take(), 200):
            file.write(msgpack.packb([0.0, frame]))
    return path


def _presses(terminal: Terminal, presses: int) -> list[float]:
    """Milliseconds from each press of the down key to the name of the row it reaches."""
    chance = random.Random(1)
    durations = []
    for number in range(presses):
        since = terminal.position
        pressed = terminal.press("j")
        shown_at = terminal.wait_for(_step(number + 1), since=since, timeout=5)
        durations.append((shown_at - pressed) * 1000)
        time.sleep(0.02 + chance.random() * 0.05)  # a person's pace, not in step with the viewer's own timer
    return durations


def show_steps(terminal: Terminal, url: str, folder: str) -> None:
    """Send the trace, and put the cursor on its first child."""
    with Client(url, "--from", str(_steps_file(folder)), "--per-frame", "200") as client:
        client.go()
        client.sent()
    # The newest row is followed at first; going to the top ends that.
    terminal.wait_for(_step(ROWS - 1))
    terminal.wait_quiet(0.5)
    since = terminal.position
    terminal.press("g")
    terminal.wait_for(_step(0), since=since, timeout=5)
    terminal.wait_quiet(0.3)
    since = terminal.position
    terminal.press("j")
    terminal.wait_for(_step(0), since=since, timeout=5)


def _seconds(presses: int) -> float:
    """Return for how long to send so that all presses fall into it."""
    return presses * 0.08 + WARM_UP + 3


def _rows(what: str, durations: list[float], floor: tuple[float, float] | None) -> Iterator[Row]:
    """Yield p50 and p99 beside those of the idle viewer."""
    done = Done(len(durations), "rows seen under the cursor")
    beside = "idle" if floor else ""
    yield Row(
        f"{what}, p50", median(durations), "ms", "<= 10 ms", beside, floor[0] if floor else None, done=done
    )
    p99 = percentile(durations, 99)
    yield Row(f"{what}, p99", p99, "ms", "<= 30 ms", beside, floor[1] if floor else None, done=done)


def _under_otlp(terminal: Terminal, url: str) -> list[float]:
    """Press keys while an exporter posts spans."""
    load = ("--seconds", str(_seconds(OTLP_PRESSES)))
    with Client(url, *load, program="benchmarks.otlp_driver") as client:
        client.go()
        time.sleep(WARM_UP)  # what was prepared ahead has been taken, and the rate is steady
        durations = _presses(terminal, OTLP_PRESSES)
        sent = client.sent()
    reached = sent["events"] / sent["seconds"]
    if reached < OTLP_AT_LEAST:
        raise RuntimeError(f"{reached:,.0f} spans/s were posted, not {OTLP_AT_LEAST:,}")
    return durations


def measure() -> Iterator[Row]:
    """p50 and p99 at each rate; the idle figure of the same run is the floor."""
    floor: tuple[float, float] | None = None
    for rate in RATES:
        with TemporaryDirectory() as folder, live() as (terminal, url):
            show_steps(terminal, url, folder)
            if rate:
                events = int(rate * _seconds(PRESSES))
                load = ("--rate", str(rate), "--events", str(events), "--prepare")
                with Client(url, *load) as client:
                    client.go()
                    time.sleep(WARM_UP)  # the rate is steady from here on
                    durations = _presses(terminal, PRESSES)
                    sent = client.sent()
                reached = sent["events"] / sent["seconds"]
                if reached < 0.95 * rate:
                    raise RuntimeError(f"{reached:,.0f} events/s were sent, not {rate:,}")
            else:
                durations = _presses(terminal, PRESSES)
        yield from _rows(
            f"key to frame, {rate:,} events/s" if rate else "key to frame, idle", durations, floor
        )
        floor = floor or (median(durations), percentile(durations, 99))
    with TemporaryDirectory() as folder, live() as (terminal, url):
        show_steps(terminal, url, folder)
        durations = _under_otlp(terminal, url)
    yield from _rows("key to frame, OTLP as fast as it is taken", durations, floor)
