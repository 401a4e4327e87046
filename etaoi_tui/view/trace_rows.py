"""Which traces the list shows: those that stand for themselves, newest first."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

from etaoi_collector.projections.trace_names import LOOKED_AT, is_stray
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Trace

_number = attrgetter("number")


class TraceRows:
    """The traces of the list.

    Traces whose spans all hang in another trace's tree (the turns of a voice session) are part of that one.
    Traces that hold nothing but an agent snapshot are shown with the traces that name it.

    Attributes:
        traces: Oldest first, those without an agent before all others; row 0 of the screen is the last of
            them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cleared = -1
        self._around: set[Trace] = set()
        """Listed traces in which nothing tells of an agent; they come last."""
        self.traces: list[Trace] = []

    def __len__(self) -> int:
        return len(self.traces)

    def apply(self, changes: Changes) -> bool:
        """Take in what changed; return True when a row came or went."""
        came_or_went = False
        for trace in changes.traces:
            came_or_went |= self._update(trace)
        for trace in changes.restructured:
            if trace not in changes.traces:
                came_or_went |= self._update(trace)
        return came_or_went

    def clear(self) -> None:
        """Leave out everything that has begun so far; it stays in the store and in the recording."""
        self._cleared = max((trace.number for trace in self._store.traces.values()), default=-1)
        self._around.clear()
        self.traces = []

    def at(self, row: int) -> Trace:
        """Return the trace in a row, newest first."""
        return self.traces[-1 - row]

    def newest(self) -> Trace | None:
        """Return the newest trace that somebody would want to see: marks without their call are none."""
        for trace in self.traces[: -1 - LOOKED_AT : -1]:
            if not is_stray(trace):
                return trace
        return self.traces[-1] if self.traces else None

    def row(self, trace: Trace) -> int | None:
        """Return a trace's row."""
        at = self._position(trace, trace in self._around)
        if at < len(self.traces) and self.traces[at] is trace:
            return len(self.traces) - 1 - at
        return None

    def _position(self, trace: Trace, around: bool) -> int:
        """Return where a trace stands, or would stand, among those with an agent or those without."""
        others = len(self._around)
        first, last = (0, others) if around else (others, len(self.traces))
        return bisect_left(self.traces, trace.number, first, last, key=_number)

    def _update(self, trace: Trace) -> bool:
        shown = (
            bool(trace.roots)
            and not trace.only_context
            and trace.number > self._cleared
            and trace.trace_id in self._store.traces
        )
        around = trace in self._around
        at = self._position(trace, around)
        present = at < len(self.traces) and self.traces[at] is trace
        moves = present and around != trace.only_infrastructure
        if present and (moves or not shown):
            del self.traces[at]
            self._around.discard(trace)
        if shown and (moves or not present):
            self.traces.insert(self._position(trace, trace.only_infrastructure), trace)
            if trace.only_infrastructure:
                self._around.add(trace)
        return shown != present or moves
