"""Noise has no row: short steps, wrappers, and steps alone in a step; nothing of it is lost."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_tui.view.noise import is_noise, wrapper_name
from etaoi_tui.view.visible_rows import TreeRows
from tests.store.histories import event, opened

MS = 0.001


def spans_of(events: list[Any]) -> tuple[Store, TreeRows]:
    store = Store()
    opened(store)
    store.apply(events, 0, 1)
    store.drain_changes()
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    return store, rows


def span(name: str, start: float, end: float, **more: Any) -> list[Any]:
    """Start and end of a span, in milliseconds."""
    ending = {key: more.pop(key) for key in ("error",) if key in more}
    fields = {key: value for key, value in more.items() if key != "metadata"}
    return [
        event("span_start", name, start * MS, **dict(more)),
        event("span_end", name, end * MS, **dict(fields), **ending),
    ]


def names_and_depths(rows: TreeRows) -> list[tuple[str, int]]:
    return [(one.name, depth) for one, depth in zip(rows.spans, rows.depths, strict=True)]


def test_short_steps_have_no_row_but_calls_however_short_do() -> None:
    _, rows = spans_of(
        [
            *span("run", 0, 900, node_kind="sub_agent"),
            *span("hook", 1, 2, parent="run"),
            *span("model", 2, 300, parent="run", node_kind="llm"),
            *span("quick", 300, 301, parent="run", node_kind="tool"),
            *span("route", 301, 306, parent="run"),
            *span("slow", 310, 700, parent="run"),
            *span("failed", 700, 701, parent="run", error="ValueError('x')"),
            event("span_start", "open", 0.702, parent="run"),
        ]
    )
    assert [name for name, _ in names_and_depths(rows)] == ["run", "model", "quick", "slow", "failed", "open"]
    rows.set_plumbing(True)
    assert len(rows) == 8


def test_in_a_run_without_calls_every_step_has_its_row() -> None:
    store, rows = spans_of([*span("run", 0, 4), *span("one", 1, 2, parent="run")])
    assert names_and_depths(rows) == [("run", 0), ("one", 1)]
    store.apply([event("span_start", "model", 0.003, parent="run", node_kind="llm")], 0, 1)
    assert rows.apply(store.drain_changes())
    assert names_and_depths(rows) == [("run", 0), ("model", 1)]


def test_a_step_around_one_call_folds_into_it_and_the_call_says_its_name() -> None:
    _, rows = spans_of(
        [
            *span("run", 0, 900, node_kind="sub_agent"),
            *span("summarize", 10, 500, parent="run"),
            *span("seq", 11, 499, parent="summarize"),
            *span("gpt", 12, 498, parent="seq", node_kind="llm"),
            *span("researcher", 500, 800, parent="run"),
            *span("two", 502, 600, parent="researcher", node_kind="llm"),
            *span("three", 600, 700, parent="researcher", node_kind="tool"),
        ]
    )
    assert names_and_depths(rows) == [("run", 0), ("gpt", 1), ("researcher", 1), ("two", 2), ("three", 2)]
    assert wrapper_name(rows.spans[1]) == "summarize"
    assert wrapper_name(rows.spans[3]) == ""


def test_a_step_and_a_wrapper_of_its_name_are_one_row() -> None:
    _, rows = spans_of(
        [
            *span("run", 0, 900, node_kind="sub_agent"),
            *span("node", 10, 500, parent="run"),
            *span("node2", 11, 500, parent="node", metadata={"name": "node"}),
            *span("a", 20, 100, parent="node2", node_kind="tool"),
            *span("b", 100, 200, parent="node2", node_kind="tool"),
        ]
    )
    assert names_and_depths(rows) == [("run", 0), ("node", 1), ("a", 2), ("b", 2)]


def test_going_to_noise_gives_it_a_row() -> None:
    store, rows = spans_of(
        [
            *span("run", 0, 900),
            *span("hook", 1, 2, parent="run"),
            *span("m", 2, 9, parent="run", node_kind="llm"),
        ]
    )
    hook = next(one for one in store.traces.popitem()[1].spans if one.name == "hook")
    assert is_noise(hook) and rows.index(hook) is None
    assert rows.reveal(hook) == 1
    assert [name for name, _ in names_and_depths(rows)] == ["run", "hook", "m"]


@given(st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_updated_rows_equal_rebuilt_rows(dice: random.Random) -> None:
    names = ["root"]
    events = [event("span_start", "root", 0, node_kind="sub_agent")]
    ends: list[Any] = [event("span_end", "root", 1, node_kind="sub_agent")]
    at = 0.0
    for number in range(dice.randrange(2, 14)):
        parent = dice.choice(names[-3:])
        kind = dice.choice(["middleware", "middleware", "middleware", "llm", "tool"])
        name = f"n{number}"
        at += dice.choice([0, 0, 0.001, 0.02])
        took = dice.choice([0.001, 0.004, 0.02, 0.5])
        chain = {"lc_chain_kind": "internal"} if kind == "middleware" and dice.random() < 0.2 else {}
        error = dice.choice([None, None, None, "ValueError('x')"])
        events.append(event("span_start", name, at, parent=parent, node_kind=kind, metadata=chain))
        ends.append(event("span_end", name, at + took, parent=parent, node_kind=kind, error=error))
        names.append(name)
    order = events + ends
    if dice.random() < 0.7:
        order.sort(key=lambda one: one.timestamp)
    if dice.random() < 0.3:
        dice.shuffle(order)
    store = Store()
    opened(store)
    rows = TreeRows()
    while order:
        count = dice.randrange(1, 5)
        some, order = order[:count], order[count:]
        store.apply(some, 0, 1)
        if rows.trace is None:
            rows.show(next(iter(store.traces.values())))
        rows.apply(store.drain_changes())
        if rows.spans and dice.random() < 0.2:
            rows.set_folded(dice.choice(rows.spans), dice.random() < 0.7)
        grown: list[tuple[Span, int]] = list(zip(rows.spans, rows.depths, strict=True))
        rows.rebuild()
        assert grown == list(zip(rows.spans, rows.depths, strict=True))
