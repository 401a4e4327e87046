"""Events that contradict each other, or come again."""

from __future__ import annotations

import itertools

import pytest

from etaoi_collector.store import Store
from etaoi_collector.store import deduplication as repeats
from etaoi_collector.store.model import SpanFlag, Status
from tests.store.folds import check, folded, members, names, span_of, trace_of
from tests.store.histories import EPOCH, event, opened, reported_tree

START = EPOCH.timestamp()


def test_clocks_backwards() -> None:
    for history in (
        [event("span_start", "a", 5), event("span_end", "a", 2)],
        [event("span_end", "a", 2), event("span_start", "a", 5)],
    ):
        span = span_of(folded(*history), "a")
        assert span.flags & SpanFlag.CLOCK_BACKWARDS
        assert span.duration(0.0) == 0.0
        assert span.status is Status.OK


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_rings_of_parents_in_any_order(length: int) -> None:
    ring = [event("span_start", f"r{n}", n, parent=f"r{(n + 1) % length}") for n in range(length)]
    outside = [event("span_start", "leaf", 9, parent="r0")]
    first = None
    for history in itertools.permutations(ring + outside):
        store = folded(*history)
        check(store)
        cut = [span.span_id for span in members(store) if span.flags & SpanFlag.PARENT_CYCLE]
        assert cut == [min(item.span_id for item in ring)]  # type: ignore[union-attr]
        first = first or reported_tree(store)
        assert reported_tree(store) == first


def test_ids_that_clash_between_clients() -> None:
    history = [
        event("span_start", "x", 0, trace="a", session="a"),
        event("span_start", "below a", 1, parent="x", trace="a", session="a"),
        event("span_start", "x", 0.5, trace="b", session="b"),
        event("span_start", "below b", 2, parent="x", trace="b", session="b"),
        event("span_end", "below b", 3, parent="x", trace="b", session="b", error="ValueError()"),
    ]
    for order in itertools.permutations(history):
        store = folded(*order)
        check(store)
        for trace in "ab":
            root = trace_of(store, trace).roots[0]
            assert root.flags & SpanFlag.ID_CLASH
            assert names(root.children) == [f"below {trace}"]
            assert bool(root.flags & SpanFlag.ERROR_BELOW) == (trace == "b")


def test_repeated_starts_ends_and_deltas() -> None:
    history = [
        event("span_start", "a", 0),
        event("span_delta", "a", 1, payload={"text": "x"}),
        event("span_end", "a", 2),
    ]
    store = folded(*history, *history)
    span = span_of(store, "a")
    assert store.repeats == 3
    assert not span.flags & SpanFlag.CONFLICT
    assert span.deltas == [1]
    assert (span.start_ref, span.end_ref) == (0, 2)


def test_deltas_are_recognised_within_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "REPEAT_WINDOW", 10)
    store = Store()
    opened(store)
    for number in range(100):
        item = event("span_delta", "a", number)
        store.apply([item], number, 1)
        if number >= 9:
            store.apply([event("span_delta", "a", number - 9)], number, 1)
    assert store.repeats == 91


def test_the_window_of_repeats_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "REPEAT_WINDOW", 10)
    window = repeats.Deduplicator()
    for number in range(100):
        assert not window.is_repeat(f"event {number}")
        assert all(window.is_repeat(f"event {older}") for older in range(max(0, number - 9), number + 1))
        assert len(window) <= 20


def test_a_second_start_or_end_that_says_something_else() -> None:
    store = folded(event("span_start", "a", 0), event("span_end", "a", 1), event("span_start", "a", 0.5))
    assert span_of(store, "a").flags & SpanFlag.CONFLICT
    assert span_of(store, "a").started_at == START
    store = folded(
        event("span_start", "a", 0), event("span_end", "a", 1), event("span_end", "a", 1, error="E")
    )
    assert span_of(store, "a").flags & SpanFlag.CONFLICT
    assert span_of(store, "a").status is Status.OK
