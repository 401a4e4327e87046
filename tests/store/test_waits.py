"""Waiting for a person is a state: where it begins, what ends it, and the run that goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etaoi_collector.store.model import Span, Status, Trace
from etaoi_tui.view.row_summaries import Summaries
from tests.detail.pages import delta, end, span_id, start, text_of
from tests.detail.recorded import Recorded

WAITS = "etaoi_tui.waits_for"


def of_trace(event: Any, trace: int) -> Any:
    return {**event, "trace_id": span_id(900 + trace)}


def span(recording: Recorded, number: int) -> Span:
    recorded_span = recording.store.find_span(span_id(number))
    assert recorded_span is not None
    return recorded_span


def with_metadata(event: Any, **metadata: str) -> Any:
    return {**event, "metadata": {**event["metadata"], **metadata}}


def waiting(event: Any, text: str) -> Any:
    return with_metadata(event, **{WAITS: text})


def test_an_open_span_waits_from_a_delta_to_the_next() -> None:
    recording = Recorded()
    recording.send(start(1, "sub_agent", {}), start(2, "tool", {}, at=1, parent=1))
    root, tool = span(recording, 1), span(recording, 2)
    assert root.trace.status is Status.RUNNING
    recording.send(waiting(delta(2, "tool", {}, at=3), "May I?"))
    assert tool.status is Status.PAUSED and tool.waits_for == "May I?"
    assert root.trace.status is Status.PAUSED and root.trace.waits_for == "May I?"
    assert tool.duration(100.0 + tool.started_at) == pytest.approx(2.0)  # its time stands still
    assert Summaries(recording.source).of(tool) == "waits for: May I?"
    recording.send(delta(2, "tool", {"text": "x"}, at=4))
    assert tool.status is Status.PAUSED  # says nothing of the wait
    recording.send(waiting(delta(2, "tool", {}, at=6), ""))
    assert tool.status is Status.RUNNING and root.trace.status is Status.RUNNING
    assert tool.wait is not None and tool.wait.seconds(99.0) == 3.0
    recording.send(end(2, "tool", {"output": "done"}, at=7, parent=1), end(1, "sub_agent", {}, at=8))
    assert tool.status is Status.OK and root.trace.status is Status.OK and root.trace.waiting == 0


def test_a_model_call_that_waits_before_its_first_word_begins_when_the_waiting_ends() -> None:
    recording = Recorded()
    recording.send(
        start(1, "sub_agent", {}), start(2, "llm", {}, at=1, parent=1), start(3, "tool", {}, at=2, parent=1)
    )
    call, tool, root = span(recording, 2), span(recording, 3), span(recording, 1)
    recording.send(waiting(delta(2, "llm", {}, at=1), "a slot of p"), waiting(delta(2, "llm", {}, at=5), ""))
    recording.send(delta(2, "llm", {"text": "Hello"}, at=6))
    assert call.started_at - root.started_at == 5.0 and root.children == [tool, call]
    recording.send(waiting(delta(2, "llm", {}, at=7), "a slot of p"), waiting(delta(2, "llm", {}, at=8), ""))
    recording.send(end(2, "llm", {}, at=9, parent=1), end(3, "tool", {}, at=9, parent=1))
    assert call.duration(99.0) == pytest.approx(4.0)  # it had begun to speak


def test_an_end_that_says_nothing_ends_the_wait() -> None:
    recording = Recorded()
    recording.send(start(1, "tool", {}), waiting(delta(1, "tool", {}), "May I?"), end(1, "tool", {}, at=3))
    assert span(recording, 1).status is Status.OK and span(recording, 1).waits_for is None


def test_a_trace_in_which_something_else_runs_is_running() -> None:
    recording = Recorded()
    recording.send(
        start(1, "sub_agent", {}),
        start(2, "tool", {}, at=1, parent=1),
        start(3, "tool", {}, at=1, parent=1),
        waiting(delta(2, "tool", {}, at=2), "May I?"),
    )
    trace = span(recording, 1).trace
    assert trace.status is Status.RUNNING and trace.waits_for is None
    recording.send(end(3, "tool", {}, at=4, parent=1))
    assert trace.status is Status.PAUSED


def test_a_failed_run_waits_for_nobody() -> None:
    recording = Recorded()
    recording.send(
        start(1, "sub_agent", {}),
        start(2, "tool", {}, at=1, parent=1),
        waiting(end(2, "tool", {}, at=2, error="GraphInterrupt('q')", parent=1), "q"),
        end(1, "sub_agent", {}, at=3, error="ValueError('x')"),
    )
    assert span(recording, 1).trace.status is Status.ERROR


def resume(number: int, value: Any, *, thread: str, name: str = "sub_agent 1", inputs: str = "") -> Any:
    answer = inputs or json.dumps({"__type__": "Command", "resume": value})
    event = of_trace(start(number, "sub_agent", {"inputs": answer}, at=20, thread_id=thread), number)
    return with_metadata(event, name=name)


def paused_run(error: str, payload: Any = None, thread: str = "t") -> list[Any]:
    """A graph that waits, as the etaoi SDK and older recordings have it: only an error says so."""
    return [
        of_trace(start(1, "sub_agent", {"inputs": "pay 5"}, thread_id=thread), 1),
        of_trace(start(2, "tool", {}, at=1, parent=1, thread_id=thread), 1),
        of_trace(end(2, "tool", payload or {}, at=2, error=error, parent=1), 1),
        of_trace(end(1, "sub_agent", {"outputs": "{}"}, at=3), 1),
    ]


QUESTION = "May I pay? amount 5"
REPR = "GraphInterrupt((Interrupt(value={'question': 'May I pay?', 'amount': 5}, id='77ab'),))"
PAYLOAD = {"interrupts": [{"value": '{"question":"May I pay?","amount":5}', "id": "77ab"}]}


@pytest.mark.parametrize(("error", "payload"), [(REPR, None), ("GraphInterrupt(<tuple>)", PAYLOAD)])
def test_recordings_that_exist_say_what_is_waited_for(error: str, payload: Any) -> None:
    recording = Recorded()
    recording.send(*paused_run(error, payload))
    trace: Trace = span(recording, 1).trace
    assert trace.status is Status.PAUSED and trace.waits_for == QUESTION and trace.errors == 0
    assert Summaries(recording.source).of_trace(trace) == f"waits for: {QUESTION}"
    recording.store.finish()
    assert trace.status is Status.PAUSED


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("yes, do it", "yes, do it"),
        ({"decisions": [{"type": "approve"}]}, "approve"),
        ([{"type": "accept", "args": None}], "accept"),
        (True, "true"),
        ({"city": "Oslo", "n": 2}, "city Oslo n 2"),
    ],
)
def test_an_answered_wait_is_ok_and_linked_both_ways(value: Any, answer: str) -> None:
    from etaoi_tui.detail.span_document import describe_span

    recording = Recorded()
    recording.send(*paused_run(REPR), resume(5, value, thread="t"))
    root, tool, again = span(recording, 1), span(recording, 2), span(recording, 5)
    assert root.trace.status is Status.OK and tool.status is Status.OK and root.trace.errors == 0
    assert tool.wait is not None and tool.wait.answer is again and tool.wait.seconds(0.0) == 18.0
    assert again.trace.resumed == {again: root}
    summaries = Summaries(recording.source)
    assert summaries.of(tool) == f"waited for: {QUESTION} → {answer}"
    assert summaries.of_trace(again.trace) == f"↪ {answer}"
    first, after = (describe_span(one, recording.payloads, 30.0) for one in (tool, again))
    assert QUESTION in text_of(first) and answer in text_of(first)
    assert QUESTION in text_of(after) and answer in text_of(after)
    targets = [section.target for one in (first, after) for section in one.tabs[0].sections if section.target]
    assert targets == [again.span_id, root.span_id]


def test_a_resume_elsewhere_answers_nothing() -> None:
    for other in (
        resume(5, "yes", thread="other"),
        resume(5, "yes", thread="t", name="another graph"),
        of_trace(start(5, "tool", {"inputs": "x"}, at=9, parent=1, thread_id="t"), 1),
    ):
        recording = Recorded()
        recording.send(*paused_run(REPR), other)
        assert span(recording, 2).waits_for == QUESTION


def test_a_new_question_in_the_thread_gives_the_wait_up() -> None:
    recording = Recorded()
    recording.send(*paused_run(REPR), resume(5, None, thread="t", inputs='{"messages": []}'))
    tool = span(recording, 2)
    assert tool.status is Status.OK and tool.wait is not None and tool.wait.answer is None
    assert span(recording, 1).trace.status is Status.OK and span(recording, 5).trace.resumed is None


def test_a_start_can_name_the_run_that_it_goes_on_with() -> None:
    recording = Recorded()
    recording.send(*paused_run(REPR, thread="a"))
    recording.send(with_metadata(resume(5, "yes", thread="b"), **{"etaoi_tui.resumes": span_id(1)}))
    assert span(recording, 2).status is Status.OK
    assert span(recording, 5).trace.resumed == {span(recording, 5): span(recording, 1)}


def test_two_questions_at_once() -> None:
    recording = Recorded()
    recording.send(
        *paused_run(REPR)[:3],
        of_trace(start(3, "tool", {}, at=1, parent=1, thread_id="t"), 1),
        of_trace(waiting(end(3, "tool", {}, at=2, error="GraphInterrupt('b')", parent=1), "Second?"), 1),
        of_trace(end(1, "sub_agent", {}, at=3), 1),
    )
    trace = span(recording, 1).trace
    assert trace.waits_for == f"{QUESTION} · Second?"
    recording.send(resume(5, "yes", thread="t"))
    assert trace.waits_for is None and trace.status is Status.OK


def test_hostile_metadata_of_a_delta_is_no_wait() -> None:
    recording = Recorded()
    recording.send(start(1, "tool", {}))
    for odd in (None, [], "x", {WAITS: 5}, {WAITS: None}, {5: "x"}):
        recording.send({**delta(1, "tool", {"text": "a"}), "metadata": odd})
    assert span(recording, 1).status is Status.RUNNING and span(recording, 1).tail == "a" * 6


def test_a_true_end_wins_over_one_that_was_made_up() -> None:
    made_up = end(1, "llm", {"synthetic_end": True}, at=2, error="cancelled: its caller ended")
    true = end(1, "llm", {"usage": {"input_tokens": 5, "output_tokens": 7}}, at=9)
    for mark in ({"etaoi_tui.synthetic_end": "1"}, {}):
        recording = Recorded()
        first = (
            with_metadata(made_up, **mark) if mark else {**made_up, "error": "span_end_synthesized_on_detach"}
        )
        recording.send(start(1, "llm", {}), first)
        call = span(recording, 1)
        assert call.status is not Status.OK and call.trace.running == 0
        recording.send(true)
        assert call.status is Status.OK and call.ended_at == call.started_at + 9
        assert call.usage is not None and call.usage.output_tokens == 7
        assert call.trace.running == 0 and call.trace.errors == 0
        recording.send(first)  # repeated by a reconnect
        assert call.status is Status.OK
