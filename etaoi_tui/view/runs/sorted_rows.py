"""Runs in one line, those with most of something on top; and the orders there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Literal

from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.view.runs.figures import Figures, RunFigures
from etaoi_tui.view.runs.grouped_rows import GroupedRuns
from etaoi_tui.view.runs.groups import Group, Row
from etaoi_tui.view.runs.rows import RunRows

Order = Literal["time", "duration", "cost", "tokens", "errors"]
ORDERS: tuple[Order, ...] = ("time", "duration", "cost", "tokens", "errors")


class SortedRuns(RunRows):
    """Runs in one line, those with most of something on top.

    Args:
        store: Where they are.
        figures: Knows what they came to.
        order: Of what.
        only: Lists those alone of which this is true.
        after: Lists those alone that came later than this number.
    """

    def __init__(
        self,
        store: Store,
        figures: RunFigures,
        order: Order,
        *,
        only: Callable[[Trace], bool] | None = None,
        after: int = -1,
    ) -> None:
        super().__init__(store, figures, only=only, after=after)
        self._value = _VALUES[order]
        self._placed: dict[Trace, tuple[float, int]] = {}
        self._moved = False
        self._filling = False

    def fill(self, traces: Iterable[Trace]) -> None:
        """List what is in the store already."""
        self._filling = True
        super().fill(traces)
        self._filling = False
        self.items = sorted(self._placed, key=self._key)

    def group_of(self, trace: Trace) -> Group | None:
        """Runs are not grouped here."""
        return None

    def row(self, item: Row) -> int | None:
        """Return where a run stands, or None when it is not listed."""
        placed = self._placed.get(item) if isinstance(item, Trace) else None
        return None if placed is None else bisect_left(self.items, placed, key=self._key)

    def runs_from(self, trace: Trace | None, runs: int) -> Iterator[Trace]:
        """Yield the runs below a run (1) or above it (-1), the nearest first."""
        row = self.row(trace) if trace is not None else None
        if row is None:
            row = -1 if runs > 0 else len(self.items)
        items = islice(self.items, row + 1, None) if runs > 0 else reversed(self.items[:row])
        return (item for item in items if isinstance(item, Trace))

    def reveal(self, trace: Trace) -> int | None:
        """Return a run's row; nothing hides it."""
        return self.row(trace)

    def _key(self, item: Row) -> tuple[float, int]:
        return self._placed[item]  # type: ignore[index]

    def _join(self, trace: Trace, figures: Figures) -> None:
        placed = (-self._value(trace, figures), -trace.number)
        at = 0 if self._filling else bisect_left(self.items, placed, key=self._key)
        self._placed[trace] = placed
        if not self._filling:  # all are sorted at once then
            self.items.insert(at, trace)
        self._moved = True

    def _leave(self, trace: Trace, figures: Figures) -> None:
        row = self.row(trace)
        if row is not None:
            del self.items[row]
        del self._placed[trace]
        self._moved = True

    def _again(self, trace: Trace, before: Figures, after: Figures) -> None:
        if -self._value(trace, after) != self._placed[trace][0]:
            self._leave(trace, before)
            self._join(trace, after)

    def _arrange(self) -> bool:
        moved, self._moved = self._moved, False
        return moved

    def _forget_all(self) -> None:
        self._placed.clear()


def make_rows(
    store: Store,
    figures: RunFigures,
    order: Order,
    *,
    only: Callable[[Trace], bool] | None = None,
    after: int = -1,
) -> RunRows:
    """Return empty rows in an order: grouped by time, or in one line by anything else."""
    if order == "time":
        return GroupedRuns(store, figures, only=only, after=after)
    return SortedRuns(store, figures, order, only=only, after=after)


def _duration(trace: Trace, figures: Figures) -> float:
    return trace.ended_at - trace.started_at


_VALUES: dict[Order, Callable[[Trace, Figures], float]] = {
    "duration": _duration,
    "cost": lambda trace, figures: figures.dollars,
    "tokens": lambda trace, figures: figures.tokens,
    "errors": lambda trace, figures: figures.errors,
}
