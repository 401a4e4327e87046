"""Figures over the turns of a call that have been folded: each is added, and taken away when it changes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter

from etaoi_tui.view.voice.model import MarkKind, Turn
from etaoi_tui.view.voice.stats import Statistics
from etaoi_tui.view.voice.turn_group import Group


class TurnFigures:
    """Counts, and keeps in order, what turns took."""

    def __init__(self) -> None:
        self.statistics = Statistics()
        self._counted: dict[Group, Turn] = {}
        self._errors: Counter[tuple[float, str]] = Counter()
        self._by_gap: list[tuple[float, int, Group]] = []
        self._lengths: list[float] = []

    def add(self, group: Group, turn: Turn) -> None:
        """Count a turn as it is now, in the place of what was counted of it."""
        self.remove(group)
        if turn.end is not None:
            insort(self._lengths, turn.end - turn.start)
        self._counted[group] = turn
        group.number_counted = group.order[1]
        self.statistics.add(turn)
        self._errors.update(_errors_of(turn))
        if turn.gap is not None:
            # Of equal gaps the first turn's counts as the worst; no two turns have the same number.
            insort(self._by_gap, (turn.gap, -group.number_counted, group))

    def remove(self, group: Group) -> None:
        """Count a turn no more."""
        figures = self._counted.pop(group, None)
        if figures is None:
            return
        self.statistics.remove(figures)
        self._errors.subtract(_errors_of(figures))
        if figures.gap is not None:
            at = bisect_left(self._by_gap, (figures.gap, -group.number_counted))
            del self._by_gap[at]
        if figures.end is not None:
            del self._lengths[bisect_left(self._lengths, figures.end - figures.start)]

    def worst(self) -> Group | None:
        """Return the turn with the longest heard gap."""
        return self._by_gap[-1][2] if self._by_gap else None

    def slowest(self, turns: int) -> list[Group]:
        """Return the turns with the longest heard gaps, the longest first."""
        return [group for _, _, group in reversed(self._by_gap[-turns:])]

    @property
    def longest(self) -> float:
        """Seconds that the longest turn took, of those that have ended."""
        return self._lengths[-1] if self._lengths else 0.0

    def tells_of(self, error: tuple[float, str]) -> bool:
        """Whether a turn tells of an error that happened at this moment."""
        return bool(self._errors.get(error))


def _errors_of(turn: Turn) -> list[tuple[float, str]]:
    return [(mark.at, mark.text) for mark in turn.marks if mark.kind is MarkKind.ERROR]
