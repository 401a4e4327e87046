"""Folds events into sessions, traces and spans, and says what changed.

One thread applies and reads. Everything that real clients do must end in a visible, explained state: children
before parents (a *ghost* stands in for the parent until it arrives), ends before starts, repeats, spans that
never end, clocks that run backwards, rings of parents, ids that clash, one trace fed by several connections.
Where no fact is contradicted, the resulting tree does not depend on the order of arrival.

Payloads are not kept: spans keep the places of their events in the recording.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from etaoi_collector.model import (
    Changes,
    Connection,
    Mark,
    Session,
    Span,
    Status,
    Trace,
    Usage,
    status_of_error,
)
from etaoi_collector.naming import Names, is_plumbing, voice_name
from etaoi_collector.peek import peek_delta, peek_llm_end, peek_start, peek_voice_metrics
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick
from etaoi_collector.wire.places import NOWHERE

LOST_AFTER = 10.0
"""Seconds without any connection after which a session's open spans count as lost."""

DEFAULT_MAX_SPANS = 2_000_000
"""Spans kept before the oldest finished traces leave memory: about 1.3 GB. They stay in the recording."""

TAIL_CHARACTERS = 400
"""Newest characters of streamed text kept on an open span for its row."""

REPEAT_WINDOW = 32_768
"""Newest event ids that are remembered at the least, to recognise deltas and ticks that came twice."""

CONTEXTS_KEPT = 64
"""Agent snapshots that a trace remembers to name."""

TICKS_KEPT = 40_000
"""Changes of state that a session remembers: some ten thousand turns of a call."""

REJECTS_KEPT = 1_000
"""Rejected events of which the reason is kept; all are counted."""

STATES_KEPT = 64
"""Subjects of which a session remembers the state; a call has two."""

CONNECTIONS_KEPT = 4_096
"""Connections that are remembered, closed ones included."""

SESSIONS_KEPT = 65_536
"""Sessions from which on those that have nothing to show are forgotten."""

# Plain ints: looking a member up on an enum class costs as much as the rest of a statement.
_STARTED = int(Mark.STARTED)
_ENDED = int(Mark.ENDED)
_ERROR_BELOW = int(Mark.ERROR_BELOW)
_PLUMBING = int(Mark.PLUMBING)
_PROBE = int(Mark.PROBE)

_USUAL = _STARTED | _ENDED
_order = attrgetter("started_at", "number")
_number = attrgetter("number")


class KeptReject(Reject, gc=False):
    """A reject with its place in the recording and the connection that it came over."""

    place: int = -1
    connection: int = -1


