"""Lays out titled groups of names and values: in two columns where there is room, else below each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from etaoi_tui.detail.document.model import Groups, StyledText
from etaoi_tui.detail.layout.hanging_line import HangingLine
from etaoi_tui.detail.layout.wrap import break_line
from etaoi_tui.text import cells, fit, printable

_GAP = 4

Line = list[StyledText]


def group_lines(block: Groups, width: int) -> Iterator[HangingLine]:
    """Yield the lines of a block of groups, each at most ``width`` cells wide."""
    room = (width - _GAP) // 2 if width >= block.two_columns else width
    longest = max((cells(name) for _, rows in block.groups for name, _ in rows), default=0)
    names = min(longest, room // 3)
    columns = [_group(title, rows, names, room) for title, rows in block.groups]
    if room == width:
        for line in (line for group in columns for line in group):
            yield HangingLine([], 0, line)
        return
    left, right = _halves(columns)
    nothing: Line = []
    for one, other in zip_longest(left, right, fillvalue=nothing):
        used = sum(cells(text) for text, _ in one)
        yield HangingLine([], 0, [*one, (" " * (room + _GAP - used), ""), *other])


def _group(title: str, rows: Sequence[tuple[str, str]], names: int, room: int) -> list[Line]:
    """Return a group's lines and the empty one behind it."""
    lines: list[Line] = [[(fit(printable(title), room), "title")]]
    for name, value in rows:
        text, at, first = printable(value), 0, True
        while first or at < len(text):
            stop, following = break_line(text, at, len(text), max(room - names - 2, 1))
            lines.append([(fit(name if first else "", names), "key"), ("  " + text[at:stop], "")])
            at, first = following, False
    lines.append([])
    return lines


def _halves(groups: list[list[Line]]) -> tuple[list[Line], list[Line]]:
    """Deal groups to two columns, in order, so that the first is the longer one by as little as can be."""
    total = sum(map(len, groups))
    left: list[Line] = []
    number = 0
    while number < len(groups) and len(left) * 2 < total:
        left += groups[number]
        number += 1
    return left, [line for group in groups[number:] for line in group]
