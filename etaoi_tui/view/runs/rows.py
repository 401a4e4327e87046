"""The rows of the list of runs: which runs are listed, and the sums of all of them.

Rows are kept in order by comparison, so that a run that comes or changes costs about twenty comparisons
however many there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from etaoi_collector.projections.trace_names import is_run
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Trace
from etaoi_tui.view.depth_first import root_of
from etaoi_tui.view.runs.figures import Figures, RunFigures, RunSums
from etaoi_tui.view.runs.groups import Group, Row

_WORK_RUNS = 200
"""Runs that are counted anew in one tick once prices are there."""


class RunRows(ABC):
    """Runs with rows, and the sums of all of them.

    Args:
        store: Where they are.
        figures: Knows what they came to.
        only: Lists those alone of which this is true.
        after: Lists those alone that came later than this number.

    Attributes:
        items: The rows from above.
        totals: Sums of all listed runs.
        strays: Traces of nothing but marks without their call, which are no runs.
    """

    def __init__(
        self,
        store: Store,
        figures: RunFigures,
        *,
        only: Callable[[Trace], bool] | None = None,
        after: int = -1,
    ) -> None:
        self.items: list[Row] = []
        self.totals = RunSums()
        self.strays: dict[Trace, None] = {}
        self.after = after
        self.figures = figures
        self._traces = store.traces
        self._only = only
        self._counted: dict[Trace, Figures] = {}
        self._to_count: deque[Trace] = deque()

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, trace: Trace) -> bool:
        return trace in self._counted

    @property
    def runs(self) -> int:
        """How many runs are listed, with and without rows."""
        return len(self._counted)

    def newest_first(self) -> Iterator[Trace]:
        """Yield the listed runs, those first that came last."""
        return reversed(self._counted)

    def fill(self, traces: Iterable[Trace]) -> None:
        """List what is in the store already."""
        for trace in traces:
            self._update(trace)
        self._arrange()

    def apply(self, changes: Changes) -> bool:
        """Take in what changed; return True when rows came, went or moved."""
        for trace in changes.traces:
            self._update(trace)
            if not trace.roots and trace.spans:
                self._update(root_of(trace.spans[0]).trace)  # it hangs in that one's tree
        for trace in changes.restructured:
            if trace not in changes.traces:
                self._update(trace)
        for _ in range(min(_WORK_RUNS, len(self._to_count))):
            self._update(self._to_count.popleft())
        return self._arrange()

    def refresh(self, trace: Trace) -> bool:
        """Look at one run again; return True when rows came, went or moved."""
        self._update(trace)
        return self._arrange()

    def count_again(self) -> None:
        """Work the figures of every run out anew, over the next ticks."""
        self._to_count = deque(self._counted)

    def clear(self) -> None:
        """Leave out everything that has begun so far; it stays in the store and in the recording."""
        self.after = max((trace.number for trace in self._traces.values()), default=-1)
        self.items = []
        self.totals = RunSums()
        self.strays.clear()
        self._counted.clear()
        self._to_count.clear()
        self._forget_all()

    def at(self, row: int) -> Row:
        """Return what stands in a row."""
        return self.items[row]

    def _lists(self, trace: Trace) -> bool:
        return (
            is_run(trace)
            and trace.number > self.after
            and trace.trace_id in self._traces
            and (self._only is None or self._only(trace))
        )

    def _update(self, trace: Trace) -> None:
        previous = self._counted.get(trace)
        if not self._lists(trace):
            self._not_listed(trace)
            if previous is not None:
                del self._counted[trace]
                self.totals.remove(previous)
                self._leave(trace, previous)
            return
        self.strays.pop(trace, None)
        after = self._counted[trace] = self.figures.of(trace)
        if previous is None:
            self.totals.add(after)
            self._join(trace, after)
        else:
            self.totals.replace(previous, after)
            self._again(trace, previous, after)

    def _not_listed(self, trace: Trace) -> None:
        if trace.trace_id not in self._traces:
            self.strays.pop(trace, None)
        elif trace.roots and not trace.only_context and not is_run(trace) and trace.number > self.after:
            self.strays[trace] = None
        else:
            self.strays.pop(trace, None)

    @abstractmethod
    def row(self, item: Row) -> int | None:
        """Return where something stands, or None when it has no row."""

    def step(self, trace: Trace | None, runs: int) -> Trace | None:
        """Return the next run below (1) or above (-1), with or without a row; None at the end."""
        return next(self.runs_from(trace, runs), None)

    @abstractmethod
    def runs_from(self, trace: Trace | None, runs: int) -> Iterator[Trace]:
        """Yield the runs below a run (1) or above it (-1), the nearest first, with and without rows.

        All of them when the run is not listed.
        """

    @abstractmethod
    def group_of(self, trace: Trace) -> Group | None:
        """Return the group of a run, if runs are grouped and it is listed."""

    @abstractmethod
    def reveal(self, trace: Trace) -> int | None:
        """Unfold what hides a run, and return its row."""

    @abstractmethod
    def _join(self, trace: Trace, figures: Figures) -> None: ...

    @abstractmethod
    def _leave(self, trace: Trace, figures: Figures) -> None: ...

    @abstractmethod
    def _again(self, trace: Trace, before: Figures, after: Figures) -> None: ...

    @abstractmethod
    def _arrange(self) -> bool: ...

    @abstractmethod
    def _forget_all(self) -> None: ...
