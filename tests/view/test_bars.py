"""Bars: half cells, a foot until the first token, hatched waits, and ends that say how a span ended."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, Status
from etaoi_tui.view.bars import bar
from etaoi_tui.view.timeline import Axis
from tests.store.histories import event, opened


def first_span(*events: Any, is_gone: bool = False) -> Span:
    store = Store()
    opened(store)
    store.apply(list(events), 0, 1)
    trace = next(iter(store.traces.values()))
    trace.session.is_gone = is_gone
    return trace.spans[0]


def model(start: float, end: float | None, ttft: float | None = None) -> Span:
    events = [event("span_start", "m", start, node_kind="llm")]
    if end is not None:
        events.append(event("span_end", "m", end, node_kind="llm"))
    span = first_span(*events)
    span.ttft = ttft
    return span


def drawn(span: Span, width: int = 10, seconds: float = 10.0, now: float = 0.0) -> str:
    axis = Axis(first_span(event("span_start", "a", 0)).started_at, seconds, width)
    return "".join(text for text, _ in bar(span, span.status, axis, axis.start + now))


@pytest.mark.parametrize(
    ("start", "end", "line"),
    [
        (0, 10, "▄▄▄▄▄▄▄▄▄▄"),
        (2, 5, "  ▄▄▄"),
        (2.5, 5.5, "  ▗▄▄▖"),
        (3, 3, "   ▖"),
        (3.5, 3.5, "   ▗"),
        (10, 10, "         ▗"),
    ],
)
def test_ends_stand_on_half_cells(start: float, end: float, line: str) -> None:
    assert drawn(model(start, end)) == line


def test_the_time_to_the_first_token_is_a_thin_foot() -> None:
    assert drawn(model(1, 8, ttft=3)) == " ▁▁▁▄▄▄▄"
    assert drawn(model(1, 8, ttft=7)) == " ▁▁▁▁▁▁▄"
    assert drawn(model(1, 1.2, ttft=0.1)) == " ▖"


def test_running_bars_end_in_an_arrow_and_lost_bars_are_jagged() -> None:
    assert drawn(model(1, None), now=4) == " ▄▄▄▸"
    assert drawn(model(1, None), now=10) == " ▄▄▄▄▄▄▄▄▸"
    lost = first_span(
        event("span_start", "m", 1, node_kind="llm"), event("span_start", "n", 4, parent="m"), is_gone=True
    )
    assert lost.status is Status.LOST
    assert drawn(lost) == " ▄▄▞"


@given(st.floats(0, 20), st.floats(0, 20), st.floats(0, 20), st.integers(1, 90), st.booleans())
def test_no_bar_is_wider_than_its_axis_or_invisible(
    start: float, took: float, ttft: float, width: int, runs: bool
) -> None:
    line = drawn(model(start, None if runs else start + took, ttft), width=width, now=start + took)
    assert len(line) <= width
    assert line.strip()
