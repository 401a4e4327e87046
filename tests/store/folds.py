"""Events folded into a store, ways to name what is in it, and what must be true of it after any history."""

from __future__ import annotations

from collections import Counter
from typing import Any

from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_collector.wire.events import Event
from tests.store.histories import ident, opened


def folded(*events: Event, **options: Any) -> Store:
    store = Store(**options)
    opened(store)
    for number, item in enumerate(events):
        store.apply([item], number, 1)
    return store


def span_of(store: Store, name: str) -> Span:
    span = store.find_span(ident("span", name))
    assert span is not None
    return span


def trace_of(store: Store, name: str = "t") -> Trace:
    return store.traces[ident("trace", name)]


def members(store: Store) -> list[Span]:
    return [span for trace in store.traces.values() for span in trace.spans]


def names(spans: list[Span] | None) -> list[str]:
    return [span.name for span in spans or []]


def check(store: Store) -> None:
    """Hold a store against what must be true of it after any history."""
    spans = members(store)
    everything = set(spans)
    assert len(everything) == len(spans) == store.span_count
    reached: Counter[Span] = Counter()
    stack = [root for trace in store.traces.values() for root in trace.roots]
    assert all(root.parent is None for root in stack)
    while stack:
        span = stack.pop()
        reached[span] += 1
        assert reached[span] == 1, "no span stands in the tree twice"
        assert span.children != [], "None stands for no children"
        for child in span.children or ():
            assert child.parent is span
            stack.append(child)
    assert set(reached) == everything, "every span can be reached from a root, and nothing else"
    ids: Counter[str] = Counter(span.span_id for span in spans)
    for trace in store.traces.values():
        assert trace.placeholders == sum(span.placeholder for span in trace.spans)
        assert trace.running == sum(span.flags & 3 == SpanFlag.STARTED for span in trace.spans)
        assert trace.errors == sum(
            span.flags & SpanFlag.ENDED > 0
            and span.status is Status.ERROR
            and not span.flags & SpanFlag.PASSED_ON
            for span in trace.spans
        )
        assert trace.input_tokens == sum(
            span.usage.input_tokens or 0
            for span in trace.spans
            if span.usage and not span.usage.from_cache and not (span.call and span.call.wraps)
        )
        assert trace in trace.session.traces
        numbers = [span.number for span in trace.spans]
        assert numbers == sorted(numbers)
        assert len({span.span_id for span in trace.spans}) == len(trace.spans), "once in each trace"
        for siblings in [trace.roots, *(span.children or [] for span in trace.spans)]:
            order = [(span.started_at, span.number) for span in siblings]
            assert order == sorted(order)
    for span in spans:
        below = any(
            child.flags & SpanFlag.ERROR_BELOW or (child.error is not None and child.status is Status.ERROR)
            for child in span.children or ()
        )
        assert bool(span.flags & SpanFlag.ERROR_BELOW) == below
        assert ids[span.span_id] == 1 or span.flags & SpanFlag.ID_CLASH
    for session in store.sessions.values():
        assert all(store.traces.get(trace.trace_id) is trace for trace in session.traces)
