"""How many traces each session has, kept from what changes: counting for each frame would grow with them."""

from __future__ import annotations

from collections import Counter

from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Session, Trace


class TraceCounts:
    """Counts the traces that stand for themselves: neither snapshots alone, nor a part of another one's tree.

    Args:
        store: What the changes are of.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session_of: dict[Trace, Session] = {}
        """Those that are counted, and where."""
        self._counts: Counter[Session] = Counter()

    def __getitem__(self, session: Session) -> int:
        """Return how many traces a session has."""
        return self._counts[session]

    def apply(self, changes: Changes) -> None:
        """Take in what changed."""
        for trace in changes.traces.keys() | changes.restructured.keys():
            is_counted = trace.roots and not trace.only_context and trace.trace_id in self._store.traces
            session = trace.session if is_counted else None
            previous_session = self._session_of.get(trace)
            if session is previous_session:
                continue
            if previous_session is not None:
                del self._session_of[trace]
                self._counts[previous_session] -= 1
                if not self._counts[previous_session]:
                    del self._counts[previous_session]
            if session is not None:
                self._session_of[trace] = session
                self._counts[session] += 1
