"""Decides which events a translated span becomes, given what was sent of it and its trace before.

Producers repeat themselves (retries, two tracers in one process), tell ends before starts, and name a session
on some spans of a trace only. Everything remembered here is bounded; what is forgotten costs a repetition
that the store recognises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etaoi_collector.lru import Lru
from etaoi_collector.translation.event_writer import (
    write_delta,
    write_end,
    write_start,
    write_state_change,
)
from etaoi_collector.translation.ids import session_uuid
from etaoi_collector.translation.translated import TranslatedSpan

SPANS_REMEMBERED = 100_000
TRACES_REMEMBERED = 20_000

_STARTED, _ENDED, _PENDING = 1, 2, 4

TimedEvent = tuple[int, int, bytes]
"""Time in nanoseconds, the order at that time, and the encoded event."""


class TraceBuilder:
    """What was sent so far. Used by one thread."""

    def __init__(self) -> None:
        self.repeats = 0
        """Spans that were told again and left out."""
        self._sent: Lru[str, int] = Lru(SPANS_REMEMBERED)
        self._sessions: Lru[str, str] = Lru(TRACES_REMEMBERED)
        self._moved: Lru[str, bool] = Lru(TRACES_REMEMBERED)
        """Roots that name another session than the one under which their trace was sent."""

    def ended(self, span_id: str) -> bool:
        """Tell whether the end of a span was sent."""
        return bool((self._sent.get(span_id) or 0) & _ENDED)

    def choose_sessions(self, spans: Sequence[TranslatedSpan]) -> None:
        """Choose the sessions of the traces of spans that arrived together.

        A trace belongs to the session that its root names; until the root is known to the one that its
        earliest span names; else to one of its process.
        """
        best: dict[str, TranslatedSpan] = {}
        for span in spans:
            other = best.get(span.trace_id)
            if other is None or _rank(span) < _rank(other):
                best[span.trace_id] = span
        for trace_id, span in best.items():
            session_so_far = self._sessions.get(trace_id)
            if span.session is not None and (span.parent_id is None or session_so_far is None):
                session = session_uuid(span.session)
                if session_so_far not in (None, session):
                    self._moved.put(span.span_id, True)
                self._sessions.put(trace_id, session)
            elif session_so_far is None:
                self._sessions.put(trace_id, session_uuid(f"process:{span.process}"))

    def session_of(self, span: TranslatedSpan) -> str:
        """Return the id of a span's session, as chosen."""
        session = self._sessions.get(span.trace_id)
        if session is None:
            self.choose_sessions([span])
            session = self._sessions.get(span.trace_id) or ""
        return session

    def pending(self, span: TranslatedSpan) -> list[TimedEvent]:
        """Return the events for a span that has started and will be told again when it ends."""
        if self._sent.get(span.span_id):
            return []
        self._sent.put(span.span_id, _STARTED | _PENDING)
        return [self._start(span)]

    def started(self, span: TranslatedSpan) -> list[TimedEvent]:
        """Return the events for a span that has started, all of whose start is told."""
        sent = self._sent.get(span.span_id) or 0
        if sent & _STARTED:
            self.repeats += 1
            return []
        self._sent.put(span.span_id, sent | _STARTED)
        return [self._start(span)]

    def finished(self, span: TranslatedSpan, *, with_start: bool = True) -> list[TimedEvent]:
        """Return the events for a span that has ended.

        Args:
            span: The span.
            with_start: It tells its start, too.
        """
        sent = self._sent.get(span.span_id) or 0
        if sent & _ENDED:
            self.repeats += 1
            return []
        session = self.session_of(span)
        events: list[TimedEvent] = []
        if with_start and (not sent & _STARTED or sent & _PENDING):
            events.append(self._start(span, revises=bool(sent & _PENDING)))
            sent |= _STARTED
        for time_ns, payload in span.deltas:
            events.append((time_ns, 1, write_delta(span, session, time_ns, payload)))
        events.append(_end(span, write_end(span, session)))
        for time_ns, subject, state in span.state_changes:
            events.append((time_ns, 1, write_state_change(session, time_ns, subject, state)))
        self._sent.put(span.span_id, (sent | _ENDED) & ~_PENDING)
        return events

    def revised(self, span: TranslatedSpan) -> list[TimedEvent]:
        """Return the events for a span of which more became known after its end."""
        session = self.session_of(span)
        self._sent.put(span.span_id, _STARTED | _ENDED)
        return [self._start(span, revises=True), _end(span, write_end(span, session, revises=True))]

    def _start(self, span: TranslatedSpan, *, revises: bool = False) -> TimedEvent:
        moves = self._moved.pop(span.span_id) is not None
        event = write_start(span, self.session_of(span), revises=revises, moves_trace=moves)
        return span.start_ns, 0, event

    def noted(self, span: TranslatedSpan, time_ns: int, payload: Mapping[str, object]) -> list[TimedEvent]:
        """Return the events for something that was said about a span."""
        return [(time_ns, 1, write_delta(span, self.session_of(span), time_ns, dict(payload)))]


def _end(span: TranslatedSpan, event: bytes) -> TimedEvent:
    """Place an end: of several at one moment that of the span which began last comes first."""
    return span.start_ns if span.end_ns is None else span.end_ns, 1 << 64 | (1 << 64) - span.start_ns, event


def in_time_order(events: list[TimedEvent]) -> list[bytes]:
    """Return encoded events in the order of time, so that spans lie within each other as they did."""
    return [event for _, _, event in sorted(events, key=lambda timed: timed[:2])]


def _rank(span: TranslatedSpan) -> tuple[bool, bool, int]:
    """Order spans by how much they may say about the session of their trace, the best first."""
    return (span.session is None, span.parent_id is not None, span.start_ns)
