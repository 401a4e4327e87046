"""Lines of diffs: one below the other, or two texts next to each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etaoi_tui.detail.document.model import Diff, Sides, StyledText
from etaoi_tui.detail.layout.hanging_line import HangingLine
from etaoi_tui.detail.layout.wrap import LEAST_WIDTH, break_line, show
from etaoi_tui.text import cells

DIFF_STYLES = {"+": "diff.added", "-": "diff.removed", " ": "diff.same", "@": "muted"}

SIDES_FROM = 60
"""Cells from which two columns are readable; below that the pairs stand below each other."""

_MARK = 2


def unified_lines(block: Diff) -> Iterator[HangingLine]:
    """Return the lines of a unified diff."""
    for sign, text in block.lines:
        yield _line(sign, text)


def side_by_side_lines(block: Sides, width: int) -> Iterator[HangingLine]:
    """Return the rows of two columns, each wrapped in its own half."""
    if width < SIDES_FROM:
        for left, right in block.pairs:
            if left is not None:
                yield _line(*left)
            if right is not None and right != left:
                yield _line(*right)
        return
    column = max((width - 3) // 2, LEAST_WIDTH)
    for left, right in block.pairs:
        if left is not None and left[0] == "@":
            yield _line(*left)
            continue
        rows = _column(left, column), _column(right, column)
        for n in range(max(len(rows[0]), len(rows[1]))):
            cell: list[StyledText] = list(rows[0][n]) if n < len(rows[0]) else []
            used = sum(cells(text) for text, _ in cell)
            cell.append((" " * (column - used) + " │ ", "muted"))
            if n < len(rows[1]):
                cell += rows[1][n]
            yield HangingLine(cell, 0, [])


def _line(sign: str, text: str | Sequence[StyledText]) -> HangingLine:
    style = DIFF_STYLES.get(sign, "")
    mark = "⋯ " if sign == "@" else f"{sign} "
    return HangingLine([(mark, style)], _MARK, [(text, style)] if isinstance(text, str) else list(text))


def _column(side: tuple[str, Sequence[StyledText]] | None, width: int) -> list[list[StyledText]]:
    """Wrap one side into printable lines no wider than its column."""
    if side is None:
        return []
    sign, runs = side
    text = "".join(piece for piece, _ in runs)
    style = DIFF_STYLES.get(sign, "")
    room = max(width - _MARK, LEAST_WIDTH)
    lines: list[list[StyledText]] = []
    at = 0
    while at < len(text) or not lines:
        stop, following = break_line(text, at, len(text), room)
        line: list[StyledText] = [(f"{sign} " if not lines else "  ", style)]
        begin = 0
        for piece, look in runs:
            end = begin + len(piece)
            if end > at and begin < stop:
                line.append((show(piece[max(0, at - begin) : stop - begin]), look))
            begin = end
        lines.append(line)
        at = max(following, at + 1)
    return lines
