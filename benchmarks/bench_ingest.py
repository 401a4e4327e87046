"""Events a second through the whole line, socket to store, with the viewer open and drawing, on one core.

The viewer is bound to one core, the client to another. First come a few events, so that what is loaded with
the first of them (pages, prices) is there. A last trace with a name of its own tells by appearing on the
screen that everything before it is in the store. The floor decodes and folds such frames in a loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench_decode import folded_per_second
from benchmarks.bench_rows import write_stream
from benchmarks.processor import FRAME_END
from benchmarks.report import Done, Row
from benchmarks.viewer import VIEWER_CORE, Client, live
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import EventBatch
from tests import generate

QUICK = True
EVENTS = 200_000
PER_FRAME = 16
MARK = "all-has-arrived"
WARM_UP_EVENTS = 2_000
WARM_UP_MARK = "all-is-loaded"


def _recorded(path: Path) -> int:
    """Count the events in a recording."""
    reader = TraceReader(path)
    try:
        return sum(len(batch.events) for batch in reader.arrivals() if isinstance(batch, EventBatch))
    finally:
        reader.close()


def measure() -> Iterator[Row]:
    """One run of `EVENTS` events as fast as they go."""
    with TemporaryDirectory(prefix="etaoi-bench-") as folder:
        source, recording = Path(folder) / "traffic", Path(folder) / "run.msgpack"
        write_stream(source, generate.frames(itertools.islice(generate.traffic(), EVENTS), PER_FRAME))
        options = ("--per-frame", str(PER_FRAME), "--mark", MARK, "--hold")
        with live("--record", str(recording), core=VIEWER_CORE) as (terminal, url):
            with Client(url, "--events", str(WARM_UP_EVENTS), "--mark", WARM_UP_MARK, "--hold") as client:
                client.go()
                client.sent()
                terminal.wait_for(WARM_UP_MARK)
                terminal.wait_quiet()
            with Client(url, "--from", str(source), *options) as client:
                drawn, used = terminal.position, terminal.cpu_seconds_all()
                began = client.go()
                client.sent()
                seconds = terminal.wait_for(MARK, timeout=120) - began
                used = terminal.cpu_seconds_all() - used
                if terminal.written(drawn).count(FRAME_END) < seconds:
                    raise RuntimeError("less than a frame a second was drawn")
        recorded = _recorded(recording) - WARM_UP_EVENTS
        done = Done(recorded, "events recorded, the last one on the screen", EVENTS)
    floor = folded_per_second(100_000)
    yield Row(
        "socket to store, viewer open, one core",
        EVENTS / seconds,
        "events/s",
        ">= 130,000",
        "decode and fold in a loop",
        floor,
        done=done,
    )
    yield Row(
        "an event's CPU, socket to store, viewer open",
        used / EVENTS * 1e6,
        "us",
        "",
        "decode and fold in a loop",
        1e6 / floor,
        done=done,
    )
