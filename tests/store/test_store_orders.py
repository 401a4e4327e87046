"""Any order and any repetition of events gives the tree of the sorted, complete history; losses are told."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_collector.store.model import SpanFlag, Status
from etaoi_collector.wire.events import SpanEnd, SpanStart

from .histories import History, counts, opened, reported_tree


def folded(events: list) -> Store:  # type: ignore[type-arg]
    store = Store()
    opened(store)
    store.apply(events, 0, 1)
    return store


@given(st.integers(0, 10_000), st.randoms(use_true_random=False), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
def test_any_order_gives_the_same_tree(seed: int, dice: random.Random, spans: int) -> None:
    history = History.random(seed, spans).events
    shuffled = list(history)
    dice.shuffle(shuffled)
    assert reported_tree(folded(shuffled)) == reported_tree(folded(history))
    assert counts(folded(shuffled)) == counts(folded(history))


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_any_repetition_gives_the_same_tree(seed: int, dice: random.Random) -> None:
    history = History.random(seed).events
    repeated = [item for item in history for _ in range(dice.randrange(1, 4))]
    dice.shuffle(repeated)
    store = folded(repeated)
    assert reported_tree(store) == reported_tree(folded(history))
    assert counts(store) == counts(folded(history))
    assert store.repeats == len(repeated) - len(history)


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_any_loss_gives_a_tree_that_says_what_is_missing(seed: int, dice: random.Random) -> None:
    history = History.random(seed, 20).events
    remaining = [item for item in history if dice.random() < 0.7]
    dice.shuffle(remaining)
    store = folded(remaining)
    started = {item.span_id for item in remaining if isinstance(item, SpanStart)}
    ended = {item.span_id for item in remaining if isinstance(item, SpanEnd)}
    named = {item.span_id for item in remaining} | {
        item.parent_span_id for item in remaining if item.parent_span_id
    }
    for span_id in named:
        span = store.find_span(span_id)
        assert span is not None, "nothing that was named is absent"
        if span_id not in started and (span_id not in ended or span.error is None):
            assert span.status is Status.INCOMPLETE
        if span_id in started and span_id not in ended:
            assert span.status is Status.RUNNING
    reached = set()
    stack = [root for trace in store.traces.values() for root in trace.roots]
    while stack:
        span = stack.pop()
        assert span.span_id not in reached, "no span stands in the tree twice"
        reached.add(span.span_id)
        stack.extend(span.children or ())
    assert reached == named, "every span can be reached from a root"
    assert not any(
        span.flags & SpanFlag.PARENT_CYCLE for trace in store.traces.values() for span in trace.spans
    )


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_siblings_stand_in_start_order(seed: int, dice: random.Random) -> None:
    history = History.random(seed, 25).events
    dice.shuffle(history)
    store = folded(history)
    for trace in store.traces.values():
        for siblings in [trace.roots, *(span.children or [] for span in trace.spans)]:
            starts = [span.started_at for span in siblings]
            assert starts == sorted(starts)
