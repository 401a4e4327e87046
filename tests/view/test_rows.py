"""Rows that grow in place equal rows that are made anew, whatever arrives and whatever is folded."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_tui.view.depth_first import root_of
from etaoi_tui.view.error_navigation import (
    ErrorWalk,
    failure_that_ended,
    is_origin_of_error,
    next_error,
    previous_error,
)
from etaoi_tui.view.visible_rows import TreeRows
from tests.store.histories import History, event, opened


def rebuilt(rows: TreeRows) -> list[tuple[Span, int]]:
    rows.rebuild()
    return list(zip(rows.spans, rows.depths, strict=True))


@given(st.integers(0, 10_000), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=200, deadline=None)
def test_growing_equals_rebuilding(seed: int, dice: random.Random, shuffled: bool) -> None:
    events = History.random(seed, 30).events
    if shuffled:
        dice.shuffle(events)
    store = Store()
    opened(store)
    rows = TreeRows()
    while events:
        some, events = events[: dice.randrange(1, 8)], events[8:]
        store.apply(some, 0, 1)
        if rows.trace is None:
            rows.show(next(iter(store.traces.values())))
        changes = store.drain_changes()
        rows.apply(changes)
        updated = [*changes.added, *changes.changed]
        assert rows.touched == [span for span in updated if root_of(span).trace is rows.trace]
        if rows.spans and dice.random() < 0.3:
            rows.set_folded(dice.choice(rows.spans), dice.random() < 0.7)
        grown = list(zip(rows.spans, rows.depths, strict=True))
        assert grown == rebuilt(rows)
        for at, span in enumerate(rows.spans):
            assert rows.index(span) == at


def deep_store() -> Store:
    store = Store()
    opened(store)
    store.apply(
        [
            event("span_start", "root", 0, node_kind="sub_agent"),
            event("span_start", "seq", 1, parent="root", metadata={"lc_chain_kind": "internal"}),
            event("span_start", "inner", 2, parent="seq", node_kind="llm"),
            event("span_start", "tail", 3, parent="root", node_kind="tool"),
        ],
        0,
        1,
    )
    return store


def test_internal_spans_are_hidden_and_replaced_by_their_children() -> None:
    store = deep_store()
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    assert [(s.name, d) for s, d in zip(rows.spans, rows.depths, strict=True)] == [
        ("root", 0),
        ("inner", 1),
        ("tail", 1),
    ]
    rows.set_plumbing(True)
    assert [s.name for s in rows.spans] == ["root", "seq", "inner", "tail"]


def test_changes_in_other_trees_are_ignored() -> None:
    store = deep_store()
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    store.drain_changes()
    store.apply(
        [
            event("span_start", "elsewhere", 4, trace="other"),
            event("span_start", "below", 5, trace="other", parent="elsewhere"),
            event("span_start", "hung", 6, trace="turn", parent="root"),
            event("span_end", "hung", 7, trace="turn", parent="root"),
            event("span_end", "tail", 8, parent="root"),
        ],
        0,
        1,
    )
    rows.apply(store.drain_changes())
    assert {span.name for span in rows.touched} == {"hung", "tail"}


def test_internal_spans_with_their_own_error_are_shown() -> None:
    store = deep_store()
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    store.drain_changes()
    store.apply([event("span_end", "inner", 4, parent="seq", node_kind="llm")], 0, 1)
    store.apply([event("span_end", "seq", 5, parent="root", error="ValueError('x')")], 0, 1)
    rows.apply(store.drain_changes())
    assert [(s.name, d) for s, d in zip(rows.spans, rows.depths, strict=True)] == [
        ("root", 0),
        ("seq", 1),
        ("inner", 2),
        ("tail", 1),
    ]


def test_a_tree_as_deep_as_it_likes() -> None:
    store = Store()
    opened(store)
    deep = 5_000
    store.apply(
        [event("span_start", f"n{i}", i, parent=f"n{i - 1}" if i else None) for i in range(deep)], 0, 1
    )
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    assert rows.depths[-1] == deep - 1
    rows.set_folded(rows.spans[10], True)
    assert len(rows) == 11
    bottom = store.find_span(event("span_start", f"n{deep - 1}", 0).span_id)
    assert bottom is not None
    assert rows.nearest(bottom) == 10
    assert rows.reveal(bottom) == deep - 1


def test_error_navigation_begins_at_the_error_that_ended_the_run_and_visits_each_error_once() -> None:
    ended_runs = 0
    for seed in range(60):
        store = Store()
        opened(store)
        store.apply(History.random(seed, 25).events, 0, 1)
        for trace in store.traces.values():
            rows = TreeRows()
            rows.show(trace)
            errors = [span for span in rows.spans if is_origin_of_error(span)]
            ended = failure_that_ended(trace)
            expected_visits = (
                errors if ended is None else [ended, *(span for span in errors if span is not ended)]
            )
            ended_runs += ended is not None and ended is not errors[0]
            walk = ErrorWalk()
            for visit, expected in ((walk.next, expected_visits), (walk.previous, expected_visits[::-1])):
                visited, at = [], None
                while (at := visit(trace, at)) is not None:
                    visited.append(at)
                assert visited == expected
    assert ended_runs >= 3


def test_error_navigation_visits_the_origins_of_errors_in_both_directions() -> None:
    dice = random.Random(3)
    for seed in range(60):
        store = Store()
        opened(store)
        store.apply(History.random(seed, 25).events, 0, 1)
        for trace in store.traces.values():
            rows = TreeRows()
            rows.show(trace)
            expected_visits = [span for span in rows.spans if is_origin_of_error(span)]
            visited, at = [], None
            while (at := next_error(trace, at)) is not None:
                visited.append(at)
            assert visited == expected_visits
            back, at = [], None
            while (at := previous_error(trace, at)) is not None:
                back.append(at)
            assert back == expected_visits[::-1]
            start = dice.choice(rows.spans) if rows.spans else None
            if start is not None:
                behind = expected_visits and [s for s in expected_visits if rows.index(s) > rows.index(start)]  # type: ignore[operator]
                assert next_error(trace, start) == (behind[0] if behind else None)
