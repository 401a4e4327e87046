"""Takes in any event, whatever came before it and whatever never came."""

from __future__ import annotations

from etaoi_collector.conventions.payload_fields import read_delta
from etaoi_collector.store.aggregates import Aggregates
from etaoi_collector.store.deduplication import Deduplicator
from etaoi_collector.store.liveness import Liveness
from etaoi_collector.store.model import Span, SpanFlag, Status, status_of_error
from etaoi_collector.store.span_tree import SpanLinks
from etaoi_collector.store.state import (
    ENDED,
    INFRASTRUCTURE,
    INTERNAL,
    PROBE,
    STARTED,
    WARNING,
    StoredReject,
    StoreState,
)
from etaoi_collector.store.status import SYNTHETIC_ERRORS
from etaoi_collector.store.waits import Waits
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick

SYNTHETIC_END = int(SpanFlag.SYNTHETIC_END)

TAIL_CHARACTERS = 400
"""Newest characters of streamed text kept on an open span for its row."""

TICKS_KEPT = 40_000
"""Changes of state that a session remembers: some ten thousand turns of a call."""

STATES_KEPT = 64
"""Subjects of which a session remembers the state; a call has two."""

ERROR_CHARACTERS = 4_096
"""Characters of an error that are kept; the whole of it is in the recording."""


