"""From a span's start in the agent to the frame that shows its row: our SDK, the real viewer, a real pty."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.report import Done, Row, percentile
from benchmarks.viewer import live
from etaoi_tui.sdk.config import open_tracer

QUICK = True
SPANS = 60


def measure() -> Iterator[Row]:
    """Time spans that start at moments which are not in step with the viewer's tick."""
    chance = random.Random(1)
    durations = []
    with live() as (terminal, url):
        tracer = open_tracer(server_url=url)
        root = tracer.start("sub_agent", "latency")
        terminal.wait_for("latency")
        for number in range(SPANS):
            time.sleep(0.1 + chance.random() * 0.1)  # one at a time, out of step with all timers
            name = f"seen-{number:04d}"
            since = terminal.position
            began = time.perf_counter()
            span = tracer.start("tool", name, parent=root)
            durations.append((terminal.wait_for(name, since=since, timeout=5) - began) * 1000)
            tracer.end(span)
        tracer.end(root)
        tracer.flush(1)
        tracer.close()
    done = Done(len(durations), "rows seen", SPANS)
    yield Row("event in the agent to the screen, p50", median(durations), "ms", "<= 100 ms", done=done)
    yield Row("event in the agent to the screen, p99", percentile(durations, 99), "ms", done=done)
