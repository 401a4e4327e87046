"""The words in which two versions of a line differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import overload

from etaoi_tui.detail.compare.alignment import AlignedRange, align
from etaoi_tui.detail.document.model import StyledText

_ALIKE = 0.35
"""Share of equal words below which two lines are different lines, and not one that was edited."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

_CELLS = 4_000_000
"""Pairs of words that are compared at most: a few milliseconds."""

LONG = 480
"""Characters from which an equal part of a line is left out but for its ends."""

AROUND = 160
"""Characters that are shown at each end of it."""


def compare_words(old: str, new: str) -> tuple[list[StyledText], list[StyledText]]:
    """Return two lines with the words that differ marked; unmarked when they have little in common.

    Of long parts that both have in common only the ends are shown.
    """
    old_words, new_words = _WORDS.findall(old), _WORDS.findall(new)
    ranges = align(old_words, new_words, counts=str.isalnum, most=_CELLS)
    alike = sum(
        len(word) for s in ranges if s.equal for word in old_words[s.old_from : s.old_to] if word.strip()
    )
    if alike < _ALIKE * min(len(old), len(new)):
        return [(old, "diff.removed")], [(new, "diff.added")]
    old_side: list[StyledText] = []
    new_side: list[StyledText] = []
    for n, aligned_range in enumerate(ranges):
        ends = n > 0, n < len(ranges) - 1
        old_side += _runs(
            old_words[aligned_range.old_from : aligned_range.old_to], aligned_range, "diff.removed", ends
        )
        new_side += _runs(
            new_words[aligned_range.new_from : aligned_range.new_to], aligned_range, "diff.added", ends
        )
    return old_side or [("", "diff.removed")], new_side or [("", "diff.added")]


def _runs(
    words: list[str], aligned_range: AlignedRange, style: str, ends: tuple[bool, bool]
) -> list[StyledText]:
    text = "".join(words)
    if not text:
        return []
    if not aligned_range.equal:
        return [(text, style + ".word")]
    if len(text) <= LONG:
        return [(text, style)]
    head = text[:AROUND] if ends[0] else ""
    tail = text[-AROUND:] if ends[1] else ""
    left_out = len(text) - len(head) - len(tail)
    pieces: list[StyledText] = [
        (head, style),
        (f" ⋯ {left_out:,} characters the same ⋯ ", "muted"),
        (tail, style),
    ]
    return [run for run in pieces if run[0]]


class _Compared:
    """Two lines that are compared once, when either is looked at."""

    def __init__(self, old: str, new: str) -> None:
        self.lines = old, new
        self._sides: tuple[list[StyledText], list[StyledText]] | None = None

    @property
    def runs(self) -> tuple[list[StyledText], list[StyledText]]:
        """The runs of both."""
        if self._sides is None:
            self._sides = compare_words(*self.lines)
        return self._sides


class _Line(Sequence[StyledText]):
    """The runs of one of two compared lines."""

    def __init__(self, compared: _Compared, side: int) -> None:
        self._compared = compared
        self._side = side

    def __len__(self) -> int:
        return len(self._compared.runs[self._side])

    @overload
    def __getitem__(self, index: int) -> StyledText: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StyledText]: ...
    def __getitem__(self, index: int | slice) -> StyledText | Sequence[StyledText]:
        return self._compared.runs[self._side][index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Line):
            return NotImplemented
        return (self._side, self._compared.lines) == (other._side, other._compared.lines)

    def __hash__(self) -> int:
        return hash((self._side, self._compared.lines))


def compare_later(old: str, new: str) -> tuple[Sequence[StyledText], Sequence[StyledText]]:
    """Return two lines as `compare_words` does, compared when they are looked at."""
    compared = _Compared(old, new)
    return _Line(compared, 0), _Line(compared, 1)
