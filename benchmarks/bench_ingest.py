"""Events a second through the whole line, socket to store, with the viewer open and drawing, on one core.

The viewer is bound to one core, the client to another. A last trace with a name of its own tells by appearing
on the screen that everything before it is in the store. The floor decodes and folds such frames in a loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench_decode import folded_per_second
from benchmarks.bench_rows import write_stream
from benchmarks.report import Row
from benchmarks.viewer import VIEWER_CORE, Client, live
from tests import generate

EVENTS = 400_000
PER_FRAME = 16
MARK = "all-has-arrived"


def measure() -> Iterator[Row]:
    """One run of `EVENTS` events as fast as they go."""
    with TemporaryDirectory() as folder, live(core=VIEWER_CORE) as (terminal, url):
        source = Path(folder) / "traffic"
        frames = generate.frames(itertools.islice(generate.traffic(), EVENTS), PER_FRAME)
        write_stream(source, frames)
        with Client(
            url, "--from", str(source), "--per-frame", str(PER_FRAME), "--mark", MARK, "--hold"
        ) as client:
            used = terminal.cpu_seconds_all()
            began = client.go()
            client.sent()
            seconds = terminal.wait_for(MARK, timeout=120) - began
            used = terminal.cpu_seconds_all() - used
    floor = folded_per_second(100_000)
    yield Row(
        "socket to store, viewer open, one core", EVENTS / seconds, "events/s", ">= 100,000", "loop", floor
    )
    yield Row("the same, an event's CPU", used / EVENTS * 1e6, "us", "", "loop", 1e6 / floor)
