"""Opening a recording of 1,000,000 events: the first screenful, all of it, memory a span.

Peers: msgpack's Unpacker decoding the same file completely, and reading its bytes (the floor).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgpack

from benchmarks.processor import wait_idle
from benchmarks.report import Done, Row
from benchmarks.viewer import live, replay
from tests import generate

EVENTS = 1_000_000
OPENINGS = 3
FIRST = "researcher"
"""Name of the first trace that the generator writes."""


def _unpack_seconds(path: Path) -> float:
    """Seconds to decode all, the events included.

    Raises:
        RuntimeError: not all were there.
    """
    began = time.perf_counter()
    seen = 0
    with path.open("rb") as file:
        for record in msgpack.Unpacker(file, max_buffer_size=2**31 - 1, strict_map_key=False):
            for value in record.values() if isinstance(record, dict) else record:
                if isinstance(value, bytes):
                    told = msgpack.unpackb(value, strict_map_key=False)
                    seen += sum(len(one["batch"]) for one in told if isinstance(told, list))
    if seen != EVENTS:
        raise RuntimeError(f"msgpack saw {seen:,} events in a file of {EVENTS:,}")
    return time.perf_counter() - began


def _read_seconds(path: Path) -> float:
    began = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
    return time.perf_counter() - began


def measure() -> Iterator[Row]:
    """The median of several openings, one of them to the end; the file is in the page cache."""
    with TemporaryDirectory(prefix="etaoi-bench-") as folder:
        path = Path(folder) / "million.msgpack"
        spans = generate.write_trace(path, EVENTS)
        floor = _read_seconds(path)
        peer = _unpack_seconds(path)
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
            loaded = terminal.wait_for(f"{EVENTS:,} events", timeout=300) - terminal.started
            used = terminal.cpu_seconds_all() - used
            wait_idle(terminal)
            grown = terminal.anonymous_bytes() - empty
    what = f"open {EVENTS:,} events"
    seen = Done(OPENINGS, "openings that showed the first run")
    yield Row(f"{what}, first screenful", median(firsts), "s", "<= 0.5 s", done=seen)
    everything = Done(EVENTS, "events, as the screen says")
    yield Row(f"{what}, everything loaded", loaded, "s", "", "read() of the file", floor, done=everything)
    rate = EVENTS / (loaded - first)
    yield Row("loading", rate, "events/s", ">= 300,000", "msgpack.Unpacker", EVENTS / peer, done=everything)
    cost = used / EVENTS * 1e6
    yield Row("loading, an event's CPU with the drawing", cost, "us", done=everything)
    yield Row("memory a span", grown / spans, "bytes", "<= 800 bytes", done=Done(spans, "spans"))
