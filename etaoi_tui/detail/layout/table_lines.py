"""Lays out a table: aligned columns under a header, as narrow as their content lets them be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etaoi_tui.detail.document.model import StyledText, Table
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

    def cells_of(row: Sequence[str | StyledText]) -> list[StyledText]:
        pairs = [(str(cell), "") if not isinstance(cell, tuple) else cell for cell in row[:columns]]
        return [(one_line(text, limit), style) for text, style in pairs]

    measured = [cells_of(row) for row in block.rows[:_TABLE_MEASURED]]
    widths = [
        max([cells(heads[n]), *(cells(row[n][0]) for row in measured if n < len(row))])
        for n in range(columns)
    ]
    spare = max(width - _TABLE_GAP * (columns - 1), columns)
    while sum(widths) > spare and max(widths) > 1:
        widest = widths.index(max(widths))
        others = max((w for n, w in enumerate(widths) if n != widest), default=0)
        widths[widest] = max(1, min(widths[widest] - 1, max(others, widths[widest] - (sum(widths) - spare))))

    def line(row: Sequence[StyledText]) -> HangingLine:
        """Join cells of one look, so that a row without colours stays one piece."""
        last = max((n for n, (text, _) in enumerate(row) if text), default=-1)
        runs: list[StyledText] = []
        for n, (text, style) in enumerate(row[: last + 1]):
            fitted = fit(text, widths[n], "right" if right[n] else "left")
            fitted = fitted.rstrip() if n == last else fitted + " " * _TABLE_GAP
            if runs and runs[-1][1] == style:
                runs[-1] = (runs[-1][0] + fitted, style)
            else:
                runs.append((fitted, style))
        return HangingLine([], 0, runs or [("", "")])

    yield line([(head, "head") for head in heads])
    for row in measured:
        yield line(row)
    for further in block.rows[_TABLE_MEASURED:]:
        yield line(cells_of(further))
