"""Sessions, and the connections that carry them: who is still there, and what is lost when nobody is."""

from __future__ import annotations

from etaoi_collector.store.listed_run import ListedRun
from etaoi_collector.store.model import Connection, Session, Trace
from etaoi_collector.store.state import StoreState

LOST_AFTER = 10.0
"""Seconds without any connection after which a session's open spans count as lost."""

CONNECTIONS_KEPT = 4_096
"""Connections that are remembered, closed ones included."""

SESSIONS_KEPT = 8_192
"""Sessions from which on those that have nothing to show are forgotten: 7 MiB."""


class Liveness:
    """Who carries which session."""

    def __init__(self, state: StoreState) -> None:
        self._state = state
        self._closing: dict[Session, float] = {}
        """Sessions that nobody carries, and since when."""
        self._carried: dict[int, set[Session]] = {}
        self._next_session = 1
        self._forget_above = SESSIONS_KEPT
        self._alive_now: Session | None = None
        self._alive_over = -1

    # connections

    def opened(self, connection: Connection) -> None:
        """Remember a client that connected."""
        connections = self._state.connections
        connections[connection.number] = connection
        if len(connections) > CONNECTIONS_KEPT:
            oldest = next((c.number for c in connections.values() if c.closed_at is not None), None)
            if oldest is not None:
                del connections[oldest]
        self._state.changes.notices = True

    def closed(self, number: int, at: float, code: int | None, reason: str) -> None:
        """Note that a client went away."""
        connection = self._state.connections.get(number)
        if connection is None or connection.closed_at is not None:
            return
        connection.closed_at = at
        connection.close_code = code
        connection.close_reason = reason
        self._alive_now = None
        self._state.changes.notices = True
        for session in self._carried.pop(number, ()):
            session.connections.discard(number)
            if not session.connections:
                session.left_at = at
                self._closing[session] = at

    # time

    def tick(self, now: float) -> None:
        """Sessions whose clients have been away for `LOST_AFTER` lose their open spans."""
        if not self._closing:
            return
        for session in [s for s, at in self._closing.items() if now - at >= LOST_AFTER]:
            del self._closing[session]
            self._mark_clients_gone(session)

    def finish(self) -> None:
        """Nothing will come any more: every session is gone."""
        self._closing.clear()
        for session in self._state.sessions.values():
            if not session.is_gone:
                self._mark_clients_gone(session)

    # sessions

    def touch(self, trace: Trace, session_id: str, at: float, connection: int) -> None:
        """Note that an event of this trace arrived."""
        trace.events += 1
        session = trace.session
        if at > trace.ended_at:
            trace.ended_at = at
            if at > session.newest_at:
                session.newest_at = at
        elif at < trace.started_at:
            trace.started_at = at
        self.carry(session, connection)
        if session.session_id != session_id:
            self.session_of(session_id, at, connection)

    def trace_of(self, trace_id: str, session_id: str, at: float, connection: int) -> Trace:
        """Return the trace of an event, made if need be, and count the event in it."""
        state = self._state
        trace = state.traces.get(trace_id)
        if trace is not None:
            self.touch(trace, session_id, at, connection)
            return trace
        session = self.session_of(session_id, at, connection)
        trace = Trace(trace_id, session, state.number_of_trace(), at)
        trace.events = 1
        if at > session.newest_at:
            session.newest_at = at
        state.traces[trace_id] = trace
        session.traces.append(trace)
        return trace

    def list_run(self, run: ListedRun) -> None:
        """Make the trace of a run of which nothing was read yet; nobody carries its session."""
        state = self._state
        if run.trace_id in state.traces:
            return
        session = state.sessions.get(run.session_id) or self._new_session(run.session_id, run.started_at)
        trace = Trace(run.trace_id, session, run.number, run.started_at)
        trace.list_as(run)
        session.newest_at = max(session.newest_at, run.ended_at)
        session.user_id = session.user_id or run.user_id
        state.traces[run.trace_id] = trace
        session.traces.append(trace)
        state.changes.traces[trace] = None

    def move_trace(self, trace: Trace, session_id: str, at: float, connection: int) -> None:
        """Give a trace to another session: its root says so, and came after others that said otherwise."""
        changes = self._state.changes
        old = trace.session
        new = self.session_of(session_id, at, connection)
        old.traces.remove(trace)
        new.traces.append(trace)
        trace.session = new
        new.newest_at = max(new.newest_at, trace.ended_at)
        new.user_id = new.user_id or old.user_id
        for session in (old, new):
            changes.sessions[session] = None
        changes.traces[trace] = changes.restructured[trace] = None

    def session_of(self, session_id: str, at: float, connection: int) -> Session:
        """Return the session with this id, made if need be; somebody carries it now."""
        state = self._state
        session = state.sessions.get(session_id)
        if session is None:
            session = self._new_session(session_id, at)
        self.carry(session, connection)
        return session

    def _new_session(self, session_id: str, at: float) -> Session:
        state = self._state
        if len(state.sessions) >= self._forget_above:
            self._forget_sessions()
        session = state.sessions[session_id] = Session(session_id, at, self._next_session, state.agents)
        self._next_session += 1
        state.changes.sessions[session] = None
        return session

    def carry(self, session: Session, connection: int) -> None:
        """Somebody carries this session now. Remembered, because the next event is likely of the same."""
        if session is self._alive_now and connection == self._alive_over:
            return
        self._alive_now, self._alive_over = session, connection
        carrier = self._state.connections.get(connection)
        if carrier is None or carrier.closed_at is None:
            session.connections.add(connection)
            session.left_at = None
            self._carried.setdefault(connection, set()).add(session)
            self._closing.pop(session, None)
        elif not session.connections:
            # An event that was still on its way when its connection was already reported closed.
            session.left_at = self._closing[session] = carrier.closed_at
        if session.is_gone:
            session.is_gone = False
            self._open_spans_changed(session)

    def _mark_clients_gone(self, session: Session) -> None:
        session.is_gone = True
        self._alive_now = None
        self._open_spans_changed(session)

    def _open_spans_changed(self, session: Session) -> None:
        """The session's liveness changed, and with it the status of all its open spans."""
        changes = self._state.changes
        changes.sessions[session] = None
        for trace in session.traces:
            if trace.running:
                changes.traces[trace] = None

    def _forget_sessions(self) -> None:
        """Forget sessions of which no trace is in memory, the most recent ones left."""
        state = self._state
        sessions = state.sessions
        for session in list(sessions.values())[: -SESSIONS_KEPT // 4]:
            if not session.traces:
                del sessions[session.session_id]
                self._closing.pop(session, None)
                for number in session.connections:
                    self._carried[number].discard(session)
                state.changes.sessions.pop(session, None)
        self._alive_now = None
        self._forget_above = max(SESSIONS_KEPT, len(sessions) + SESSIONS_KEPT // 4)
