"""The one-line bar of a document's tabs: which labels fit, where they stand, and which one was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from etaoi_tui.text import cells, crop, printable

MORE_LEFT, MORE_RIGHT = "‹", "›"


class TabLabel(NamedTuple):
    """A label that is drawn: its tab's key, text, first cell and width."""

    key: str
    text: str
    x: int
    width: int


def lay_out_tabs(tabs: Sequence[tuple[str, str]], active: str, width: int, left: int = 1) -> list[TabLabel]:
    """Place as many labels as fit, the active one among them.

    Args:
        tabs: Keys and titles, in order.
        active: Key of the open tab.
        width: Cells of the bar; the last one is kept for the mark of hidden labels.
        left: Cells before the first label, for the other mark.
    """
    room = max(width - left - 1, 4)
    tabs = [(key, printable(title)) for key, title in tabs]
    widths = [min(cells(title) + 2, room) for _, title in tabs]
    at = next((n for n, (key, _) in enumerate(tabs) if key == active), 0)
    first, last = at, at
    used = widths[at] if widths else 0
    while True:
        if last + 1 < len(tabs) and used + widths[last + 1] <= room:
            last += 1
            used += widths[last]
        elif first > 0 and used + widths[first - 1] <= room:
            first -= 1
            used += widths[first]
        else:
            break
    labels = []
    x = left
    for (key, title), cell_width in zip(tabs[first : last + 1], widths[first : last + 1], strict=True):
        labels.append(TabLabel(key, f" {crop(title, cell_width - 2)} ", x, cell_width))
        x += cell_width
    return labels


def fit_sums(sums: Sequence[str], width: int) -> str:
    """Join as many figures as fit in a width, the first ones; empty if none does."""
    joined = ""
    for figure in sums:
        longer = f"{joined} · {printable(figure)}" if joined else printable(figure)
        if cells(longer) > width:
            break
        joined = longer
    return joined


def tab_at(labels: Sequence[TabLabel], x: int) -> str | None:
    """Return the key of the label at a cell."""
    return next((label.key for label in labels if label.x <= x < label.x + label.width), None)