class Store:
    """Everything that arrived, folded.

    Args:
        max_spans: Bound on spans in memory; twice as many while they run. The newest trace stays whole,
            however large it is.
    """

    def __init__(self, *, max_spans: int = DEFAULT_MAX_SPANS) -> None:
        self.sessions: dict[str, Session] = {}
        self.traces: dict[str, Trace] = {}
        self.connections: dict[int, Connection] = {}
        self.events = 0
        self.repeats = 0
        self.rejected = 0
        self.rejects: list[KeptReject] = []
        self.refused_frames = 0
        self.dropped = 0
        """Events that producers say they had to drop."""
        self.span_count = 0
        self.evicted_traces = 0
        self.evicted_spans = 0
        self._max_spans = max_spans
        self._evict_above = max_spans
        self._spans: dict[str, Span] = {}
        self._clashing: dict[str, dict[str, Span]] = {}
        self._recent: set[str] = set()
        self._less_recent: set[str] = set()
        self._names = Names()
        self._changes = Changes()
        self._closing: dict[Session, float] = {}
        self._carried: dict[int, set[Session]] = {}
        self._next_span = 0
        self._next_session = 1
        self._forget_above = SESSIONS_KEPT
        self._alive_now: Session | None = None
        self._alive_over = -1
        self._apply_to = {
            SpanStart: self._start,
            SpanDelta: self._delta,
            SpanEnd: self._end,
            StateTick: self._tick,
            Reject: self._reject,
        }

    # what arrives

    def apply(self, events: Sequence[Event | Reject], first_place: int, connection: int) -> None:
        """Fold events that lie one after the other in a recorded frame.

        Args:
            events: Decoded events and rejects, in frame order.
            first_place: Place of the first of them; negative when the frame was not kept.
            connection: Number of the connection that they came over.
        """
        apply_to = self._apply_to
        usual = self._usual_end
        step = 0 if first_place < 0 else 1
        place = first_place
        for event in events:
            kind = type(event)
            if kind is not SpanEnd or not usual(event, place, connection):  # type: ignore[arg-type]
                apply_to[kind](event, place, connection)  # type: ignore[operator]
            place += step
        self.events += len(events)
        known = self.connections.get(connection)
        if known is not None:
            known.events += len(events)
        if self.span_count > self._evict_above:
            self._evict()

    def connection_opened(self, connection: Connection) -> None:
        """Remember a client that connected."""
        connections = self.connections
        connections[connection.number] = connection
        if len(connections) > CONNECTIONS_KEPT:
            oldest = next((c.number for c in connections.values() if c.closed_at is not None), None)
            if oldest is not None:
                del connections[oldest]
        self._changes.notices = True

    def connection_closed(self, number: int, at: float, code: int | None = None, reason: str = "") -> None:
        """Note that a client went away; sessions that nobody carries for `LOST_AFTER` count as gone."""
        connection = self.connections.get(number)
        if connection is None or connection.closed_at is not None:
            return
        connection.closed_at = at
        self._alive_now = None
        connection.close_code = code
        connection.close_reason = reason
        self._changes.notices = True
        for session in self._carried.pop(number, ()):
            session.connections.discard(number)
            if not session.connections:
                self._closing[session] = at

    def frame_refused(self, connection: int, at: float, size: int, reason: str) -> None:
        """Count a frame that was too large to take."""
        self.refused_frames += 1
        self._keep_reject(KeptReject(0, f"frame of {size:,} bytes refused: {reason}", -1, connection))

    def tick(self, now: float) -> None:
        """Let time pass: sessions whose clients have been away for `LOST_AFTER` lose their open spans."""
        if not self._closing:
            return
        for session in [s for s, at in self._closing.items() if now - at >= LOST_AFTER]:
            del self._closing[session]
            self._set_gone(session)

    def finish(self) -> None:
        """The recording ended: whatever is still open will not end any more."""
        self._closing.clear()
        for session in self.sessions.values():
            if not session.gone:
                self._set_gone(session)

    def drain_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes = self._changes
        self._changes = Changes()
        return changes

    def release(self) -> None:
        """Give the memory back: what refers to each other here is out of the garbage collector's sight."""
        for trace in self.traces.values():
            for span in trace.members:
                span.parent = None
                span.children = None
            trace.members = []
            trace.roots = []
        for session in self.sessions.values():
            session.traces.clear()
        self.traces.clear()
        self.sessions.clear()
        self._spans.clear()
        self._clashing.clear()
        self._changes = Changes()

    def find_span(self, span_id: str) -> Span | None:
        """Return the span with this id, if it is in memory."""
        return self._spans.get(span_id)

    # events

    def _start(self, event: SpanStart, place: int, connection: int) -> None:
        at = event.timestamp.timestamp()
        span = self._spans.get(event.span_id)
        if span is None:
            trace = self.traces.get(event.trace_id)
            if trace is None:
                trace = self._trace_of(event.trace_id, event.session_id, at, connection)
            else:
                self._touch(trace, event.session_id, at, connection)
            self._fresh(event, trace, at, place)
            return
        span = self._known(event, span, at, connection)
        if span.marks & _STARTED:
            self._repeat(span, conflict=span.started_at != at)
            return
        trace = span.trace
        if span.version and span.ghost:
            trace.ghosts -= 1
        kind, name, model, agent, marks = self._facts(event, trace)
        span.kind, span.name, span.start_place = kind, name, place
        span.model = span.model or model
        span.agent = span.agent or agent
        span.marks |= marks
        if not span.marks & _ENDED:
            trace.running += 1
        elif span.ended_at is not None and span.ended_at < at:
            span.marks |= Mark.CLOCK_BACKWARDS
        if event.metadata.name is None and span.usage is None:
            # An end that came first told it better.
            self._count_start_usage(span, event)
        self._put(span, at, event.parent_span_id)
        self._changed(span)

    def _fresh(self, event: SpanStart, trace: Trace, at: float, place: int) -> None:
        """Take in a span of which nothing was known: the usual case, written for speed."""
        kind, name, model, agent, marks = self._facts(event, trace)
        number = self._next_span
        self._next_span = number + 1
        self.span_count += 1
        spans = self._spans
        span_id = event.span_id
        # In the order of the fields: keywords would cost as much as the object.
        span = Span(
            span_id, trace, kind, name, None, None, at, None, place, NOWHERE, None, None, None, model, agent
        )
        span.marks = marks
        span.number = number
        spans[span_id] = span
        trace.members.append(span)
        trace.running += 1
        changes = self._changes
        asked = event.parent_span_id
        parent = spans.get(asked) if asked is not None else None
        if parent is not None and parent.trace is trace and parent is not span:
            span.asked_parent = parent.span_id
            span.parent = parent
            siblings = parent.children
            if siblings is None:
                parent.children = [span]
            elif siblings[-1].started_at < at:
                siblings.append(span)
            else:
                _insert(siblings, span)
            changes.added.append(span)
        else:
            self._link(span, asked)
        if event.metadata.name is None:
            self._count_start_usage(span, event)
        span.version = 1
        trace.revision += 1
        changes.traces[trace] = None

    def _usual_end(self, event: SpanEnd, place: int, connection: int) -> bool:
        """Take in the end of a span that runs, without an error: the usual case, written for speed.

        Returns:
            False when anything about it is unusual; nothing has been changed then.
        """
        span = self._spans.get(event.span_id)
        if span is None or event.error is not None or span.marks & _USUAL != _STARTED:
            return False
        trace = span.trace
        if trace.trace_id != event.trace_id or len(event.voice_metrics) > 1:
            return False
        at = event.timestamp.timestamp()
        if at < span.started_at or event.metadata.dropped is not None:
            return False
        self._touch(trace, event.session_id, at, connection)
        span.end_place = place
        span.ended_at = at
        span.marks |= _ENDED
        span.version += 1
        if span.tail:
            span.tail = ""
        if span.kind == "llm":
            self._told_by_end(span, event)
        trace.running -= 1
        trace.revision += 1
        changes = self._changes
        changes.changed[span] = None
        changes.traces[trace] = None
        return True

    def _facts(self, event: SpanStart, trace: Trace) -> tuple[str, str, str | None, str | None, int]:
        """Read from a start what a row needs, and count it in its trace.

        Returns:
            Kind, display name, model, agent and marks.
        """
        metadata = event.metadata
        kept = self._names.kept
        shared = self._names.shared
        marks = _STARTED
        name = metadata.name
        if name is None:
            name = metadata.probe_label
            if name is None:
                name = voice_name(event.node_kind, peek_start(event.payload), metadata, event.lc_agent_name)
        name = shared.get(name) or kept(name)
        if metadata.lc_probe is not None:
            marks |= _PROBE
            if metadata.probe_phase == "pre_handler":
                # The request as it went down; its sibling without a phase tells that and the response.
                marks |= _PLUMBING
        if metadata.lc_chain_kind is not None and is_plumbing(metadata.lc_chain_kind, name):
            marks |= _PLUMBING
        kind = event.node_kind
        model: str | None = None
        if kind == "llm":
            kind = "llm"
            trace.model_calls += 1
            if metadata.ls_model_name is not None:
                model = kept(metadata.ls_model_name)
        elif kind == "tool":
            kind = "tool"
            trace.tool_calls += 1
        else:
            kind = shared.get(kind) or kept(kind)
        if trace.only_context and kind != "agent_context":
            trace.only_context = False
        if metadata.context_id is not None and metadata.context_id not in trace.context_ids:
            trace.context_ids = (*trace.context_ids, metadata.context_id)[-CONTEXTS_KEPT:]
        if event.user_id is not None and trace.session.user_id is None:
            trace.session.user_id = event.user_id
        if metadata.dropped is not None:
            self._producer_dropped(trace, metadata.dropped)
        agent = event.lc_agent_name
        if agent is not None:
            agent = shared.get(agent) or kept(agent)
        return kind, name, model, agent, marks

    def _end(self, event: SpanEnd, place: int, connection: int) -> None:
        at = event.timestamp.timestamp()
        span = self._known(event, self._spans.get(event.span_id), at, connection)
        trace = span.trace
        marks = span.marks
        if marks & _ENDED:
            self._repeat(span, conflict=span.ended_at != at or span.error != event.error)
            return
        if not marks & _STARTED and span.ghost:
            self._known_without_start(span, event, at)
            marks = span.marks
        span.end_place = place
        span.ended_at = at
        if span.tail:
            span.tail = ""
        if marks & _STARTED:
            trace.running -= 1
            if at < span.started_at:
                marks |= Mark.CLOCK_BACKWARDS
        span.marks = marks | _ENDED
        if event.metadata.dropped is not None:
            self._producer_dropped(trace, event.metadata.dropped)
        if event.error is not None:
            span.error = event.error[:4096]
            if status_of_error(event.error) is Status.ERROR:
                trace.errors += 1
                self._error_below(span.parent)
        if span.kind == "llm":
            self._told_by_end(span, event)
        if len(event.voice_metrics) > 1:  # more than a nil
            metrics = peek_voice_metrics(event.voice_metrics)
            if metrics.model_name:
                span.model = self._names.kept(metrics.model_name)
            if metrics.first_seconds is not None:
                span.ttft = metrics.first_seconds
        self._changed(span)

    def _delta(self, event: SpanDelta, place: int, connection: int) -> None:
        if self._seen(event.event_id):
            return
        at = event.timestamp.timestamp()
        span = self._known(event, self._spans.get(event.span_id), at, connection)
        if span.ghost:
            self._known_without_start(span, event, at)
        if span.deltas is None:
            span.deltas = [place]
        else:
            span.deltas.append(place)
        told = peek_delta(event.payload)
        if span.usage is None and (usage := told.usage()) is not None:
            self._count_usage(span, usage)
            span.model = span.model or (self._names.kept(told.model) if told.model else None)
        if span.marks & _ENDED:
            if span.ended_at is not None and at > span.ended_at:
                span.marks |= Mark.LATE
        elif told.text is not None and told.channel is None:
            span.tail = (span.tail + told.text[-TAIL_CHARACTERS:])[-TAIL_CHARACTERS:]
        elif told.agent_transcript is not None:
            span.tail = told.agent_transcript[-TAIL_CHARACTERS:]
        elif told.transcript is not None:
            span.tail = told.transcript[-TAIL_CHARACTERS:]
        self._changed(span)

    def _tick(self, event: StateTick, place: int, connection: int) -> None:
        if self._seen(event.event_id):
            return
        at = event.timestamp.timestamp()
        session = self._session_of(event.session_id, at, connection)
        kept = self._names.kept
        subject, state = kept(event.subject), kept(event.state)
        ticks = session.ticks
        ticks.append((at, subject, state))
        if len(ticks) > TICKS_KEPT:
            session.ticks_gone += TICKS_KEPT // 4
            del ticks[: TICKS_KEPT // 4]
        times = session.state_times
        if times[subject] <= at if subject in times else len(times) < STATES_KEPT:
            session.states[subject] = state
            times[subject] = at
        self._changes.sessions[session] = None

    def _reject(self, event: Reject, place: int, connection: int) -> None:
        self._keep_reject(KeptReject(event.ordinal, event.reason, place, connection))

    # spans, traces, sessions

    def _known(
        self, event: SpanStart | SpanDelta | SpanEnd, found: Span | None, at: float, connection: int
    ) -> Span:
        """Return the span that an event is about, made if need be, and count the event in its trace."""
        if found is None or found.trace.trace_id != event.trace_id:
            return self._span_of(event, found, at, connection)
        self._touch(found.trace, event.session_id, at, connection)
        return found

    def _span_of(
        self, event: SpanStart | SpanDelta | SpanEnd, known: Span | None, at: float, connection: int
    ) -> Span:
        """Return the span of an event whose id is new, a ghost's, or used by another trace too."""
        trace = self._trace_of(event.trace_id, event.session_id, at, connection)
        if known is None:
            span = self._new_span(event.span_id, trace, at)
            self._spans[event.span_id] = span
            return span
        if known.ghost:
            self._rehome(known, trace)
            return known
        clashes = self._clashing.setdefault(event.span_id, {})
        clashing = clashes.get(event.trace_id)
        if clashing is None:
            # A ghost at first, because children move to it before its own event is taken in.
            clashing = self._stand_in(event.span_id, trace, at)
            clashing.marks |= Mark.ID_CLASH
            known.marks |= Mark.ID_CLASH
            clashes[event.trace_id] = clashing
            self._changed(known)
            for child in [c for c in known.children or () if c.trace is trace]:
                self._unlink(child)
                self._link(child, event.span_id)
            self._error_gone_below(known)
        return clashing

    def _new_span(self, span_id: str, trace: Trace, at: float) -> Span:
        span = Span(span_id, trace, started_at=at, number=self._next_span)
        self._next_span += 1
        self.span_count += 1
        trace.members.append(span)
        return span

    def _known_without_start(self, span: Span, event: SpanDelta | SpanEnd, at: float) -> None:
        """Something of a span arrives before its start, or instead of it."""
        if span.version:
            span.trace.ghosts -= 1
        span.kind = self._names.kept(event.node_kind)
        if type(event) is SpanEnd:
            name = event.metadata.name or event.metadata.probe_label
            if name is not None:
                span.name = self._names.kept(name)
        if span.kind != "agent_context":
            span.trace.only_context = False
        self._put(span, at, event.parent_span_id)

    def _trace_of(self, trace_id: str, session_id: str, at: float, connection: int) -> Trace:
        trace = self.traces.get(trace_id)
        if trace is None:
            session = self._session_of(session_id, at, connection)
            trace = Trace(
                trace_id, session, number=len(self.traces) + self.evicted_traces, started_at=at, ended_at=at
            )
            trace.events = 1
            if at > session.newest_at:
                session.newest_at = at
            self.traces[trace_id] = trace
            session.traces.append(trace)
        else:
            self._touch(trace, session_id, at, connection)
        return trace

    def _touch(self, trace: Trace, session_id: str, at: float, connection: int) -> None:
        """Note that an event of this trace arrived."""
        trace.events += 1
        session = trace.session
        if at > trace.ended_at:
            trace.ended_at = at
            if at > session.newest_at:
                session.newest_at = at
        elif at < trace.started_at:
            trace.started_at = at
        if session is not self._alive_now or connection != self._alive_over:
            self._alive(session, connection)
        if session.session_id != session_id:
            self._session_of(session_id, at, connection)

    def _session_of(self, session_id: str, at: float, connection: int) -> Session:
        session = self.sessions.get(session_id)
        if session is None:
            if len(self.sessions) >= self._forget_above:
                self._forget_sessions()
            session = Session(session_id, at, number=self._next_session)
            self._next_session += 1
            self.sessions[session_id] = session
            self._changes.sessions[session] = None
        self._alive(session, connection)
        return session

    def _alive(self, session: Session, connection: int) -> None:
        """Somebody carries this session now. Remembered, because the next event is likely of the same."""
        self._alive_now, self._alive_over = session, connection
        known = self.connections.get(connection)
        if known is None or known.closed_at is None:
            session.connections.add(connection)
            self._carried.setdefault(connection, set()).add(session)
            self._closing.pop(session, None)
        elif not session.connections:
            # An event that was still on its way when its connection was already reported closed.
            self._closing[session] = known.closed_at
        if session.gone:
            session.gone = False
            self._open_spans_changed(session)

    def _set_gone(self, session: Session) -> None:
        session.gone = True
        self._alive_now = None
        self._open_spans_changed(session)

    def _open_spans_changed(self, session: Session) -> None:
        """The session's liveness changed, and with it the status of all its open spans."""
        self._changes.sessions[session] = None
        for trace in session.traces:
            if trace.running:
                trace.revision += 1
                self._changes.traces[trace] = None

    # links

    def _link(self, span: Span, asked: str | None) -> None:
        """Put a span under the parent that its event names, or among its trace's roots."""
        trace = span.trace
        parent: Span | None = None
        if asked is not None:
            span.asked_parent = asked
            parent = self._spans.get(asked)
            if parent is None:
                parent = self._ghost(asked, trace, span.started_at)
            elif parent.trace is not trace and parent.marks & Mark.ID_CLASH:
                parent = self._clashing.get(asked, {}).get(trace.trace_id, parent)
            if (span.children is not None or parent is span) and self._cut_ring(span, parent):
                parent = span.parent
                return
        siblings = trace.roots
        if parent is not None:
            span.parent = parent
            if parent.children is None:
                parent.children = [span]
            else:
                _insert(parent.children, span)
            if _failed(span):
                self._error_below(parent)
        else:
            _insert(siblings, span)
        if span.version == 0:
            span.version = 1
            self._changes.added.append(span)
        else:
            self._changes.restructured[trace] = None
            if parent is not None:
                self._changes.restructured[parent.trace] = None

    def _ghost(self, span_id: str, trace: Trace, at: float) -> Span:
        """Make a stand-in for a parent of which nothing has arrived."""
        ghost = self._stand_in(span_id, trace, at)
        self._spans[span_id] = ghost
        return ghost

    def _stand_in(self, span_id: str, trace: Trace, at: float) -> Span:
        """Put a span of which nothing is known yet among its trace's roots."""
        ghost = self._new_span(span_id, trace, at)
        trace.ghosts += 1
        ghost.version = 1
        _insert(trace.roots, ghost)
        self._changes.added.append(ghost)
        return ghost

    def _unlink(self, span: Span) -> None:
        parent = span.parent
        if parent is None:
            siblings: list[Span] | None = span.trace.roots
        else:
            siblings = parent.children
        if siblings is not None and _remove(siblings, span, _order):
            if parent is not None and not siblings:
                parent.children = None
            self._changes.restructured[span.trace] = None
            if parent is not None:
                self._changes.restructured[parent.trace] = None
        span.parent = None

    def _rehome(self, ghost: Span, trace: Trace) -> None:
        """A ghost's own event arrived and belongs to another trace than the child that first named it."""
        self._unlink(ghost)
        old = ghost.trace
        _remove(old.members, ghost, _number)
        old.ghosts -= 1
        ghost.trace = trace
        trace.members.insert(bisect_left(trace.members, ghost.number, key=_number), ghost)
        trace.ghosts += 1
        _insert(trace.roots, ghost)
        self._changes.restructured[old] = None
        self._changes.restructured[trace] = None
        self._changes.traces[old] = None

    def _put(self, span: Span, at: float, asked: str | None) -> None:
        """Give a span its start time and its place: under its parent, among siblings in start order."""
        if span.version == 0:
            span.started_at = at
            self._link(span, asked)
            return
        self._unlink(span)
        span.started_at = at
        if span.marks & Mark.PARENT_CYCLE:
            _insert(span.trace.roots, span)
        else:
            self._link(span, span.asked_parent or asked)

    def _cut_ring(self, span: Span, parent: Span) -> bool:
        """Keep parent links free of rings: the member with the smallest id becomes a root that says so.

        Returns:
            True when linking ``span`` under ``parent`` would have closed a ring, and has been dealt with.
        """
        ring = [span]
        above: Span | None = parent
        while above is not None and above is not span:
            ring.append(above)
            above = above.parent
        if above is None:
            return False
        cut = min(ring, key=lambda member: member.span_id)
        cut.marks |= Mark.PARENT_CYCLE
        if cut is not span:
            above = cut.parent
            self._unlink(cut)
            _insert(cut.trace.roots, cut)
            self._changed(cut)
            self._link(span, span.asked_parent)
            self._error_gone_below(above)
        else:
            _insert(span.trace.roots, span)
            if span.version == 0:
                span.version = 1
                self._changes.added.append(span)
        return True

    def _error_below(self, span: Span | None) -> None:
        changed = self._changes.changed
        while span is not None and not span.marks & _ERROR_BELOW:
            span.marks |= _ERROR_BELOW
            span.version += 1
            changed[span] = None
            span = span.parent

    def _error_gone_below(self, span: Span | None) -> None:
        """A child was taken from a span: what is left below it may have failed nowhere."""
        while span is not None and span.marks & _ERROR_BELOW and not any(map(_failed, span.children or ())):
            span.marks &= ~_ERROR_BELOW
            self._changed(span)
            span = span.parent

    # what a row needs

    def _told_by_end(self, span: Span, event: SpanEnd) -> None:
        """Read usage, model and time to first token from a model call's end."""
        told = peek_llm_end(event.payload)
        self._count_usage(span, told.usage())
        if told.model_name or told.model:
            span.model = self._names.kept(told.model_name or told.model)
        if told.ttft_seconds is not None:
            span.ttft = told.ttft_seconds

    def _count_start_usage(self, span: Span, event: SpanStart) -> None:
        """Voice spans have no name in their metadata, and tell their model and usage at the start."""
        if event.node_kind != "llm":
            return
        told = peek_start(event.payload)
        if told.model and span.model is None:
            span.model = self._names.kept(told.model)
        self._count_usage(span, told.usage())

    def _count_usage(self, span: Span, usage: Usage | None) -> None:
        if usage is None:
            return
        trace = span.trace
        before = span.usage
        if before is not None:
            trace.input_tokens -= before.input_tokens or 0
            trace.output_tokens -= before.output_tokens or 0
        span.usage = usage
        trace.input_tokens += usage.input_tokens or 0
        trace.output_tokens += usage.output_tokens or 0

    def _producer_dropped(self, trace: Trace, told: str) -> None:
        if told.isascii() and told.isdigit() and len(told) < 16:
            trace.dropped += int(told)
            self.dropped += int(told)
            self._changes.notices = True

    # bookkeeping

    def _changed(self, span: Span) -> None:
        span.version += 1
        trace = span.trace
        trace.revision += 1
        changes = self._changes
        changes.changed[span] = None
        changes.traces[trace] = None

    def _repeat(self, span: Span, *, conflict: bool) -> None:
        self.repeats += 1
        if conflict and not span.marks & Mark.CONFLICT:
            span.marks |= Mark.CONFLICT
            self._changed(span)
        self._changes.notices = True

    def _seen(self, event_id: str) -> bool:
        recent = self._recent
        if event_id in recent or event_id in self._less_recent:
            self.repeats += 1
            self._changes.notices = True
            return True
        recent.add(event_id)
        if len(recent) >= REPEAT_WINDOW:
            # Two generations: taking single ids out of the front of a dict would search for the front.
            self._recent, self._less_recent = set(), recent
        return False

    def _keep_reject(self, reject: KeptReject) -> None:
        self.rejected += 1
        if len(self.rejects) < REJECTS_KEPT:
            self.rejects.append(reject)
        self._changes.notices = True

    def _evict(self) -> None:
        """Let the oldest finished traces go until a tenth of the bound is free.

        While too little has finished, up to twice the bound is kept; then running traces go, too. The newest
        trace always stays.
        """
        goal = self._max_spans - self._max_spans // 10
        newest = next(reversed(self.traces.values()))
        left = self.span_count
        going: dict[Trace, None] = {}
        for running in (False, True):
            for trace in self.traces.values():
                if left <= goal:
                    break
                if trace is newest or trace in going:
                    continue
                if running or not trace.running or trace.session.gone:
                    going[trace] = None
                    left -= len(trace.members)
            if left <= 2 * self._max_spans:
                break
        # What cannot go now is not asked for again with every frame.
        self._evict_above = max(self._max_spans, left + left // 20)
        if going:
            self._let_go(going)

    def _let_go(self, going: dict[Trace, None]) -> None:
        changes = self._changes
        thinned: dict[Span, None] = {}
        for trace in going:
            del self.traces[trace.trace_id]
            self.evicted_traces += 1
            self.evicted_spans += trace.spans
            self.span_count -= len(trace.members)
            for span in trace.members:
                self._forget_id(span)
                parent = span.parent
                if parent is not None and parent.trace not in going:
                    thinned[parent] = None
                for child in span.children or ():
                    if child.trace not in going:
                        child.parent = None
                        _insert(child.trace.roots, child)
                        changes.restructured[child.trace] = None
        for parent in thinned:
            parent.children = [child for child in parent.children or () if child.trace not in going] or None
            changes.restructured[parent.trace] = None
        for session in {trace.session: None for trace in going}:
            session.traces[:] = [trace for trace in session.traces if trace not in going]
        # Nobody may have asked for changes for hours: they must not keep what has left.
        changes.added = [span for span in changes.added if span.trace not in going]
        changes.changed = {span: None for span in changes.changed if span.trace not in going}
        for trace in going:
            for span in trace.members:
                # Untracked by the collector of cycles: cut them by hand.
                span.parent = None
                span.children = None
            trace.members = []
            trace.roots = []
            changes.traces[trace] = None
            changes.restructured[trace] = None
        for parent in thinned:
            self._error_gone_below(parent)
        changes.notices = True

    def _forget_id(self, span: Span) -> None:
        """Take a span that leaves memory out of the index; of several with its id another takes its place."""
        span_id = span.span_id
        clashes = self._clashing.get(span_id) if span.marks & Mark.ID_CLASH else None
        if clashes is None:
            if self._spans.get(span_id) is span:
                del self._spans[span_id]
            return
        if self._spans.get(span_id) is not span:
            del clashes[span.trace.trace_id]
        else:
            trace_id = next(iter(clashes))
            self._spans[span_id] = clashes.pop(trace_id)
        if not clashes:
            del self._clashing[span_id]

    def _forget_sessions(self) -> None:
        """Forget sessions of which no trace is in memory, the most recent ones left."""
        sessions = self.sessions
        for session in list(sessions.values())[: -SESSIONS_KEPT // 4]:
            if not session.traces:
                del sessions[session.session_id]
                self._closing.pop(session, None)
                for number in session.connections:
                    self._carried[number].discard(session)
                self._changes.sessions.pop(session, None)
        self._alive_now = None
        self._forget_above = max(SESSIONS_KEPT, len(sessions) + SESSIONS_KEPT // 4)


def _failed(span: Span) -> bool:
    """Whether a span failed, or something below it did."""
    if span.marks & _ERROR_BELOW:
        return True
    return span.error is not None and status_of_error(span.error) is Status.ERROR


def _remove(ordered: list[Span], span: Span, key: Callable[[Span], Any]) -> bool:
    """Take a span out of a list that is in the order of a key; False when it is not there."""
    at = bisect_left(ordered, key(span), key=key)
    if at < len(ordered) and ordered[at] is span:
        del ordered[at]
        return True
    return False


def _insert(siblings: list[Span], span: Span) -> None:
    """Insert by start time; equal starts stand in order of arrival."""
    if not siblings or siblings[-1].started_at < span.started_at:
        siblings.append(span)
    else:
        siblings.insert(bisect_right(siblings, (span.started_at, span.number), key=_order), span)
