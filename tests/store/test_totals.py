"""Sums that are kept up to date are those that adding everything up anew comes to, whatever happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.pricing import book
from etaoi_collector.pricing.book import PriceBook, price_book
from etaoi_collector.pricing.call_costs import cost_of_call
from etaoi_collector.pricing.total import Total, total_of_call
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_collector.wire.events import Event
from tests.store.folds import folded, members, span_of, trace_of
from tests.store.histories import event, opened

_NAMES = st.sampled_from("abcdefg")
_MODELS = ["gpt-4o", "claude-sonnet-4-5", "made-up"]


@pytest.fixture(autouse=True)
def loaded_prices() -> None:
    price_book().load()


@st.composite
def anything(draw: st.DrawFn) -> Event:
    """One event of a few spans in two traces and two sessions, any parent, any usage, any order."""
    kind = draw(st.sampled_from(["span_start", "span_start", "span_delta", "span_end", "span_end"]))
    counts = {
        "input_tokens": draw(st.integers(0, 5_000)),
        "output_tokens": draw(st.integers(0, 500)),
        "input_token_details": {"cache_read": draw(st.sampled_from([0, 100, 9_000]))},
    }
    payload: dict[str, Any] = draw(
        st.sampled_from([{}, {"usage": counts}, {"usage": counts, "model": "gpt-4o"}])
    )
    model = draw(st.sampled_from(_MODELS))
    return event(
        kind,
        draw(_NAMES),
        draw(st.integers(0, 8)),
        event_id=str(draw(st.uuids())),
        trace=draw(st.sampled_from("tu")),
        session=draw(st.sampled_from("st")),
        parent=draw(st.none() | _NAMES),
        node_kind=draw(st.sampled_from(["llm", "llm", "sub_agent", "middleware"])),
        metadata={"ls_model_name": model, "name": draw(st.sampled_from(["x", "y"]))},
        payload=payload,
    )


def facts(total: Total) -> tuple[int, ...]:
    return tuple(getattr(total, name) for name in sorted(Total.__slots__))


def added(spans: Iterator[Span] | list[Span]) -> tuple[int, ...]:
    total = Total()
    for span in spans:
        total.add(total_of_call(span))
    return facts(total)


def below(span: Span) -> list[Span]:
    descendants, waiting = [], list(span.children or ())
    while waiting:
        one = waiting.pop()
        descendants.append(one)
        waiting += one.children or ()
    return descendants


def inside_agent(call: Span, top: Span) -> bool:
    """Whether an agent's run stands between a call and a span above it."""
    above = call.parent
    while above is not None and above is not top:
        if above.kind == "sub_agent":
            return True
        above = above.parent
    return False


def compare(totals: Totals, store: Store) -> None:
    """Check every sum against the spans, one by one."""
    for trace in store.traces.values():
        calls = [span for span in trace.spans if span.usage is not None]
        assert facts(totals.of_trace(trace)) == added(calls)
        for model, total in totals.by_model(trace).items():
            assert facts(total) == added([span for span in calls if (span.model or span.name) == model])
        summed = Total()
        for total in totals.by_agent(trace).values():
            summed.add(total)
        assert facts(summed) == added(calls)
    for session in {trace.session: None for trace in store.traces.values()}:
        spans = [span for trace in session.traces for span in trace.spans if span.usage is not None]
        assert facts(totals.of_session(session)) == added(spans)
    for span in members(store):
        sums = totals.of_span(span)
        inner = [one for one in below(span) if one.usage is not None]
        own = [span] if span.usage is not None else [one for one in inner if not inside_agent(one, span)]
        together = [*inner, *([span] if span.usage is not None else [])]
        if sums is None:
            assert added(together) == facts(Total())
            continue
        assert facts(sums.together) == added(together), span.name
        assert facts(sums.own) == added(own), span.name
        check = sums.own.without(Total())
        check.add(sums.below)
        assert facts(check) == facts(sums.together)


@given(
    st.lists(anything(), max_size=30), st.sampled_from([4, 9, 1_000]), st.integers(1, 4), st.integers(0, 20)
)
@settings(max_examples=300, deadline=None)
def test_any_history_leaves_sums_that_are_right(
    history: list[Event], most: int, batch: int, asked_from: int
) -> None:
    store = Store(max_spans=most)
    opened(store)
    totals = Totals()
    for number in range(0, len(history), batch):
        store.apply(history[number : number + batch], number, 1)
        totals.apply(store.drain_changes())
        if number >= asked_from:
            compare(totals, store)
    compare(totals, store)


def test_nothing_is_kept_of_traces_that_left_memory() -> None:
    store = Store(max_spans=40)
    opened(store)
    totals = Totals()
    for run in range(30):
        trace = f"t{run}"
        events = [
            event("span_start", f"agent{run}", run, trace=trace, session=trace, node_kind="sub_agent"),
            event(
                "span_start", f"call{run}", run, trace=trace, session=trace, node_kind="llm",
                parent=f"agent{run}", metadata={"ls_model_name": "gpt-4o"},
            ),
            event(
                "span_end", f"call{run}", run + 0.5, trace=trace, session=trace, node_kind="llm",
                payload={"usage": {"input_tokens": 10, "output_tokens": 1}},
            ),
            event("span_end", f"agent{run}", run + 0.6, trace=trace, session=trace, node_kind="sub_agent"),
        ]  # fmt: skip
        store.apply(events, run * 4, 1)
        totals.apply(store.drain_changes())
        compare(totals, store)
    assert store.evicted_traces
    stored = set(store.traces.values())
    assert set(totals._ledgers) <= stored and {span.trace for span in totals._nodes} <= stored
    assert set(totals._sessions) == {trace.session for trace in stored}


def test_calls_are_priced_once_prices_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    late = PriceBook()
    monkeypatch.setattr(book, "_book", [late])
    monkeypatch.setattr(PriceBook, "_loaded", lambda self: self._package)
    call = {"node_kind": "llm", "parent": "agent"}
    usage_payload = {"usage": {"input_tokens": 1_000, "output_tokens": 100}}
    store = folded(
        event("span_start", "agent", 0, node_kind="sub_agent"),
        event("span_start", "a", 1, metadata={"ls_model_name": "gpt-4o"}, **call),
        event("span_end", "a", 2, payload=usage_payload, **call),
    )
    totals = Totals()
    totals.apply(store.drain_changes())
    total = totals.of_trace(trace_of(store))
    agent = totals.of_span(span_of(store, "agent"))
    assert total.cost_usd is None and not total.is_complete and total.tokens == 1_100
    late.load()
    totals.apply(store.drain_changes())
    cost = cost_of_call(span_of(store, "a"))
    assert cost is not None and total.cost_usd == cost.total == pytest.approx(0.0035) and total.is_complete
    assert agent is not None and agent.together.cost_usd == cost.total
