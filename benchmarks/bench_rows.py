"""CPU time of a key press and of a tick with 20 new rows, while one trace of N spans is on the screen.

Main-thread CPU of a real process in a real pty, less what it uses while nothing happens. The peer is the Tree
of Textual itself with as many rows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import msgpack

from benchmarks.report import Row
from benchmarks.terminal import Terminal
from benchmarks.viewer import Client, live
from tests import generate
from tests.generate import Event, Scribe

SIZES = (1_000, 100_000, 1_000_000)
PEER_SIZES = (1_000, 100_000)
PRESSES = 100
TICKS = 50
PEER_TICKS = 10
PER_TICK = 20
BETWEEN_KEYS = 0.04
MARK = "all-rows-are-there"


def write_stream(path: Path, frames: Iterable[bytes]) -> None:
    """Write messages as ``[time, frame]``, as `tests.load` reads them."""
    pack = msgpack.Packer().pack
    with path.open("wb") as file:
        for frame in frames:
            file.write(pack([0.0, frame]))


def wait_idle(terminal: Terminal, timeout: float = 120.0) -> None:
    """Wait until the program does little for three half seconds in a row."""
    deadline = time.perf_counter() + timeout
    calm = 0
    before = terminal.cpu_seconds_all()
    while calm < 3:
        if time.perf_counter() > deadline:
            raise TimeoutError("the program did not come to rest")
        time.sleep(0.5)  # the stretch over which the CPU time is taken
        now = terminal.cpu_seconds_all()
        calm = calm + 1 if now - before < 0.1 else 0
        before = now


def _share(terminal: Terminal, seconds: float = 3.0) -> float:
    """The main thread's share of a core while nothing is asked of it: spinners, clocks."""
    began, used = time.perf_counter(), terminal.cpu_seconds()
    time.sleep(seconds)  # the stretch that is measured
    return (terminal.cpu_seconds() - used) / (time.perf_counter() - began)


def _key_ms(terminal: Terminal) -> float:
    """Milliseconds of main-thread CPU a press of the down key, idle use left out."""
    idle = _share(terminal)
    before = terminal.position
    began, used = time.perf_counter(), terminal.cpu_seconds()
    for _ in range(PRESSES):
        terminal.press("j")
        time.sleep(BETWEEN_KEYS)  # a person's pace: faster presses share a frame
    time.sleep(0.3)  # what the last press set off counts, too
    seconds, used = time.perf_counter() - began, terminal.cpu_seconds() - used
    if terminal.position - before < PRESSES * 50:
        raise RuntimeError("the down key changed nothing on the screen")
    return max(0.0, used - min(idle, _share(terminal)) * seconds) * 1000 / PRESSES


def _ours(spans: int) -> tuple[float, float]:
    """Milliseconds a key press and a tick in the viewer."""
    scribe = Scribe("rows")
    scribe.clock.at = time.time_ns() // 1000
    pieces = generate.big_trace(scribe, spans)
    first = next(pieces)
    root = next(event for event in first if event["metadata"].get("name") == "big")
    with TemporaryDirectory() as folder, live() as (terminal, url):
        head, rest, more = (Path(folder) / name for name in ("head", "rest", "more"))
        write_stream(head, generate.frames(first, 64))
        write_stream(rest, generate.frames(chain.from_iterable(pieces), 64))
        write_stream(more, generate.frames(_appended(scribe, root), PER_TICK))
        paced = ("--per-frame", str(PER_TICK), "--rate", str(10 * PER_TICK))
        with (
            Client(url, "--from", str(head), "--hold") as head_client,
            Client(url, "--from", str(rest), "--mark", MARK, "--hold") as rest_client,
            Client(url, "--from", str(more), *paced) as more_client,
        ):
            head_client.go()
            head_client.sent()
            terminal.wait_for("big")
            terminal.wait_quiet(0.3, timeout=3)
            # The newest row is followed at first; going to the top ends that, so that the trace stays shown.
            terminal.press("g")
            rest_client.go()
            rest_client.sent()
            terminal.wait_for(MARK, timeout=300)
            wait_idle(terminal)
            key = _key_ms(terminal)
            idle = _share(terminal)
            began, used = time.perf_counter(), terminal.cpu_seconds()
            more_client.go()
            more_client.sent()
            seconds = time.perf_counter() - began
            tick = max(0.0, terminal.cpu_seconds() - used - idle * seconds) * 1000 / TICKS
    return key, tick


def _appended(scribe: Scribe, root: Event) -> list[Event]:
    """`TICKS` times `PER_TICK` starts right below the root."""
    parent = generate.Open(root["span_id"], root["trace_id"], None, "sub_agent", root["run_id"])
    for number in range(TICKS * PER_TICK):
        scribe.start("tool", f"new-{number:07d}", parent, {"input": "{}"})
    return scribe.take()


def _peer(rows: int) -> tuple[float, float]:
    """The same for a stock Tree."""
    with Terminal([sys.executable, "-m", "benchmarks.peer_tree", str(rows)]) as terminal:
        terminal.wait_for("row-0000005", timeout=60)
        wait_idle(terminal)
        key = _key_ms(terminal)
        idle = _share(terminal)
        began, used = time.perf_counter(), terminal.cpu_seconds()
        for _ in range(PEER_TICKS):
            terminal.press("t")
            time.sleep(0.1)  # a tick a frame, as our viewer draws them
        terminal.wait_quiet(1.0, timeout=60)
        seconds = time.perf_counter() - began
        tick = max(0.0, terminal.cpu_seconds() - used - idle * seconds) * 1000 / PEER_TICKS
    return key, tick


def measure() -> Iterator[Row]:
    """A row for each size and each kind of work."""
    peers = {rows: _peer(rows) for rows in PEER_SIZES}
    for spans in SIZES:
        key, tick = _ours(spans)
        peer_key, peer_tick = peers.get(spans, (None, None))
        beside = "stock Tree" if spans in peers else ""
        yield Row(f"CPU a key press, {spans:,} spans", key, "ms", "same at any size", beside, peer_key)
        yield Row(
            f"CPU a tick with {PER_TICK} new rows, {spans:,} spans", tick, "ms", "<= 2 ms", beside, peer_tick
        )
