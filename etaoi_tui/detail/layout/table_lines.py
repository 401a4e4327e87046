"""Lays out a table: aligned columns under a header, as narrow as their content lets them be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etaoi_tui.detail.document.model import Table
from etaoi_tui.detail.layout.hanging_line import HangingLine
from etaoi_tui.text import cells, fit, one_line

_TABLE_MEASURED = 500
_TABLE_GAP = 2


def table_lines(block: Table, width: int) -> Iterator[HangingLine]:
    """Yield a table's lines, each at most ``width`` cells wide."""
    columns = len(block.columns)
    right = [name.startswith(">") for name in block.columns]
    heads = [name.lstrip(">") for name in block.columns]
    limit = max(4, width)
    texts = [[one_line(str(cell), limit) for cell in row[:columns]] for row in block.rows[:_TABLE_MEASURED]]
    widths = [
        max([cells(heads[n]), *(cells(row[n]) for row in texts if n < len(row))]) for n in range(columns)
    ]
    spare = max(width - _TABLE_GAP * (columns - 1), columns)
    while sum(widths) > spare and max(widths) > 1:
        widest = widths.index(max(widths))
        others = max((w for n, w in enumerate(widths) if n != widest), default=0)
        widths[widest] = max(1, min(widths[widest] - 1, max(others, widths[widest] - (sum(widths) - spare))))

    def row_text(row: Sequence[str]) -> str:
        gap = " " * _TABLE_GAP
        return gap.join(
            fit(cell, widths[n], "right" if right[n] else "left") for n, cell in enumerate(row)
        ).rstrip()

    yield HangingLine([], 0, [(row_text(heads), "head")])
    for row in texts:
        yield HangingLine([], 0, [(row_text(row), "")])
    for further in block.rows[_TABLE_MEASURED:]:
        yield HangingLine([], 0, [(row_text([one_line(str(cell), limit) for cell in further[:columns]]), "")])
