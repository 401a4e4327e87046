"""One selection, told to everybody in order."""

from __future__ import annotations

from typing import Any

from etaoi_tui.view.selection import Selection, SelectionChange


def test_what_an_observer_changes_is_told_after_the_first_change_is_known() -> None:
    selection = Selection()
    trace, first = object(), object()
    told: list[tuple[str, bool, object]] = []

    def tree(change: SelectionChange) -> None:
        told.append(("tree", change.trace, selection.span))
        if change.trace:
            selection.select(first, by="tree", by_hand=False)  # type: ignore[arg-type]

    def detail(change: SelectionChange) -> None:
        told.append(("detail", change.trace, selection.span))

    selection.watch(tree)
    selection.watch(detail)
    selection.show(trace)  # type: ignore[arg-type]
    assert told == [
        ("tree", True, None),
        ("detail", True, first),
        ("tree", False, first),
        ("detail", False, first),
    ]


def test_the_same_span_again_is_no_change_but_another_turn_is() -> None:
    selection = Selection()
    told: list[SelectionChange] = []
    selection.watch(told.append)
    span: Any = object()
    turn: Any = object()
    selection.select(span)
    selection.select(span)
    assert len(told) == 1
    selection.select(span, turn=turn, by="lanes")
    assert len(told) == 2 and told[1].by == "lanes"
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
    told: list[object] = []
    selection._observers[:] = [lambda change: told.append(selection.span)]
    last: Any = object()
    selection.select(last)
    assert told == [last]
