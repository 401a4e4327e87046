"""A conversation in the list of runs: which of its runs have rows, and what they add up to."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

from etaoi_collector.store.model import Session, Status, Trace
from etaoi_tui.view.runs.figures import RunSums

NEWEST_SHOWN = 4
"""Runs of a conversation that have rows until somebody unfolds the earlier ones."""

ALONE_SHOWN = 20
"""The same while there is no other conversation."""

GroupKey = tuple[Session, str | None, bool]
"""Session, thread, and whether nothing in it tells of an agent."""

by_number = attrgetter("number")
"""Sorts runs by their arrival."""


class Group:
    """The runs of one conversation: those of a thread, or of a session that names none.

    Attributes:
        key: What they have in common.
        runs: In order of arrival.
        totals: Their sums.
        folded: Only the group itself has a row.
        expanded: All of its runs have rows, not only the newest.
        most: How many of the newest have rows else.
        placed: Where its rows stand among the others.
        size: How many rows these are.
    """

    __slots__ = ("earlier", "expanded", "folded", "key", "most", "placed", "runs", "size", "totals")

    def __init__(self, key: GroupKey) -> None:
        self.key = key
        self.runs: list[Trace] = []
        self.totals = RunSums()
        self.folded = False
        self.expanded = False
        self.most = NEWEST_SHOWN
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
    def shown_count(self) -> int:
        """How many of its newest runs have rows."""
        if len(self.runs) == 1:
            return 1
        if self.folded:
            return 0
        # A row that says "1 earlier" would take the place of the run itself.
        most = len(self.runs) if self.expanded else self.most
        return len(self.runs) if len(self.runs) <= most + 1 else most

    @property
    def hidden(self) -> int:
        """How many earlier runs one row stands for."""
        return 0 if self.folded else len(self.runs) - self.shown_count

    @property
    def hidden_failures(self) -> int:
        """How many of the earlier runs that one row stands for failed."""
        if not self.hidden:
            return 0
        visible = self.runs[-self.shown_count :]
        return max(self.totals.figures.failed - sum(run.status is Status.ERROR for run in visible), 0)

    def rows(self) -> list[Row]:
        """Return its rows from above."""
        if len(self.runs) == 1:
            return [self.runs[0]]
        rows: list[Row] = [self]
        count = self.shown_count
        if count:
            rows += reversed(self.runs[-count:])
        if self.hidden:
            rows.append(self.earlier)
        return rows

    def offset(self, item: Row) -> int | None:
        """Return how many rows below its first one a row of it stands."""
        if item is self:
            return 0 if len(self.runs) > 1 else None
        if item is self.earlier:
            return self.size - 1 if self.hidden else None
        if len(self.runs) == 1:
            return 0
        at = bisect_left(self.runs, item.number, key=by_number)  # type: ignore[union-attr]
        back = len(self.runs) - at
        return back if back <= self.shown_count else None


class Earlier:
    """Stands for the runs of a group that have no rows of their own."""

    __slots__ = ("group",)

    def __init__(self, group: Group) -> None:
        self.group = group


Row = Trace | Group | Earlier
