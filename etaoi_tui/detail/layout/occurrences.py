"""Where words stand in a page that is laid out: found line by line, and marked in the lines that are drawn.

A word that was broken at the end of a line is found as well, and marked on both lines.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from etaoi_tui.detail.document.model import Section, section_text
from etaoi_tui.detail.layout.page import PageLayout

_LINES = 64
"""Lines that are looked through in one go."""

_MOST = 20_000
"""Occurrences that are kept: nobody walks through more, and they are counted as so many and more."""


class Occurrence(NamedTuple):
    """A word in a line, in characters of the line as it is drawn."""

    line: int
    start: int
    stop: int


def folded(text: str) -> str:
    """Return text without regard to case, each character in its place."""
    lowered = text.lower()
    # A few letters become two: they stay as they are, or all behind them would be marked in a wrong place.
    return lowered if len(lowered) == len(text) else "".join(c.lower()[:1] or c for c in text)


def has_word(section: Section, words: Sequence[str]) -> bool:
    """Whether one of the words, in lower case, stands in what a section holds or says while it is closed."""
    text = folded(section_text(section))
    return any(word in text for word in words)


def marks_in(page: PageLayout, y: int, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return what to mark in a line: starts and ends, in order; parts of broken words included."""
    text = _text(page, y)
    marks = _within(text, words)
    if y and (broken_before := _broken(_text(page, y - 1), text, words, page, y - 1)):
        marks.append((_indent(text), _indent(text) + broken_before[1]))
    if y + 1 < page.count and (behind := _broken(text, _text(page, y + 1), words, page, y)):
        end = len(text.rstrip())
        marks.append((end - behind[0], end))
    return sorted(marks)


class Occurrences:
    """All occurrences of some words in one page, found in slices while the page is laid out.

    Args:
        page: Where to look.
        words: In lower case.
    """

    def __init__(self, page: PageLayout, words: Sequence[str]) -> None:
        self.page = page
        self.words = words
        self.occurrences: list[Occurrence] = []
        self._looked_at = 0

    @property
    def done(self) -> bool:
        """Whether the whole page was laid out and looked through."""
        return self.page.done and (self._looked_at >= self.page.count or len(self.occurrences) >= _MOST)

    def work(self) -> bool:
        """Look through some lines more; False if there are none at present."""
        page, words = self.page, self.words
        # What is broken at the last line's end can be seen once the next line is there.
        ready = page.count if page.done else page.count - 1
        last = min(ready, self._looked_at + _LINES)
        if last <= self._looked_at or len(self.occurrences) >= _MOST:
            return False
        text = _text(page, self._looked_at)
        for y in range(self._looked_at, last):
            here = [Occurrence(y, start, stop) for start, stop in _within(text, words)]
            following = _text(page, y + 1) if y + 1 < page.count else ""
            if following and (broken := _broken(text, following, words, page, y)):
                end = len(text.rstrip())
                here.append(Occurrence(y, end - broken[0], end))
            self.occurrences += sorted(here)
            text = following
        self._looked_at = last
        return True

    def below(self, line: int, column: int) -> Occurrence | None:
        """Return the next occurrence behind a place; a column of -1 is in front of the line."""
        at = bisect_right(self.occurrences, (line, column, 1 << 60))
        return self.occurrences[at] if at < len(self.occurrences) else None

    def above(self, line: int, column: int) -> Occurrence | None:
        """Return the occurrence in front of a place."""
        at = bisect_left(self.occurrences, (line, column, 0))
        return self.occurrences[at - 1] if at else None

    def number_at(self, line: int, column: int) -> int | None:
        """Return which occurrence begins at a place, counted from 1."""
        at = bisect_left(self.occurrences, (line, column, 0))
        if at < len(self.occurrences) and self.occurrences[at][:2] == (line, column):
            return at + 1
        return None


def _text(page: PageLayout, y: int) -> str:
    return folded("".join(text for text, _ in page.line(y).runs))


def _indent(text: str) -> int:
    """Return how many characters stand in front of a line's content: blanks, and the bar of a chat."""
    return len(text) - len(text.lstrip(" ▎"))


def _within(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            ranges.append((at, at + len(word)))
            at = text.find(word, at + len(word))
    return ranges


def _broken(
    text: str, following: str, words: Sequence[str], page: PageLayout, y: int
) -> tuple[int, int] | None:
    """Return how much of a word stands at the end of a line and at the beginning of the next one."""
    head, tail = text.rstrip(), following[_indent(following) :]
    if not head or not tail or page.section_at(y) is not page.section_at(y + 1):
        return None
    for word in words:
        for cut in range(1, len(word)):
            front, rest = word[:cut].rstrip(), word[cut:].lstrip()
            if front and rest and head.endswith(front) and tail.startswith(rest):
                return len(front), len(rest)
    return None
