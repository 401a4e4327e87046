"""The middleware around a call: one row until it is opened, whatever arrives in which order."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.conventions.waits import WAITS_FOR
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_tui.view.middleware.folded_hooks import hooks_shown_by
from etaoi_tui.view.middleware.hooks import hooks_inside
from etaoi_tui.view.visible_rows import TreeRows
from tests.store.histories import event, ident, opened

PROBE = {"lc_probe": "wrap_model_call", "probe_label": "X.wrap_model_call"}


def named(name: str) -> dict[str, str]:
    return {**PROBE, "name": name}


def story(attempts: int = 2, step: float = 1.0) -> list[Any]:
    """A model node with three nested hooks and some attempts inside, and a state hook with its probe.

    Args:
        attempts: How often the model is called.
        step: Seconds from the start of one hook to that of the next one inside.
    """
    node = {"lc_chain_kind": "graph_node", "name": "model"}
    hook = {"lc_chain_kind": "hook", "name": "Guard.before_model"}
    events = [
        event("span_start", "root", 0, node_kind="sub_agent"),
        event("span_start", "before", 1, parent="root", node_kind="middleware", metadata=hook),
        event(
            "span_start", "state", 2, parent="before", node_kind="middleware",
            metadata=named("Guard.before_model"),
        ),
        event("span_start", "node", 3, parent="root", node_kind="middleware", metadata=node),
        event("span_start", "outer", 4, parent="node", node_kind="middleware", metadata=named("A")),
        event("span_start", "middle", 4 + step, parent="outer", node_kind="middleware", metadata=named("B")),
    ]  # fmt: skip
    for n in range(attempts):
        at = 4 + step * (2 + 2 * n)
        events += [
            event(
                "span_start",
                f"inner{n}",
                at,
                parent="middle",
                node_kind="middleware",
                metadata=named(f"C{n}"),
            ),
            event("span_start", f"call{n}", at + step, parent=f"inner{n}", node_kind="llm"),
        ]
    return events


MARK = {"lc_probe": "wrap_model_call"}


def mark(name: str, label: str, at: int, parent: str = "node", down: bool = False) -> Any:
    """A mark of the etaoi SDK: a probe beside the call, on its way down or back."""
    metadata = {**MARK, "probe_label": label, "name": label}
    if down:
        metadata["probe_phase"] = "pre_handler"
    return event("span_start", name, at, parent=parent, node_kind="middleware", metadata=metadata)


def flat_story() -> list[Any]:
    """Two hooks around a call that is tried twice, a tool, and one hook around another call."""
    return [
        event("span_start", "root", 0, node_kind="sub_agent"),
        event(
            "span_start", "node", 1, parent="root", node_kind="middleware",
            metadata={"lc_chain_kind": "graph_node", "name": "model"},
        ),
        mark("a1", "A", 2, down=True),
        mark("b1", "B", 3, down=True),
        event("span_start", "call1", 4, parent="node", node_kind="llm"),
        mark("b2", "B", 5, down=True),
        event("span_start", "call2", 6, parent="node", node_kind="llm"),
        mark("b3", "B", 7),
        mark("a2", "A", 8),
        event("span_start", "tool", 9, parent="node", node_kind="tool"),
        mark("c1", "C", 10, down=True),
        event("span_start", "call3", 11, parent="node", node_kind="llm"),
        mark("c2", "C", 12),
        mark("lost", "D", 13),
    ]  # fmt: skip


def names_and_depths(rows: TreeRows) -> list[tuple[str, int]]:
    return [(span.span_id, depth) for span, depth in zip(rows.spans, rows.depths, strict=True)]


def rebuilt(rows: TreeRows) -> list[tuple[Span, int]]:
    rows.rebuild()
    return list(zip(rows.spans, rows.depths, strict=True))


def grown(events: list[Any] | None = None) -> tuple[Store, TreeRows]:
    store = Store()
    opened(store)
    store.apply(story() if events is None else events, 0, 1)
    store.drain_changes()
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    return store, rows


def find(rows: TreeRows, store: Store, name: str) -> Span:
    return next(s for t in store.traces.values() for s in t.spans if s.name == name)


def test_a_closed_chain_is_one_row() -> None:
    store, rows = grown()
    depths = [depth for _, depth in names_and_depths(rows)]
    names = [span.name for span in rows.spans]
    assert [n for n in names if n in "ABC0C1"] == ["A"]
    assert names.count("Guard.before_model") == 1
    head = find(rows, store, "A")
    assert rows.is_chain(head)
    assert [hook.name for hook in hooks_inside(head)] == ["A", "B", "C0", "C1"]
    row = rows.index(head)
    assert row is not None
    assert [span.kind for span in rows.spans[row + 1 :]] == ["llm", "llm"]
    assert depths[row + 1 :] == [depths[row] + 1] * 2
    rows.set_chain_open(head, True)
    assert [span.name for span in rows.spans[row:] if span.kind == "middleware"] == ["A", "B", "C0", "C1"]
    rows.set_chain_open(head, False)
    assert [depth for _, depth in names_and_depths(rows)] == depths


def test_a_hook_that_failed_is_shown_though_its_chain_is_closed() -> None:
    store, rows = grown()
    store.apply([event("span_end", "middle", 20, node_kind="middleware", error="ValueError('x')")], 0, 1)
    rows.apply(store.drain_changes())
    assert "B" in [span.name for span in rows.spans]
    assert list(zip(rows.spans, rows.depths, strict=True)) == rebuilt(rows)


def test_probes_beside_a_call_are_one_row_until_opened() -> None:
    store = Store()
    opened(store)
    store.apply(flat_story(), 0, 1)
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    span_names = "root node a1 b1 call1 b2 call2 b3 a2 tool c1 call3 c2 lost".split()
    id_of = {ident("span", name): name for name in span_names}
    spans = {id_of[s.span_id]: s for t in store.traces.values() for s in t.spans}

    def names(some: list[Span]) -> list[str]:
        return [id_of[span.span_id] for span in some]

    closed = ["root", "a1", "call1", "call2", "tool", "call3", "lost"]  # c1 and c2 are around one call
    assert names(rows.spans) == closed
    head = rows.spans[1]
    assert rows.is_chain(head)
    assert rows.unfolds(head)
    assert not rows.is_chain(spans["lost"])
    rows.set_chain_open(head, True)
    assert names(rows.spans[1:9]) == ["a1", "b1", "call1", "b2", "call2", "b3", "a2", "tool"]
    rows.set_chain_open(head, False)
    assert names(rows.spans) == closed
    rows.set_plumbing(True)
    assert not rows.is_chain(head)
    assert len(rows) == len(spans)


def test_hooks_around_one_call_share_its_row_until_opened() -> None:
    store, rows = grown(story(1))
    assert "A" not in [span.name for span in rows.spans]
    call, head = rows.spans[-1], find(rows, store, "A")
    assert (call.kind, rows.depths[-1]) == ("llm", rows.depths[-2] if rows.spans[-2].name == "model" else 1)
    assert rows.is_chain(call)
    assert rows.unfolds(call)
    assert rows.nearest(head) == rows.index(call)
    rows.set_chain_open(call, True)
    assert [span.name for span in rows.spans if span.name in ("A", "B", "C0")] == ["A", "B", "C0"]
    assert not rows.is_chain(call)
    assert rows.is_chain(head)
    rows.set_chain_open(head, False)
    assert rows.spans[-1] is call
    assert "A" not in [span.name for span in rows.spans]


@pytest.mark.parametrize(
    "what", ["fails", "fails inside", "waits", "takes its time", "calls twice", "calls a tool besides"]
)
def test_hooks_with_information_of_their_own_keep_their_row(what: str) -> None:
    store, rows = grown(story(1, step=0.001))
    call = rows.spans[-1]
    ends = [("call0", 8.0), ("inner0", 8.001), ("middle", 8.002), ("outer", 30.0)]
    happens = {
        "fails": [
            *(event("span_end", name, at) for name, at in ends[:3]),
            event("span_end", "outer", 8.003, node_kind="middleware", error="ValueError('x')"),
        ],
        "fails inside": [
            *(event("span_end", name, at) for name, at in (*ends[:2], ("outer", 8.003))),
            event("span_end", "middle", 8.002, node_kind="middleware", error="ValueError('x')"),
        ],
        "waits": [event("span_delta", "outer", 2, metadata={WAITS_FOR: "May I?"})],
        "takes its time": [event("span_end", name, at) for name, at in ends],
        "calls twice": [event("span_start", "again", 9, parent="middle", node_kind="llm")],
        "calls a tool besides": [event("span_start", "tool", 9, parent="outer", node_kind="tool")],
    }
    assert rows.index(find(rows, store, "A")) is None
    store.apply(happens[what], 0, 1)
    rows.apply(store.drain_changes())
    assert rows.index(find(rows, store, "A")) is not None
    assert rows.index(call) is not None
    assert hooks_shown_by(call) is None
    assert list(zip(rows.spans, rows.depths, strict=True)) == rebuilt(rows)


@given(st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=300, deadline=None)
def test_growing_equals_rebuilding_in_any_order(dice: random.Random, flat: bool) -> None:
    events = flat_story() if flat else story(dice.randint(1, 3))
    dice.shuffle(events)
    store = Store()
    opened(store)
    rows = TreeRows()
    for at in range(0, len(events), 2):
        store.apply(events[at : at + 2], 0, 1)
        if rows.trace is None:
            rows.show(next(iter(store.traces.values())))
        rows.apply(store.drain_changes())
        heads = [span for span in rows.spans if rows.is_chain(span)]
        if heads and dice.random() < 0.3:
            rows.set_chain_open(dice.choice(heads), dice.random() < 0.5)
        if rows.spans and dice.random() < 0.2:
            rows.set_folded(dice.choice(rows.spans), dice.random() < 0.7)
        assert list(zip(rows.spans, rows.depths, strict=True)) == rebuilt(rows)
        for at, span in enumerate(rows.spans):
            assert rows.index(span) == at
