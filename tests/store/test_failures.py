"""One failure is one in every count, whatever it passed through and in whatever order that is told."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from etaoi_collector.store.failures import origin_of
from etaoi_collector.store.model import Span, Status, status_of_error
from etaoi_tui.view.error_navigation import is_origin_of_error
from tests.detail.pages import end, span_id, start
from tests.detail.recorded import Recorded


def recorded(*events: Any) -> Recorded:
    recording = Recorded()
    recording.send(*events)
    return recording


def spans(recording: Recorded) -> dict[int, Span]:
    spans_by_number = {number: recording.store.find_span(span_id(number)) for number in range(1, 9)}
    return {number: span for number, span in spans_by_number.items() if span is not None}


def errors(recording: Recorded) -> int:
    (trace,) = recording.store.traces.values()
    origins = [span for span in trace.spans if is_origin_of_error(span)]
    assert trace.errors == len(origins)
    return trace.errors


def test_an_error_on_its_way_up_counts_once() -> None:
    recording = recorded(
        start(1, "sub_agent", {}),
        start(2, "middleware", {}, at=1, parent=1),
        start(3, "tool", {}, at=2, parent=2),
        end(3, "tool", {}, at=3, error="ValueError('x')", parent=2),
        end(2, "middleware", {}, at=4, error="ValueError('x')", parent=1),
        end(1, "sub_agent", {}, at=5, error="RuntimeError('tool failed')"),
    )
    assert errors(recording) == 1
    assert origin_of(spans(recording)[1]) is spans(recording)[3]


def test_a_failure_that_was_handled_is_no_cause() -> None:
    recording = recorded(
        start(1, "sub_agent", {}),
        start(2, "tool", {}, at=1, parent=1),
        end(2, "tool", {}, at=2, error="ValueError('handled')", parent=1),
        start(3, "llm", {}, at=3, parent=1),
        end(3, "llm", {}, at=4, parent=1),
        end(1, "sub_agent", {}, at=5, error="RuntimeError('own')"),
    )
    assert errors(recording) == 2
    assert origin_of(spans(recording)[1]) is spans(recording)[1]


def test_each_try_that_failed_counts() -> None:
    recording = recorded(
        start(1, "sub_agent", {}),
        start(2, "tool", {}, at=1, parent=1),
        end(2, "tool", {}, at=2, error="E('x')", parent=1),
        start(3, "tool", {}, at=3, parent=1),
        end(3, "tool", {}, at=4, error="E('x')", parent=1),
        end(1, "sub_agent", {}, at=5, error="E('x')"),
    )
    assert errors(recording) == 2
    assert origin_of(spans(recording)[1]) is spans(recording)[3]


def test_what_is_cancelled_because_another_failed_hides_no_cause() -> None:
    recording = recorded(
        start(1, "middleware", {}),
        start(2, "tool", {}, at=1, parent=1),
        start(3, "tool", {}, at=1, parent=1),
        end(2, "tool", {}, at=2, error="E('x')", parent=1),
        end(3, "tool", {}, at=3, error="CancelledError()", parent=1),
        end(1, "middleware", {}, at=4, error="Wrapped('x')"),
    )
    assert errors(recording) == 1
    assert origin_of(spans(recording)[1]) is spans(recording)[2]


STORY = (
    start(1, "sub_agent", {}),
    start(2, "middleware", {}, at=1, parent=1),
    start(3, "tool", {}, at=2, parent=2),
    end(3, "tool", {}, at=3, error="E('x')", parent=2),
    start(4, "llm", {}, at=4, parent=2),
    end(4, "llm", {}, at=5, parent=2),
    end(2, "middleware", {}, at=6, error="F('y')", parent=1),
    end(1, "sub_agent", {}, at=7, error="F('y')"),
)


def test_the_count_does_not_depend_on_the_order_of_arrival() -> None:
    for moved, position in itertools.product(range(len(STORY)), repeat=2):
        events = list(STORY)
        events.insert(position, events.pop(moved))
        assert errors(recorded(*events)) == 2, (moved, position)
    assert errors(recorded(*reversed(STORY))) == 2


@pytest.mark.parametrize(
    "error",
    [
        "CancelledError()",
        "cancelled: GeneratorExit",
        "GeneratorExit()",
        "KeyboardInterrupt()",
        "SystemExit(1)",
        "Cancelled(...)",
        "GraphDrained()",
    ],
)
def test_cancelled_is_no_error(error: str) -> None:
    recording = recorded(start(1, "tool", {}), end(1, "tool", {}, error=error))
    assert spans(recording)[1].status is Status.CANCELLED
    assert errors(recording) == 0


def test_a_command_to_the_graph_above_is_no_error() -> None:
    assert status_of_error("ParentCommand(Command(goto='x'))") is Status.OK
