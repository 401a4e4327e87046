"""What shapes that are made to hurt cost: lines of code that run, which no busy machine changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from benchmarks.bench_hostile import SHAPES, History
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.event_ref import pack_event_ref
from etaoi_tui.view.activity import Activity
from tests import generate

SMALL = 300
PER_TICK = 50


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of this project's code some work runs."""
    line_count = 0

    def look(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal line_count
        if "/etaoi_" not in frame.f_code.co_filename:
            return None
        line_count += event == "line"
        return look

    tracer_before = sys.gettrace()
    sys.settrace(look)
    try:
        work()
    finally:
        sys.settrace(tracer_before)
    return line_count


def cost(shape: Callable[[History, int], None], spans: int) -> int:
    history = History()
    shape(history, spans)
    frames = [decode_frame(frame) for frame in generate.frames(history.events, PER_TICK)]
    store, activity = Store(), Activity()

    def fold() -> None:
        for number, events in enumerate(frames):
            store.apply(events, pack_event_ref(0, number), 0)
            activity.apply(store.drain_changes())

    lines = lines_run(fold)
    assert not store.rejected
    assert sum(trace.span_count for trace in store.traces.values()) == len(
        {(event["trace_id"], event["span_id"]) for event in history.events}
    )
    return lines


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_twice_as_many_spans_cost_about_twice(shape: Callable[[History, int], None]) -> None:
    assert cost(shape, 4 * SMALL) < 2.5 * cost(shape, 2 * SMALL)
