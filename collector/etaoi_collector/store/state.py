"""What a store holds: data that its parts share, without a will of its own."""

from __future__ import annotations

from etaoi_collector.store.display_names import DisplayNames
from etaoi_collector.store.model import AgentIndex, Changes, Connection, Session, Span, SpanFlag, Trace
from etaoi_collector.wire.events import Reject

REJECTS_KEPT = 1_000
"""Rejected events of which the reason is kept; all are counted."""

# Plain ints: looking a member up on an enum class costs as much as the rest of a statement.
STARTED = int(SpanFlag.STARTED)
ENDED = int(SpanFlag.ENDED)
ERROR_BELOW = int(SpanFlag.ERROR_BELOW)
INTERNAL = int(SpanFlag.INTERNAL)
PROBE = int(SpanFlag.PROBE)
RETRIEVER = int(SpanFlag.RETRIEVER)
EVENT = int(SpanFlag.EVENT)
WARNING = int(SpanFlag.WARNING)
WARNING_BELOW = int(SpanFlag.WARNING_BELOW)
PASSED_ON = int(SpanFlag.PASSED_ON)
CHANGED_STATE = int(SpanFlag.CHANGED_STATE)
INFRASTRUCTURE = int(SpanFlag.INFRASTRUCTURE)


class StoredReject(Reject, gc=False):
    """A reject with its event reference and the connection that it came over."""

    event_ref: int = -1
    connection: int = -1


class StoreState:
    """Everything that arrived and is still remembered."""

    __slots__ = (
        "agents",
        "changes",
        "clashing",
        "connections",
        "dropped",
        "events",
        "evicted_spans",
        "evicted_traces",
        "names",
        "next_span",
        "recovered",
        "refused_frames",
        "rejected",
        "rejects",
        "repeats",
        "sessions",
        "span_count",
        "spans",
        "traces",
        "unattributed",
    )

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.traces: dict[str, Trace] = {}
        self.connections: dict[int, Connection] = {}
        self.spans: dict[str, Span] = {}
        self.agents = AgentIndex(self.spans)
        self.clashing: dict[str, dict[str, Span]] = {}
        """Spans whose id is another's in `spans`, by id and trace id."""
        self.unattributed: dict[Span, None] = {}
        """Failed spans of which is to be found out where their error began."""
        self.recovered: dict[Span, None] = {}
        """Spans of which is to be found out whether anything below them failed still."""
        self.names = DisplayNames()
        self.changes = Changes()
        self.rejects: list[StoredReject] = []
        self.events = 0
        self.repeats = 0
        self.rejected = 0
        self.refused_frames = 0
        self.dropped = 0
        self.span_count = 0
        self.evicted_traces = 0
        self.evicted_spans = 0
        self.next_span = 0

    def number_of_trace(self) -> int:
        """Return the place of a new trace in the order of arrival."""
        return len(self.traces) + self.evicted_traces

    def changed(self, span: Span) -> None:
        """Note that a span's row may look different."""
        span.version += 1
        changes = self.changes
        changes.changed[span] = None
        changes.traces[span.trace] = None

    def repeat(self) -> None:
        """Count an event that came twice."""
        self.repeats += 1
        self.changes.notices = True

    def reject(self, reject: StoredReject) -> None:
        """Count something that could not be taken, and keep why, within bounds."""
        self.rejected += reject.count
        if len(self.rejects) < REJECTS_KEPT:
            self.rejects.append(reject)
        self.changes.notices = True

    def clear(self) -> None:
        """Cut what refers to each other out of the garbage collector's sight, and forget everything."""
        for trace in self.traces.values():
            for span in trace.spans:
                span.parent = None
                span.children = None
            trace.spans = []
            trace.roots = []
            trace.calls = []
            trace.open_calls.clear()
            trace.inner_calls.clear()
        for session in self.sessions.values():
            session.traces.clear()
        self.traces.clear()
        self.sessions.clear()
        self.spans.clear()
        self.agents.runs.clear()
        self.clashing.clear()
        self.changes = Changes()
