"""One selection, announced to every observer in order."""

from __future__ import annotations

from typing import Any

from etaoi_tui.view.selection import Selection, SelectionChange


def test_a_change_by_an_observer_is_announced_after_the_first_change() -> None:
    selection = Selection()
    trace, first = object(), object()
    changes: list[tuple[str, bool, object]] = []

    def tree(change: SelectionChange) -> None:
        changes.append(("tree", change.trace, selection.span))
        if change.trace:
            selection.select(first, by="tree", by_hand=False)  # type: ignore[arg-type]

    def detail(change: SelectionChange) -> None:
        changes.append(("detail", change.trace, selection.span))

    selection.watch(tree)
    selection.watch(detail)
    selection.show(trace)  # type: ignore[arg-type]
    assert changes == [
        ("tree", True, None),
        ("detail", True, first),
        ("tree", False, first),
        ("detail", False, first),
    ]


def test_the_same_span_again_is_no_change_but_another_turn_is() -> None:
    selection = Selection()
    changes: list[SelectionChange] = []
    selection.watch(changes.append)
    span: Any = object()
    turn: Any = object()
    selection.select(span)
    selection.select(span)
    assert len(changes) == 1
    selection.select(span, turn=turn, by="lanes")
    assert len(changes) == 2 and changes[1].by == "lanes"
    assert selection.turn is turn


def test_an_observer_that_fails_leaves_no_change_behind() -> None:
    selection = Selection()

    def failing(change: SelectionChange) -> None:
        raise RuntimeError("no")

    selection.watch(failing)
    for span in (object(), object()):
        try:
            selection.select(span)  # type: ignore[arg-type]
        except RuntimeError:
            continue
    spans: list[object] = []
    selection._observers[:] = [lambda change: spans.append(selection.span)]
    last: Any = object()
    selection.select(last)
    assert spans == [last]
