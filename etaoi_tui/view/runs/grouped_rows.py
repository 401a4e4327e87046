"""Runs under their conversations, the one with the newest run on top."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.view.runs.figures import Figures, RunFigures
from etaoi_tui.view.runs.groups import ALONE_SHOWN, NEWEST_SHOWN, Earlier, Group, GroupKey, Row, by_number
from etaoi_tui.view.runs.rows import RunRows


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
        self._alone: Group | None = None
        """The only group."""

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
            at = bisect_left(group.runs, trace.number, key=by_number)
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
            self._reposition(group)
        return self.row(trace)

    # folding

    def set_folded(self, group: Group, folded: bool) -> bool:
        """Fold a group or unfold it; True when that changed anything."""
        if group.folded == folded or len(group.runs) == 1:
            return False
        group.folded = folded
        self._reposition(group)
        return True

    def expand(self, group: Group, expanded: bool) -> bool:
        """Give all runs of a group rows, or the newest alone; True when that changed anything."""
        if group.expanded == expanded and not group.folded:
            return False
        group.expanded, group.folded = expanded, False
        self._reposition(group)
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
        runs = group.runs
        if not runs or runs[-1].number < trace.number:
            runs.append(trace)
        else:
            runs.insert(bisect_left(runs, trace.number, key=by_number), trace)
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
        self._share_rows()
        moved, self._moved = self._moved, {}
        for group in moved:
            if group.runs:
                self._put(group)
        return True

    def _share_rows(self) -> None:
        """Let a conversation that stands alone have more rows than one among others."""
        alone = next(iter(self._groups.values())) if len(self._groups) == 1 else None
        if alone is self._alone:
            return
        for group in (self._alone, alone):
            if group is not None:
                self._take_away(group)
                group.most = ALONE_SHOWN if group is alone else NEWEST_SHOWN
        self._alone = alone

    def _reposition(self, group: Group) -> None:
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
        self._alone = None


def _key(trace: Trace) -> GroupKey:
    return trace.session, trace.thread, trace.only_infrastructure


def _rank(group: Group) -> tuple[bool, int]:
    return group.key[2], -group.newest.number
