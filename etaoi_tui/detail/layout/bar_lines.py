"""Lays out rows with a bar each, and a course of values in one line, in the room that a page really has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etaoi_tui.detail.document.model import BarRow, Bars, StyledText, Trend
from etaoi_tui.detail.layout.hanging_line import HangingLine
from etaoi_tui.text import cells
from etaoi_tui.view.sparkline import spark_glyph

LONGEST_BAR = 40
_SHORTEST_BAR = 6
_EIGHTHS = " ▏▎▍▌▋▊▉"
_GAP = "  "


def bar_lines(block: Bars, width: int) -> Iterator[HangingLine]:
    """Yield a line for each row, none wider than ``width`` unless its words alone are.

    The bars share what the words leave; where that is too little the words behind them go, then the bars.
    """
    before = max((_cells(row.before) for row in block.rows), default=0)
    after = max((_cells(row.after) for row in block.rows), default=0)
    room = width - before - (after + len(_GAP) if after else 0)
    has_after = room >= _SHORTEST_BAR
    if not has_after:
        room = width - before
    bar = min(room, LONGEST_BAR) if room >= _SHORTEST_BAR else 0
    for row in block.rows:
        runs = [*row.before, *_bar(row, bar)]
        if has_after and row.after:
            runs += [(" " * (before + bar - _cells(runs)) + _GAP, ""), *row.after]
        yield HangingLine([], 0, runs)


def trend_line(block: Trend, width: int) -> Iterator[HangingLine]:
    """Yield one line: a column for each value, or for the largest of neighbours where there are too many."""
    values = block.values
    columns = min(len(values), max(width, 1))
    highest = max((value for value, _ in values if value is not None), default=0.0)
    runs: list[StyledText] = []
    for n in range(columns):
        stretch = values[n * len(values) // columns : (n + 1) * len(values) // columns]
        value, style = max(stretch, key=lambda one: -1.0 if one[0] is None else one[0])
        runs.append((spark_glyph(value, highest), "muted" if value is None else style))
    yield HangingLine([], 0, runs)


def _bar(row: BarRow, width: int) -> list[StyledText]:
    """Draw a bar in eighths of a cell; what is more than nothing has an eighth at least."""
    if row.share is None or not width:
        return []
    eighths = min(max(round(row.share * width * 8), 1), width * 8)
    full_cells, rest = divmod(eighths, 8)
    return [("█" * full_cells + (_EIGHTHS[rest] if rest else ""), row.style)]


def _cells(runs: Sequence[StyledText]) -> int:
    return sum(cells(text) for text, _ in runs)
