"""The store: its parts put together, and the only door to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from etaoi_collector.store.aggregates import Aggregates
from etaoi_collector.store.fast_path import FastReducer
from etaoi_collector.store.listed_run import ListedRun
from etaoi_collector.store.liveness import Liveness
from etaoi_collector.store.model import Changes, Connection, Session, Span, Trace
from etaoi_collector.store.reducer import Reducer
from etaoi_collector.store.retention import DEFAULT_MAX_SPANS, Retention
from etaoi_collector.store.span_tree import SpanLinks
from etaoi_collector.store.state import StoredReject, StoreState
from etaoi_collector.store.waits import Waits
from etaoi_collector.wire.events import Event, Reject


class Store:
    """Everything that arrived, folded. One thread applies and reads.

    Args:
        max_spans: Bound on spans in memory; twice as many while they run. The newest trace stays whole,
            however large it is.
    """

    def __init__(self, *, max_spans: int = DEFAULT_MAX_SPANS) -> None:
        state = self._state = StoreState()
        self.sessions: dict[str, Session] = state.sessions
        self.traces: dict[str, Trace] = state.traces
        self.connections: dict[int, Connection] = state.connections
        self.rejects: list[StoredReject] = state.rejects
        links = self._links = SpanLinks(state)
        facts = Aggregates(state)
        self._liveness = Liveness(state)
        waits = Waits(state)
        self._retention = Retention(state, links, waits, max_spans)
        folding = Reducer(state, links, self._liveness, facts, waits)
        self._fast_path = FastReducer(state, links, self._liveness, facts, folding, waits)

    @property
    def events(self) -> int:
        """Events that were applied, rejects included."""
        return self._state.events

    @property
    def repeats(self) -> int:
        """Events that came twice."""
        return self._state.repeats

    @property
    def rejected(self) -> int:
        """Events and frames that could not be taken."""
        return self._state.rejected

    @property
    def refused_frames(self) -> int:
        """Frames among them."""
        return self._state.refused_frames

    @property
    def dropped(self) -> int:
        """Events that producers say they had to drop."""
        return self._state.dropped

    @property
    def span_count(self) -> int:
        """Spans in memory, ghosts included."""
        return self._state.span_count

    @property
    def room(self) -> int:
        """Spans that may come before the oldest traces leave memory."""
        return max(0, self._retention.above - self._state.span_count)

    @property
    def evicted_traces(self) -> int:
        """Traces that left memory."""
        return self._state.evicted_traces

    @property
    def evicted_spans(self) -> int:
        """Their spans."""
        return self._state.evicted_spans

    def apply(self, events: Sequence[Event | Reject], first_ref: int, connection: int) -> None:
        """Fold events that lie one after the other in a recorded frame.

        Args:
            events: Decoded events and rejects, in frame order.
            first_ref: Place of the first of them; negative when the frame was not kept.
            connection: Number of the connection that they came over.
        """
        state = self._state
        self._fast_path.fold(events, first_ref, 0 if first_ref < 0 else 1, connection)
        if state.unattributed or state.recovered:
            self._links.settle_errors()
        state.events += len(events)
        client = state.connections.get(connection)
        if client is not None:
            client.events += len(events)
        if state.span_count > self._retention.above:
            self._retention.evict()
            if state.recovered:
                self._links.settle_errors()

    def connection_opened(self, connection: Connection) -> None:
        """Remember a client that connected."""
        self._liveness.opened(connection)

    def connection_closed(self, number: int, at: float, code: int | None = None, reason: str = "") -> None:
        """Note that a client went away; sessions that nobody carries for `LOST_AFTER` count as gone."""
        self._liveness.closed(number, at, code, reason)

    def frame_refused(self, connection: int, at: float, size: int, reason: str) -> None:
        """Count a frame that was too large to take."""
        self._state.refused_frames += 1
        self._state.reject(StoredReject(0, f"frame of {size:,} bytes refused: {reason}", 1, -1, connection))

    def list_runs(self, runs: Iterable[ListedRun]) -> None:
        """Know of runs before any event of them is read.

        Args:
            runs: In order of arrival.
        """
        for run in runs:
            self._liveness.list_run(run)

    def tick(self, now: float) -> None:
        """Let time pass: sessions whose clients have been away for `LOST_AFTER` lose their open spans."""
        self._liveness.tick(now)

    def finish(self) -> None:
        """The recording ended: whatever is still open will not end any more."""
        self._liveness.finish()

    def drain_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes = self._state.changes
        self._state.changes = Changes()
        return changes

    def release(self) -> None:
        """Give the memory back: what refers to each other here is out of the garbage collector's sight."""
        self._state.clear()

    def find_span(self, span_id: str) -> Span | None:
        """Return the span with this id, if it is in memory."""
        return self._state.spans.get(span_id)
