"""Calls inside calls: one that hands another's answer on is not counted again; calls side by side are two."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from etaoi_collector.pricing.call_costs import cost_of_call
from etaoi_collector.pricing.total import total_of_trace
from etaoi_collector.store import Store
from etaoi_collector.wire.events import Event
from tests.store.folds import folded, span_of, trace_of
from tests.store.histories import event, ident

USAGE = {"input_tokens": 1_000, "output_tokens": 100, "input_token_details": {}}


def start(name: str, at: float, model: str = "gpt-4o", parent: str = "agent") -> Event:
    metadata = {"name": model, "ls_model_name": model, "ls_provider": "openai"}
    return event("span_start", name, at, parent=parent, node_kind="llm", metadata=metadata)


def end(name: str, at: float, text: str = "hi", usage: Any = USAGE, answer: str | None = None) -> Event:
    response = {"role": "ai", "text": text, **({"id": answer} if answer else {})}
    return event("span_end", name, at, node_kind="llm", payload={"response": response, "usage": usage})


def replaced(original: Event, trace: str) -> Event:
    return msgspec.structs.replace(original, trace_id=ident("trace", trace))


def wraps(store: Store, name: str) -> bool:
    call = span_of(store, name).call
    return call is not None and call.wraps


@pytest.mark.parametrize(
    "events",
    [
        [start("o", 0, "router"), start("i", 1), end("i", 2, answer="a1"), end("o", 3, answer="a1")],
        [start("o", 0), start("i", 1, parent="o"), end("i", 2), end("o", 3, "in other words")],
        [start("o", 0, "router"), start("i", 1), end("i", 2), end("o", 3)],
    ],
    ids=["the id of the answer", "the child's counts", "the words, of another model"],
)
def test_a_call_that_hands_another_ones_answer_on(events: list[Event]) -> None:
    store = folded(*events)
    trace = trace_of(store)
    assert wraps(store, "o") and not wraps(store, "i")
    assert (trace.model_calls, trace.input_tokens, trace.output_tokens) == (1, 1_000, 100)
    outer = cost_of_call(span_of(store, "o"), wait=True)
    assert outer is not None and outer.total == 0
    assert total_of_trace(trace, wait=True).cost_usd == pytest.approx(0.0035)


def test_a_call_in_a_trace_of_its_own() -> None:
    """LangChain gives what a model that was asked by itself calls a trace of its own."""
    apart = [replaced(one, "t2") for one in (start("i", 1), end("i", 2, answer="a1"))]
    store = folded(start("o", 0, "router"), *apart, end("o", 3, answer="a1"))
    assert wraps(store, "o") and not wraps(store, "i")
    assert (trace_of(store).input_tokens, trace_of(store, "t2").input_tokens) == (0, 1_000)
    again = [replaced(one, "t3") for one in (start("l", 4), end("l", 5, answer="a1"))]
    assert not wraps(folded(start("o", 0), end("o", 3, answer="a1"), *again), "l"), "the same answer, later"


@pytest.mark.parametrize(
    "events",
    [
        [start("o", 0), start("i", 1), end("i", 2), end("o", 3)],
        [start("o", 0, "guard"), start("i", 1), end("i", 2, "no"), end("o", 3, "yes")],
        [start("o", 0), start("i", 1, parent="o"), end("i", 2), end("o", 3, usage={"input_tokens": 7})],
        [start("o", 0), end("o", 1, answer="a1"), start("i", 2), end("i", 3, answer="a1")],
        [start("o", 0), start("i", 1), end("o", 2, answer="a1"), end("i", 3, answer="a1")],
    ],
    ids=["side by side", "other words", "other counts", "one after the other", "it ends first"],
)
def test_calls_of_their_own(events: list[Event]) -> None:
    store = folded(*events)
    assert not wraps(store, "o") and not wraps(store, "i")
    assert trace_of(store).model_calls == 2


def test_an_answer_out_of_a_cache_is_not_counted() -> None:
    cached = {**USAGE, "total_cost": 0}
    store = folded(start("a", 0), end("a", 1), start("b", 2), end("b", 3, usage=cached))
    trace = trace_of(store)
    assert (trace.model_calls, trace.input_tokens) == (2, 1_000)
    cost = total_of_trace(trace, wait=True)
    assert cost.cost_usd == pytest.approx(0.0035) and cost.is_complete


def test_what_has_no_price_is_said_to_be_missing() -> None:
    store = folded(start("a", 0), end("a", 1), start("b", 2, "nobody-knows"), end("b", 3))
    cost = total_of_trace(trace_of(store), wait=True)
    assert cost.cost_usd == pytest.approx(0.0035) and cost.unpriced == 1 and not cost.is_complete


def test_the_model_that_answered_beside_the_one_asked_for() -> None:
    answered = event(
        "span_end", "a", 1, node_kind="llm", payload={"model": "gpt-4o-2024-08-06", "usage": USAGE}
    )
    for events in ([start("a", 0, "alias"), answered], [answered, start("a", 0, "alias")]):
        span = span_of(folded(*events), "a")
        assert (span.model, span.requested_model) == ("gpt-4o-2024-08-06", "alias")
    same = span_of(folded(start("a", 0), end("a", 1)), "a")
    assert (same.model, same.requested_model) == ("gpt-4o", None)
    cost = cost_of_call(span, wait=True)
    assert cost is not None and cost.total == pytest.approx(0.0035)


def test_a_name_without_a_price_is_priced_as_what_was_asked_for() -> None:
    answered = event("span_end", "a", 1, node_kind="llm", payload={"model": "deployment-7", "usage": USAGE})
    cost = cost_of_call(span_of(folded(start("a", 0, "gpt-4o"), answered), "a"), wait=True)
    assert cost is not None and cost.total == pytest.approx(0.0035) and "price of gpt-4o" in cost.source