class Reducer:
    """Folds one event at a time."""

    def __init__(
        self, state: StoreState, links: SpanLinks, liveness: Liveness, facts: Aggregates, waits: Waits
    ) -> None:
        self._waits = waits
        self._state = state
        self._links = links
        self._liveness = liveness
        self._facts = facts
        self._is_repeat = Deduplicator().is_repeat

    def fold(self, event: Event | Reject, event_ref: int, connection: int) -> None:
        """Take in one event.

        Args:
            event: What was decoded.
            event_ref: Where it lies; negative when it was not kept.
            connection: Number of the connection that it came over.
        """
        if type(event) is SpanDelta:
            self._delta(event, event_ref, connection)
        elif type(event) is SpanEnd:
            self._end(event, event_ref, connection)
        elif type(event) is SpanStart:
            self._start(event, event_ref, connection)
        elif type(event) is StateTick:
            self._tick(event, connection)
        elif type(event) is Reject:
            self._state.reject(StoredReject(event.ordinal, event.reason, event.count, event_ref, connection))

    def _start(self, event: SpanStart, event_ref: int, connection: int) -> None:
        at = event.timestamp.timestamp()
        span = self._span_of(event, at, connection)
        trace = span.trace
        if event.metadata.moves_trace is not None and trace.session.session_id != event.session_id:
            self._liveness.move_trace(trace, event.session_id, at, connection)
        if span.flags & STARTED:
            if event.metadata.revises is None:
                self._repeat(span, conflict=span.started_at != at)
                return
            self._forget_start(span)
        if span.version and span.placeholder:
            trace.placeholders -= 1
        kind, name, model, agent, flags = self._facts.of_start(event, trace)
        span.kind, span.name, span.start_ref = kind, name, event_ref
        span.model = span.model or model
        span.agent = span.agent or agent
        span.flags |= flags
        if not span.flags & ENDED:
            trace.running += 1
        elif span.ended_at is not None and span.ended_at < at:
            span.flags |= SpanFlag.CLOCK_BACKWARDS
        if kind == "llm":
            self._facts.call_started(span, event)
        if event.metadata.name is None and span.usage is None:
            # An end that came first told it better.
            self._facts.usage_of_start(span, event)
        new = span.version == 0
        self._links.put(span, at, event.parent_span_id)
        if flags & WARNING:
            self._links.warning_below(span.parent)
        self._waits.of_start(span, event, at)
        if new:
            self._state.changes.traces[trace] = None
        else:
            self._state.changed(span)

    def _end(self, event: SpanEnd, event_ref: int, connection: int) -> None:
        at = event.timestamp.timestamp()
        span = self._span_of(event, at, connection)
        trace = span.trace
        flags = span.flags
        if flags & ENDED:
            synthetic = _is_synthetic(event)
            replaces = event.metadata.revises is not None
            if not replaces and (synthetic or not flags & SYNTHETIC_END):
                conflict = not synthetic and (span.ended_at != at or span.error != event.error)
                self._repeat(span, conflict=conflict)
                return
            flags = self._undo_end(span)
        if not flags & STARTED and span.placeholder:
            self._add_without_start(span, event, at)
            flags = span.flags
        span.end_ref = event_ref
        span.ended_at = at
        if span.tail:
            span.tail = ""
        if flags & STARTED:
            trace.running -= 1
            if at < span.started_at:
                flags |= SpanFlag.CLOCK_BACKWARDS
        span.flags = flags | ENDED
        if _is_synthetic(event):
            span.flags |= SYNTHETIC_END
        if event.metadata.approximate is not None:
            span.flags |= SpanFlag.APPROXIMATE_END
        if event.metadata.dropped is not None:
            self._facts.producer_dropped(trace, event)
        if event.error is not None:
            span.error = event.error[:ERROR_CHARACTERS]
            if status_of_error(event.error) is Status.ERROR:
                trace.errors += 1
                self._links.error_below(span.parent)
                self._links.attribute_error(span)
        if span.parent is not None and span.parent.error is not None:
            self._links.attribute_error(span.parent)
        self._waits.of_end(span, event, at)
        if span.kind == "llm":
            self._facts.of_model_end(span, event)
        elif flags & PROBE:
            self._facts.of_hook_end(span, event)
        if len(event.voice_metrics) > 1:  # more than a nil
            self._facts.of_voice_metrics(span, event)
        self._state.changed(span)

    def _undo_end(self, span: Span) -> int:
        """Take back an end that was made up: the true one counts. Returns the span's flags."""
        if span.flags & STARTED:
            span.trace.running += 1
        if span.error is not None and status_of_error(span.error) is Status.ERROR:
            self._links.forget_error(span)
        span.error = None
        span.ended_at = None
        span.flags &= ~(ENDED | SYNTHETIC_END | SpanFlag.APPROXIMATE_END)
        return span.flags

    def _delta(self, event: SpanDelta, event_ref: int, connection: int) -> None:
        if self.repeated(event):
            return
        at = event.timestamp.timestamp()
        span = self._span_of(event, at, connection)
        if span.placeholder:
            self._add_without_start(span, event, at)
        self.add_delta(span, event, at, event_ref)
        self._state.changed(span)

    def repeated(self, event: SpanDelta | StateTick) -> bool:
        """Tell whether an event came before, and count it if so."""
        if self._is_repeat(event.event_id):
            self._state.repeat()
            return True
        return False

    def add_delta(self, span: Span, event: SpanDelta, at: float, event_ref: int) -> None:
        """Add to a span what a delta tells."""
        if span.deltas is None:
            span.deltas = [event_ref]
        else:
            span.deltas.append(event_ref)
        if len(event.metadata) > 1:  # more than a nil or an empty map
            self._facts.context_of_delta(span, event.metadata)
            waited = self._waits.of_delta(span, event.metadata, at)
            if waited and span.kind == "llm" and span.flags & STARTED and not span.tail:
                self._links.put(
                    span, at, span.declared_parent_id
                )  # it had no slot until now: no model worked
        delta = read_delta(event.payload)
        if len(delta.usage_report) > 1 and span.usage is None:
            self._facts.of_delta(span, delta)
        elif delta.model is not None and span.model is None and span.kind == "llm":
            self._facts.name_model(span, delta.model)
        if delta.text and span.ttft is None and span.kind == "llm" and span.flags & STARTED:
            span.ttft = max(at - span.started_at, 0.0)
        if span.flags & ENDED:
            if span.ended_at is not None and at > span.ended_at:
                span.flags |= SpanFlag.LATE
        elif delta.text is not None and delta.channel is None:
            span.tail = (span.tail + delta.text[-TAIL_CHARACTERS:])[-TAIL_CHARACTERS:]
        elif delta.agent_transcript is not None:
            span.tail = delta.agent_transcript[-TAIL_CHARACTERS:]
        elif delta.transcript is not None:
            span.tail = delta.transcript[-TAIL_CHARACTERS:]

    def _tick(self, event: StateTick, connection: int) -> None:
        store_state = self._state
        if self.repeated(event):
            return
        at = event.timestamp.timestamp()
        session = self._liveness.session_of(event.session_id, at, connection)
        intern = store_state.names.intern
        subject, state = intern(event.subject), intern(event.state)
        ticks = session.ticks
        ticks.append((at, subject, state))
        if len(ticks) > TICKS_KEPT:
            session.ticks_gone += TICKS_KEPT // 4
            del ticks[: TICKS_KEPT // 4]
        times = session.state_times
        if times[subject] <= at if subject in times else len(times) < STATES_KEPT:
            session.states[subject] = state
            times[subject] = at
        store_state.changes.sessions[session] = None

    def _span_of(self, event: SpanStart | SpanDelta | SpanEnd, at: float, connection: int) -> Span:
        """Return the span that an event is about, made if need be, and count the event in its trace."""
        state = self._state
        liveness = self._liveness
        existing = state.spans.get(event.span_id)
        if existing is not None and existing.trace.trace_id == event.trace_id:
            liveness.touch(existing.trace, event.session_id, at, connection)
            return existing
        trace = liveness.trace_of(event.trace_id, event.session_id, at, connection)
        if existing is None:
            span = state.spans[event.span_id] = self._links.new_span(event.span_id, trace, at)
            return span
        if existing.placeholder:
            self._links.rehome(existing, trace)
            return existing
        return self._links.clash(existing, trace, at)

    def _add_without_start(self, span: Span, event: SpanDelta | SpanEnd, at: float) -> None:
        """Something of a span arrives before its start, or instead of it."""
        intern = self._state.names.intern
        if span.version:
            span.trace.placeholders -= 1
        span.kind = intern(event.node_kind)
        if type(event) is SpanEnd:
            name = event.metadata.name or event.metadata.probe_label
            if name is not None:
                span.name = intern(name)
        if span.kind != "agent_context":
            span.trace.only_context = False
        self._links.put(span, at, event.parent_span_id)

    def _forget_start(self, span: Span) -> None:
        """Take back what a start said, for a later one that knows more."""
        self._facts.uncount_start(span)
        if not span.flags & ENDED:
            span.trace.running -= 1
        span.flags &= ~(STARTED | INTERNAL | PROBE | INFRASTRUCTURE)
        span.model = span.declared_parent_id = None

    def _repeat(self, span: Span, *, conflict: bool) -> None:
        self._state.repeat()
        if conflict and not span.flags & SpanFlag.CONFLICT:
            span.flags |= SpanFlag.CONFLICT
            self._state.changed(span)


def _is_synthetic(event: SpanEnd) -> bool:
    """Whether an end was made up: ours say so, those of the etaoi SDK by their error."""
    return event.metadata.synthetic is not None or event.error in SYNTHETIC_ERRORS
