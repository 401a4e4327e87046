"""The rows of the list of runs: grouped by conversation with the newest on top, or in one line by a number.

Rows are kept in order by comparison, so that a run that comes or changes costs about twenty comparisons
however many there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Literal

from etaoi_collector.projections.trace_names import is_run
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Session, Trace
from etaoi_tui.view.runs.figures import Figures, RunFigures, Totals

NEWEST_SHOWN = 4
"""Runs of a conversation that have rows until somebody unfolds the earlier ones."""

_WORK_RUNS = 200
"""Runs that are counted anew in one tick once prices are there."""

Order = Literal["time", "duration", "cost", "tokens", "errors"]
ORDERS: tuple[Order, ...] = ("time", "duration", "cost", "tokens", "errors")

GroupKey = tuple[Session, str | None, bool]
"""Session, thread, and whether nothing in it tells of an agent."""

_number = attrgetter("number")


class Group:
    """The runs of one conversation: those of a thread, or of a session that names none.

    Attributes:
        key: What they have in common.
        runs: In order of arrival.
        totals: Their sums.
        folded: Only the group itself has a row.
        expanded: All of its runs have rows, not only the newest.
        placed: Where its rows stand among the others.
        size: How many rows these are.
    """

    __slots__ = ("earlier", "expanded", "folded", "key", "placed", "runs", "size", "totals")

    def __init__(self, key: GroupKey) -> None:
        self.key = key
        self.runs: list[Trace] = []
        self.totals = Totals()
        self.folded = False
        self.expanded = False
        self.placed: tuple[bool, int] = (False, 0)
        self.size = 0
        self.earlier = Earlier(self)

    @property
    def session(self) -> Session:
        """Whose runs these are."""
        return self.key[0]

    @property
    def thread(self) -> str | None:
        """The conversation within the session, if it has a name."""
        return self.key[1]

    @property
    def newest(self) -> Trace:
        """The run that came last."""
        return self.runs[-1]

    @property
    def shown(self) -> int:
        """How many of its newest runs have rows."""
        if len(self.runs) == 1:
            return 1
        if self.folded:
            return 0
        # A row that says "1 earlier" would take the place of the run itself.
        most = len(self.runs) if self.expanded else NEWEST_SHOWN
        return len(self.runs) if len(self.runs) <= most + 1 else most

    @property
    def hidden(self) -> int:
        """How many earlier runs one row stands for."""
        return 0 if self.folded else len(self.runs) - self.shown

    def rows(self) -> list[Row]:
        """Return its rows from above."""
        if len(self.runs) == 1:
            return [self.runs[0]]
        shown: list[Row] = [self]
        count = self.shown
        if count:
            shown += reversed(self.runs[-count:])
        if self.hidden:
            shown.append(self.earlier)
        return shown

    def offset(self, item: Row) -> int | None:
        """Return how many rows below its first one a row of it stands."""
        if item is self:
            return 0 if len(self.runs) > 1 else None
        if item is self.earlier:
            return self.size - 1 if self.hidden else None
        if len(self.runs) == 1:
            return 0
        at = bisect_left(self.runs, item.number, key=_number)  # type: ignore[union-attr]
        back = len(self.runs) - at
        return back if back <= self.shown else None


class Earlier:
    """Stands for the runs of a group that have no rows of their own."""

    __slots__ = ("group",)

    def __init__(self, group: Group) -> None:
        self.group = group


Row = Trace | Group | Earlier


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
        self.totals = Totals()
        self.strays: dict[Trace, None] = {}
        self.after = after
        self.figures = figures
        self._store = store
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
        self.after = max((trace.number for trace in self._store.traces.values()), default=-1)
        self.items = []
        self.totals = Totals()
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
            and trace.trace_id in self._store.traces
            and (self._only is None or self._only(trace))
        )

    def _update(self, trace: Trace) -> None:
        before = self._counted.get(trace)
        if not self._lists(trace):
            self._not_listed(trace)
            if before is not None:
                del self._counted[trace]
                self.totals.remove(before)
                self._leave(trace, before)
            return
        self.strays.pop(trace, None)
        after = self._counted[trace] = self.figures.of(trace)
        if before is None:
            self.totals.add(after)
            self._join(trace, after)
        else:
            self.totals.replace(before, after)
            self._again(trace, before, after)

    def _not_listed(self, trace: Trace) -> None:
        if trace.trace_id not in self._store.traces:
            self.strays.pop(trace, None)
            self.figures.forget(trace)
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


class GroupedRuns(RunRows):
    """Runs under their conversations; the one with the newest run is on top, those without an agent below."""

    def __init__(
        self,
        store: Store,
        figures: RunFigures,
        *,
        only: Callable[[Trace], bool] | None = None,
        after: int = -1,
    ) -> None:
        super().__init__(store, figures, only=only, after=after)
        self._groups: dict[GroupKey, Group] = {}
        self._group_of: dict[Trace, Group] = {}
        self._moved: dict[Group, None] = {}

    @property
    def groups(self) -> Iterable[Group]:
        """All groups."""
        return self._groups.values()

    def newest(self) -> Trace | None:
        """Return the run that somebody would want to see first; stray marks where there is nothing else."""
        if not self.items:
            return next(reversed(self.strays), None)
        group = self._group(self.items[0])
        return group.newest if group is not None else None

    def group_of(self, trace: Trace) -> Group | None:
        """Return the group of a run, if it is listed."""
        return self._group_of.get(trace)

    def row(self, item: Row) -> int | None:
        """Return where something stands, or None when it has no row."""
        group = self._group(item)
        if group is None or not group.size:
            return None
        offset = group.offset(item)
        return None if offset is None else self._first(group) + offset

    def runs_from(self, trace: Trace | None, runs: int) -> Iterator[Trace]:
        """Yield the runs below a run (1) or above it (-1), the nearest first, with and without rows."""
        group = self._group_of.get(trace) if trace is not None else None
        row = -1 if runs > 0 else len(self.items)
        if group is not None and trace is not None:
            at = bisect_left(group.runs, trace.number, key=_number)
            yield from reversed(group.runs[:at]) if runs > 0 else group.runs[at + 1 :]
            first = self._first(group)
            row = first + group.size - 1 if runs > 0 else first
        items = islice(self.items, row + 1, None) if runs > 0 else reversed(self.items[:row])
        for item in items:
            if isinstance(item, Group):
                yield from reversed(item.runs) if runs > 0 else item.runs
            elif isinstance(item, Trace) and len(self._group_of[item].runs) == 1:
                yield item

    def reveal(self, trace: Trace) -> int | None:
        """Unfold what hides a run, and return its row."""
        group = self._group_of.get(trace)
        if group is None:
            return None
        if group.offset(trace) is None:
            group.folded = False
            if group.offset(trace) is None:
                group.expanded = True
            self._place(group)
        return self.row(trace)

    # folding

    def set_folded(self, group: Group, folded: bool) -> bool:
        """Fold a group or unfold it; True when that changed anything."""
        if group.folded == folded or len(group.runs) == 1:
            return False
        group.folded = folded
        self._place(group)
        return True

    def expand(self, group: Group, expanded: bool) -> bool:
        """Give all runs of a group rows, or the newest alone; True when that changed anything."""
        if group.expanded == expanded and not group.folded:
            return False
        group.expanded, group.folded = expanded, False
        self._place(group)
        return True

    def fold_all(self, folded: bool) -> None:
        """Fold every group, or give every run a row."""
        for group in self._groups.values():
            group.folded = folded and len(group.runs) > 1
            group.expanded = not folded
        self.items = []
        for group in sorted(self._groups.values(), key=_rank):
            rows = group.rows()
            group.placed, group.size = _rank(group), len(rows)
            self.items += rows

    # inner steps

    def _group(self, item: Row) -> Group | None:
        if isinstance(item, Group):
            return item
        return item.group if isinstance(item, Earlier) else self._group_of.get(item)

    def _placed(self, item: Row) -> tuple[bool, int]:
        group = self._group(item)
        return group.placed if group is not None else (True, 0)

    def _first(self, group: Group) -> int:
        return bisect_left(self.items, group.placed, key=self._placed)

    def _join(self, trace: Trace, figures: Figures) -> None:
        key = _key(trace)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key)
        self._take_away(group)
        group.runs.insert(bisect_left(group.runs, trace.number, key=_number), trace)
        self._group_of[trace] = group
        group.totals.add(figures)

    def _leave(self, trace: Trace, figures: Figures) -> None:
        group = self._group_of[trace]
        self._take_away(group)
        del self._group_of[trace]
        group.runs.remove(trace)
        group.totals.remove(figures)
        if not group.runs:
            del self._groups[group.key]

    def _again(self, trace: Trace, before: Figures, after: Figures) -> None:
        group = self._group_of[trace]
        if group.key != _key(trace):
            self._leave(trace, before)
            self._join(trace, after)
        else:
            group.totals.replace(before, after)

    def _take_away(self, group: Group) -> None:
        """Take a group's rows out, to be put back by `_arrange` where they belong then."""
        if group.size:
            first = self._first(group)
            del self.items[first : first + group.size]
            group.size = 0
        self._moved[group] = None

    def _arrange(self) -> bool:
        if not self._moved:
            return False
        moved, self._moved = self._moved, {}
        for group in moved:
            if group.runs:
                self._put(group)
        return True

    def _place(self, group: Group) -> None:
        self._take_away(group)
        self._arrange()

    def _put(self, group: Group) -> None:
        rows = group.rows()
        placed = _rank(group)
        at = bisect_left(self.items, placed, key=self._placed)
        self.items[at:at] = rows
        group.placed, group.size = placed, len(rows)

    def _forget_all(self) -> None:
        self._groups.clear()
        self._group_of.clear()
        self._moved.clear()


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


def _key(trace: Trace) -> GroupKey:
    return trace.session, trace.thread, trace.only_infrastructure


def _rank(group: Group) -> tuple[bool, int]:
    return group.key[2], -group.newest.number


def _duration(trace: Trace, figures: Figures) -> float:
    return trace.ended_at - trace.started_at


_VALUES: dict[Order, Callable[[Trace, Figures], float]] = {
    "duration": _duration,
    "cost": lambda trace, figures: figures.dollars,
    "tokens": lambda trace, figures: figures.tokens,
    "errors": lambda trace, figures: figures.errors,
}
