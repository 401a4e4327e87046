"""Folds the usual events, written for speed: nine of ten are the start of a span of which nothing was known
in a trace that is, more text of one that started, or the end without an error of one that runs.

What is unusual about any other event is left to `folding`, which could take in these as well, slower.
"""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.store.aggregates import Aggregates
from etaoi_collector.store.liveness import Liveness
from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_collector.store.reducer import Reducer
from etaoi_collector.store.span_tree import SpanLinks, insert
from etaoi_collector.store.state import ENDED, PROBE, STARTED, WARNING, StoreState
from etaoi_collector.store.waits import Waits
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart

_DECIDED = STARTED | ENDED | int(SpanFlag.WAITING)
"""A span whose end is an ordinary one has only the first of these."""


class FastReducer:
    """Folds events that arrived together."""

    def __init__(
        self,
        state: StoreState,
        links: SpanLinks,
        liveness: Liveness,
        facts: Aggregates,
        folding: Reducer,
        waits: Waits,
    ) -> None:
        self._waits = waits
        self._state = state
        self._links = links
        self._liveness = liveness
        self._of_start = facts.of_start
        self._usage_of_start = facts.usage_of_start
        self._call_started = facts.call_started
        self._of_model_end = facts.of_model_end
        self._of_hook_end = facts.of_hook_end
        self._repeated = folding.repeated
        self._add_delta = folding.add_delta
        self._unusual = folding.fold

    def fold(self, events: Sequence[Event | Reject], event_ref: int, step: int, connection: int) -> None:
        """Take in events.

        Args:
            events: Decoded events and rejects.
            event_ref: Place of the first of them.
            step: What to add to it for the next: 1, or 0 where nothing was kept.
            connection: Number of the connection that they came over.
        """
        state = self._state
        find = state.spans.get
        changed = state.changes.changed
        unusual = self._unusual
        trace: Trace | None = None
        trace_id = session_id = ""
        event_ref -= step
        for event in events:
            event_ref += step
            if type(event) is SpanEnd:
                span = find(event.span_id)
                if span is None or event.error is not None or span.flags & _DECIDED != STARTED:
                    unusual(event, event_ref, connection)
                    continue
                if span.trace is not trace or event.session_id != session_id or event.trace_id != trace_id:
                    trace = self._turn_to(event, connection)
                    if trace is None or span.trace is not trace:
                        trace = None
                        unusual(event, event_ref, connection)
                        continue
                    trace_id, session_id = event.trace_id, event.session_id
                at = event.timestamp.timestamp()
                metadata = event.metadata
                parent = span.parent
                if (
                    at < span.started_at
                    or metadata.dropped is not None
                    or metadata.waits_for is not None
                    or metadata.synthetic is not None
                    or metadata.approximate is not None
                    or len(event.voice_metrics) > 1
                    or (parent is not None and parent.error is not None)
                ):
                    unusual(event, event_ref, connection)
                    continue
                span.end_ref = event_ref
                span.ended_at = at
                span.flags |= ENDED
                span.version += 1
                if span.tail:
                    span.tail = ""
                if span.kind == "llm":
                    self._of_model_end(span, event)
                elif span.flags & PROBE:
                    self._of_hook_end(span, event)
                trace.running -= 1
                changed[span] = None
            elif type(event) is SpanDelta:
                span = find(event.span_id)
                if span is None or not span.flags & STARTED:
                    unusual(event, event_ref, connection)
                    continue
                if span.trace is not trace or event.session_id != session_id or event.trace_id != trace_id:
                    trace = self._turn_to(event, connection)
                    if trace is None or span.trace is not trace:
                        trace = None
                        unusual(event, event_ref, connection)
                        continue
                    trace_id, session_id = event.trace_id, event.session_id
                if self._repeated(event):
                    continue
                at = event.timestamp.timestamp()
                self._add_delta(span, event, at, event_ref)
                span.version += 1
                changed[span] = None
            elif type(event) is SpanStart and find(event.span_id) is None:
                if trace is None or event.session_id != session_id or event.trace_id != trace_id:
                    trace = self._turn_to(event, connection)
                    if trace is None:
                        unusual(event, event_ref, connection)
                        continue
                    trace_id, session_id = event.trace_id, event.session_id
                at = event.timestamp.timestamp()
                self._fresh(event, trace, at, event_ref)
            else:
                unusual(event, event_ref, connection)
                continue
            trace.events += 1
            if at > trace.ended_at:
                trace.ended_at = at
                if at > trace.session.newest_at:
                    trace.session.newest_at = at
            elif at < trace.started_at:
                trace.started_at = at

    def _turn_to(self, event: SpanStart | SpanDelta | SpanEnd, connection: int) -> Trace | None:
        """Return the trace of an event; None when anything about it or its session is unusual."""
        state = self._state
        trace = state.traces.get(event.trace_id)
        if trace is None or trace.session.session_id != event.session_id:
            return None
        self._liveness.carry(trace.session, connection)
        state.changes.traces[trace] = None
        return trace

    def _fresh(self, event: SpanStart, trace: Trace, at: float, event_ref: int) -> None:
        """Take in a span of which nothing was known."""
        state = self._state
        spans = state.spans
        kind, name, model, agent, flags = self._of_start(event, trace)
        number = state.next_span
        state.next_span = number + 1
        state.span_count += 1
        span_id = event.span_id
        parent_id = event.parent_span_id
        parent = spans.get(parent_id) if parent_id is not None else None
        # In the order of the fields: keywords would cost as much as the object.
        if parent is not None and parent.trace is trace:
            span = Span(
                span_id,
                trace,
                kind,
                name,
                model,
                agent,
                at,
                event_ref,
                flags,
                number,
                1,
                parent,
                parent.span_id,
            )
            spans[span_id] = span
            trace.spans.append(span)
            siblings = parent.children
            if siblings is None:
                parent.children = [span]
            elif siblings[-1].started_at < at:
                siblings.append(span)
            else:
                insert(siblings, span)
            state.changes.added.append(span)
            if parent.error is not None:
                self._links.attribute_error(parent)
        else:
            span = Span(span_id, trace, kind, name, model, agent, at, event_ref, flags, number)
            spans[span_id] = span
            trace.spans.append(span)
            self._links.link(span, parent_id)
        trace.running += 1
        if flags & WARNING:
            self._links.warning_below(span.parent)
        if kind == "sub_agent" and parent is not None:
            self._links.merge_agent_node(span, parent)
        if self._waits.any or event.metadata.resumes is not None:
            self._waits.of_start(span, event, at)
        if kind == "llm":
            self._call_started(span, event)
        if event.metadata.name is None:
            self._usage_of_start(span, event)
