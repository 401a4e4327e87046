"""Which model call of its run a call is."""

from __future__ import annotations

import random
from typing import Any

import pytest

from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.view.call_numbers import CallNumbers
from tests.generate import frame
from tests.scribe import Scribe


def put(store: Store, events: list[dict[str, Any]]) -> None:
    for event in events:
        store.apply(decode_frame(frame([event])), -1, 1)


@pytest.mark.parametrize("seed", range(6))
def test_numbers_follow_what_arrives_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    scribe, store, numbers = Scribe(seed), Store(), CallNumbers()
    root = scribe.start("sub_agent", "root")
    calls = []
    for _ in range(20):
        parent = scribe.start("sub_agent", "inner", root) if chance.random() < 0.3 else root
        calls.append(scribe.start("llm", "gpt-5", parent))
        scribe.start("tool", "search", parent)
    events = scribe.take()
    chance.shuffle(events)
    for at in range(0, len(events), 5):
        put(store, events[at : at + 5])
        for trace in store.traces.values():
            numbers.calls(trace)
    spans = [store.find_span(call.span_id) for call in calls]
    assert [numbers.of(span) for span in spans if span is not None] == [(n, 20) for n in range(1, 21)]


def test_a_call_that_returned_the_answer_of_another_has_its_number() -> None:
    scribe, store, numbers = Scribe("wrap"), Store(), CallNumbers()
    root = scribe.start("sub_agent", "root")
    scribe.end(scribe.start("llm", "gpt-5", root), {"response": {"text": "first"}})
    outer = scribe.start("llm", "router", root)
    put(store, scribe.take())

    def of(span_id: str) -> Any:
        span = store.find_span(span_id)
        assert isinstance(span, Span)
        return numbers.of(span)

    assert of(outer.span_id) == (2, 2)
    inner = scribe.start("llm", "gpt-5", outer)
    answer = {"response": {"text": "second", "id": "run-1"}, "usage": {"input_tokens": 5, "output_tokens": 2}}
    scribe.end(inner, answer)
    scribe.end(outer, answer)
    put(store, scribe.take())
    (trace,) = store.traces.values()
    assert of(inner.span_id)[1] == trace.model_calls
    if trace.model_calls == 2:
        assert of(outer.span_id) == of(inner.span_id) == (2, 2)
    assert of(root.span_id) is None
