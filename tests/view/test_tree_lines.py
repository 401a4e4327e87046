"""The lines that a tree gets above the detail."""

from __future__ import annotations

import pytest

from etaoi_tui.view.layout import ALL, DetailNeed, tree_lines


@pytest.mark.parametrize(
    ("rows", "detail", "expected"),
    [
        (10, ALL, 10),  # what its rows need
        (100, ALL, 24),  # its share
        (100, 10, 30),  # what the detail leaves
        (26, 10, 28),  # no more than it needs
        (100, 1, 34),  # the detail keeps room for a heading and a few lines
        (0, 1, 4),
    ],
)
def test_the_tree_has_the_lines_it_needs_and_takes_unused_lines_of_the_detail(
    rows: int, detail: int, expected: int
) -> None:
    assert tree_lines(rows, 40, 0.6, 0, detail) == expected


def test_the_detail_keeps_the_lines_that_any_span_of_the_run_needed() -> None:
    need = DetailNeed()
    assert need.lines == ALL
    need.saw(7)
    assert need.lines == 9
    need.saw(20)
    need.saw(7)
    assert need.lines == 21
    need.saw(ALL)
    assert need.lines == ALL
    need.saw(3)
    assert need.lines == 21
    need.forget()
    assert need.lines == ALL
