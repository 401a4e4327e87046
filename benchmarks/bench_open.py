"""Opening a recording of 1,000,000 events: the first screenful, all its runs, all of it, memory a span.

Peers: msgpack's Unpacker decoding the same file completely, and reading its bytes (the floor).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgpack

from benchmarks.processor import wait_idle
from benchmarks.report import Done, Row
from benchmarks.viewer import live, replay
from etaoi_collector.recording.catalogue.database import CatalogueFile
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.directory import recordings_dir
from tests import generate

EVENTS = 1_000_000
OPENINGS = 5
FIRST = "researcher"
"""Name of the first trace that the generator writes."""

_FOLDER = TemporaryDirectory(prefix="etaoi-bench-")


def _unpack_seconds(path: Path) -> float:
    """Seconds to decode all, the events included.

    Raises:
        RuntimeError: not all were there.
    """
    began = time.perf_counter()
    event_count = 0
    with path.open("rb") as file:
        for record in msgpack.Unpacker(file, max_buffer_size=2**31 - 1, strict_map_key=False):
            for value in record.values() if isinstance(record, dict) else record:
                if isinstance(value, bytes):
                    value_read = msgpack.unpackb(value, strict_map_key=False)
                    event_count += sum(
                        len(one["batch"]) for one in value_read if isinstance(value_read, list)
                    )
    if event_count != EVENTS:
        raise RuntimeError(f"msgpack saw {event_count:,} events in a file of {EVENTS:,}")
    return time.perf_counter() - began


def _read_seconds(path: Path) -> float:
    began = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
    return time.perf_counter() - began


@cache
def _recording() -> tuple[Path, Path, int]:
    """Return a state folder, a recording of `EVENTS` in it, and its number of spans; all rounds share it."""
    state = Path(_FOLDER.name)
    recordings_dir(state).mkdir(parents=True)
    path = recordings_dir(state) / "run-20260102-030405-abcd.msgpack"
    return state, path, generate.write_trace(path, EVENTS)


def _catalogued(state: Path, path: Path) -> list[RunRow]:
    """Let the catalogue know a recording; returns its runs."""
    command = [sys.executable, "-m", "etaoi_tui", "ls"]
    subprocess.run(
        command, env={**os.environ, "ETAOI_TUI_STATE_DIR": str(state)}, stdout=subprocess.DEVNULL, check=True
    )
    with CatalogueFile(state) as file:
        return [run for run in file.runs(path) if run.is_run]


def _listed(state: Path, path: Path, runs: list[RunRow]) -> Iterator[Row]:
    """Open a recording that the catalogue knows, beside a small one that it does not."""
    in_tree = runs[-1].models[0]
    small = state / "small.msgpack"
    if not small.exists():  # an earlier round left it
        generate.write_trace(small, 200)
    walls, used, small_walls, small_used = [], [], [], []
    for _ in range(OPENINGS):
        with replay(path, state=state) as terminal:
            listed = terminal.wait_for(f"{len(runs):,}", timeout=60)
            walls.append(max(listed, terminal.wait_for(in_tree, timeout=60)) - terminal.started)
            used.append(terminal.cpu_seconds_all())
        with replay(small) as terminal:
            small_walls.append(terminal.wait_for(in_tree, timeout=60) - terminal.started)
            small_used.append(terminal.cpu_seconds_all())
    label = "open it once the catalogue knows it: all runs and the newest one's tree"
    done = Done(len(runs), "runs, as the screen says", 2)
    yield Row(label, median(walls), "s", "<= 0.5 s", "200 events", median(small_walls), done=done)
    yield Row(f"{label}, CPU", median(used), "s", "", "200 events", median(small_used), done=done)


def measure() -> Iterator[Row]:
    """The median of several openings, one of them to the end; the file is in the page cache."""
    state, path, spans = _recording()
    floor = _read_seconds(path)
    peer = _unpack_seconds(path)
    runs = _catalogued(state, path)
    with live() as (terminal, _):
        wait_idle(terminal)
        empty = terminal.anonymous_bytes()
    firsts = []
    for _ in range(OPENINGS):
        with replay(path) as terminal:
            firsts.append(terminal.wait_for(FIRST, timeout=60) - terminal.started)
    with replay(path) as terminal:
        first = terminal.wait_for(FIRST, timeout=60) - terminal.started
        used = terminal.cpu_seconds_all()
        # The last run begins within the last hundred events; the list counts it in the tick that brings it.
        loaded = terminal.wait_for(f"{len(runs):,}", timeout=300) - terminal.started
        used = terminal.cpu_seconds_all() - used
        wait_idle(terminal)
        grown = terminal.anonymous_bytes() - empty
    what = f"open {EVENTS:,} events"
    done = Done(OPENINGS, "openings that showed the first run")
    yield Row(f"{what}, first screenful", median(firsts), "s", "<= 0.5 s", done=done)
    everything = Done(len(runs), "runs, as the screen says", len(runs))
    yield Row(f"{what}, everything loaded", loaded, "s", "", "read() of the file", floor, done=everything)
    rate = EVENTS / (loaded - first)
    yield Row("loading", rate, "events/s", ">= 300,000", "msgpack.Unpacker", EVENTS / peer, done=everything)
    cost = used / EVENTS * 1e6
    yield Row("loading, an event's CPU with the drawing", cost, "us", done=everything)
    yield from _listed(state, path, runs)
    yield Row("memory a span", grown / spans, "bytes", "<= 800 bytes", done=Done(spans, "spans"))
