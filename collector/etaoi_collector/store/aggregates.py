"""Reads from events what rows and lists need, and counts it in their traces."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from etaoi_collector.conventions.event_rows import WARNING as WARNING_WORD
from etaoi_collector.conventions.payload_fields import (
    DeltaText,
    read_llm_end,
    read_start,
    read_voice_metrics,
    read_voice_usage,
    tells_of_change,
)
from etaoi_collector.store.display_names import is_internal, voice_name
from etaoi_collector.store.model import NO_CALL, ModelCall, Span, Trace, Usage
from etaoi_collector.store.state import (
    CHANGED_STATE,
    EVENT,
    INFRASTRUCTURE,
    INTERNAL,
    PROBE,
    RETRIEVER,
    STARTED,
    WARNING,
    StoreState,
)
from etaoi_collector.store.wrapped_calls import NewestAnswers, duplicate_calls, end_call
from etaoi_collector.wire.events import SpanEnd, SpanStart, dropped_before
from etaoi_collector.wire.metadata_keys import Infrastructure

CONTEXTS_KEPT = 64
"""Agent snapshots that a trace remembers to name."""

UNNAMED_CALLS = ("model", "llm")
"""Names of model calls whose producers did not know the model when they began."""

_HOUSEKEEPING = EVENT | INTERNAL
"""Events that nobody would look for by themselves: a trace of nothing else is no run."""

_STATE_HOOKS = ("before_", "abefore_", "after_", "aafter_")
"""How the names of hooks begin that are given the state, and not a call."""

ROWS_SHARED = 4_096
"""Starts that say different things of themselves, and of which is remembered what that means for a row."""


class _DeltaMetadata(msgspec.Struct, gc=False):
    context_id: str | None = msgspec.field(name="agent.context_id", default=None)


_delta_metadata = msgspec.msgpack.Decoder(_DeltaMetadata).decode

Row = tuple[str, str, str | None, str | None, int]
"""Kind, display name, model, agent and flags."""


EMPTY_CHUNK_AHEAD = 0.25
"""Seconds. A time to first token that lies so long before the first text is that of an empty chunk,
of a producer that takes any chunk for a token. Otherwise the producer knows better: text travels in bundles.
"""


class Aggregates:
    """What events tell beside the tree."""

    def __init__(self, state: StoreState) -> None:
        self._state = state
        self._intern = state.names.intern
        self._rows: dict[tuple[str | None, ...], Row] = {}
        """What starts tell a row, by what they say of themselves: few kinds of spans, and many of each."""
        self._calls: dict[tuple[str | None, str | None, str | None, bool], ModelCall] = {}
        """What is known of model calls, shared by those of which the same is known."""
        self._answers = NewestAnswers()

    def of_start(self, event: SpanStart, trace: Trace) -> Row:
        """Read from a start what a row needs, and count it in its trace."""
        metadata = event.metadata
        row_key = (
            metadata.name,
            event.node_kind,
            metadata.lc_chain_kind,
            event.lc_agent_name,
            metadata.ls_model_name,
            metadata.lc_probe,
            metadata.event,
            metadata.severity,
            metadata.infrastructure,
            metadata.own_kind,
        )
        row = self._rows.get(row_key)
        if row is None:
            row = self._row_of_start(event)
            if metadata.name is not None and metadata.lc_probe is None and len(self._rows) < ROWS_SHARED:
                self._rows[row_key] = row
        kind = row[0]
        if kind == "llm":
            trace.model_calls += 1
        elif kind == "tool":
            trace.tool_calls += 1
        if row[4] & INFRASTRUCTURE:
            trace.infrastructure += 1
        if trace.only_infrastructure and metadata.infrastructure is None:
            trace.only_infrastructure = False
            if len(trace.spans) > 1:
                self._state.changes.restructured[trace] = None  # what stood for itself folds away now
        if trace.only_context and kind != "agent_context" and row[4] & _HOUSEKEEPING != _HOUSEKEEPING:
            trace.only_context = False
        if metadata.context_id is not None and metadata.context_id not in trace.context_ids:
            self._name_snapshot(trace, metadata.context_id)
        if metadata.thread_id is not None and trace.thread is None:
            trace.thread = self._intern(metadata.thread_id)
        if event.user_id is not None and trace.session.user_id is None:
            trace.session.user_id = event.user_id
        if metadata.dropped is not None:
            self.producer_dropped(trace, event)
        return row

    def context_of_delta(self, span: Span, metadata: Raw) -> None:
        """Take which snapshot describes a span's agent, where that is only known while it runs."""
        try:
            snapshot = _delta_metadata(metadata).context_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        if snapshot is not None and snapshot not in span.trace.context_ids:
            self._name_snapshot(span.trace, snapshot)

    def _name_snapshot(self, trace: Trace, span_id: str) -> None:
        trace.context_ids = (*trace.context_ids, span_id)[-CONTEXTS_KEPT:]
        self._state.agents.runs.setdefault(span_id, []).append(trace)

    def _row_of_start(self, event: SpanStart) -> Row:
        metadata = event.metadata
        intern = self._intern
        name = metadata.probe_label if metadata.name is None else metadata.name
        if name is None:
            name = voice_name(event.node_kind, read_start(event.payload), metadata, event.lc_agent_name)
        name = intern(name)
        flags = STARTED
        if metadata.lc_probe is not None:
            flags |= PROBE
            if metadata.probe_phase == "pre_handler":
                # The request as it went down; its sibling without a phase tells that and the response.
                flags |= INTERNAL
        if metadata.lc_chain_kind is not None and is_internal(metadata.lc_chain_kind, name):
            flags |= INTERNAL
        if metadata.own_kind == "retriever":
            flags |= RETRIEVER
        if metadata.event is not None:
            flags |= EVENT
            if metadata.severity == WARNING_WORD:
                flags |= WARNING
        if metadata.infrastructure == Infrastructure.INNER:
            flags |= INTERNAL | INFRASTRUCTURE
        kind = intern(event.node_kind)
        if kind == "middleware" and metadata.own_kind not in (None, "", "retriever"):
            kind = intern(metadata.own_kind)  # the schema has no word for it, but a viewer may know it
        model = intern(metadata.ls_model_name) if kind == "llm" else None
        return kind, name, model, intern(event.lc_agent_name), flags

    def uncount_start(self, span: Span) -> None:
        """Take back what a span's start counted in its trace: another one will count it anew."""
        trace = span.trace
        if span.kind == "llm":
            trace.model_calls -= not (span.call is not None and span.call.wraps)
            trace.open_calls.discard(span)
        elif span.kind == "tool":
            trace.tool_calls -= 1
        trace.infrastructure -= bool(span.flags & INFRASTRUCTURE)

    def usage_of_start(self, span: Span, event: SpanStart) -> None:
        """Voice spans have no name in their metadata, and tell their model and usage at the start."""
        if event.node_kind != "llm":
            return
        start = read_start(event.payload)
        if start.model and span.model is None:
            span.model = self._intern(start.model)
        self._count_usage(span, start.usage())

    def call_started(self, span: Span, event: SpanStart) -> None:
        """Keep who was asked by a model call, and that it is open unless its end came first."""
        metadata = event.metadata
        requested_model, provider = metadata.ls_model_name, metadata.ls_provider
        model_call = span.call
        if model_call is not None:
            provider = model_call.provider or provider
            span.call = self._shared_call(
                requested_model, provider, model_call.finish_reason, model_call.wraps
            )
        elif requested_model is not None or provider is not None:
            span.call = self._shared_call(requested_model, provider)
        if span.ended_at is None:
            span.trace.open_calls.add(span)

    def of_model_end(self, span: Span, event: SpanEnd) -> None:
        """Read usage, model, how it stopped and time to first token from a model call's end."""
        llm_end = read_llm_end(event.payload)
        model_call = span.call or NO_CALL
        usage = llm_end.usage(model_call.provider or "")
        if usage is not None:
            self._count_usage(span, usage)
        model = llm_end.model_name or llm_end.model
        if model and model != span.model:
            self.name_model(span, model)
        reason, provider = llm_end.reason, llm_end.provider or model_call.provider
        wraps = self._answers.comes_from_another(span, llm_end.answer_id)
        wraps = end_call(span, llm_end) is not None or wraps
        if wraps and not model_call.wraps:
            self._wraps(span)
        wraps = wraps or model_call.wraps
        if reason is not None or wraps or provider != model_call.provider:
            span.call = self._shared_call(model_call.requested_model, provider, reason, wraps)
        self._note_duplicate_call(span)
        ttft = llm_end.ttft_seconds
        if ttft is not None and (span.ttft is None or span.ttft - ttft < EMPTY_CHUNK_AHEAD):
            span.ttft = ttft

    def of_hook_end(self, span: Span, event: SpanEnd) -> None:
        """Keep whether a hook before or after the agent or the model changed the state.

        What hooks around a call changed is read when its row is drawn.
        """
        if span.name.rpartition(".")[2].startswith(_STATE_HOOKS) and tells_of_change(event.payload):
            span.flags |= CHANGED_STATE

    def of_delta(self, span: Span, delta: DeltaText) -> None:
        """Take what a call used from a delta, where its end could not say so."""
        usage = delta.usage()
        if usage is not None:
            self._count_usage(span, usage)
            if delta.model and span.model is None:
                self.name_model(span, delta.model)

    def name_model(self, span: Span, model: str) -> None:
        """Take the name of a call's model; a call without a name of its own is called by it."""
        span.model = self._intern(model)
        if span.name in UNNAMED_CALLS:
            span.name = span.model

    def of_voice_metrics(self, span: Span, event: SpanEnd) -> None:
        """Read model and time to first token or byte from the metrics of a voice span's end."""
        metrics = read_voice_metrics(event.voice_metrics)
        if metrics.model_name:
            span.model = self._intern(metrics.model_name)
        if metrics.provider and span.kind == "llm":
            model_call = span.call or NO_CALL
            span.call = self._shared_call(
                model_call.requested_model, metrics.provider, model_call.finish_reason, model_call.wraps
            )
        if span.kind == "llm" and (span.usage is None or span.usage.cache_read is None):
            self._count_usage(span, read_voice_usage(event.voice_metrics))
        if metrics.first_seconds is not None:
            span.ttft = metrics.first_seconds

    def producer_dropped(self, trace: Trace, event: SpanStart | SpanEnd) -> None:
        """Count events that their producer says it had to drop."""
        here, elsewhere = dropped_before(event)
        if here or elsewhere:
            trace.dropped += here
            self._state.dropped += here + elsewhere
            self._state.changes.notices = True

    def _count_usage(self, span: Span, usage: Usage | None) -> None:
        if usage is None:
            return
        trace = span.trace
        is_counted = span.call is None or not span.call.wraps
        previous = span.usage
        if previous is None:
            trace.calls.append(span)
        elif is_counted:
            self._count(trace, previous, -1)
        span.usage = usage
        if is_counted:
            self._count(trace, usage, 1)

    def _count(self, trace: Trace, usage: Usage, sign: int) -> None:
        trace.usage_version += 1
        if not usage.from_cache:
            trace.input_tokens += sign * (usage.input_tokens or 0)
            trace.output_tokens += sign * (usage.output_tokens or 0)

    def _wraps(self, span: Span) -> None:
        """Take a call out of its trace's sums: the one inside it is in them."""
        trace = span.trace
        trace.model_calls -= 1
        trace.usage_version += 1
        if span.usage is not None:
            self._count(trace, span.usage, -1)

    def _note_duplicate_call(self, span: Span) -> None:
        """Let one row stand for a call that two tracers told of: the inner one folds away, and is summed."""
        twice = duplicate_calls(span)
        if twice is None or twice[1].flags & INTERNAL:
            return
        outer, inner = twice
        call = outer.call or NO_CALL
        if not call.wraps:
            self._wraps(outer)
            outer.call = self._shared_call(call.requested_model, call.provider, call.finish_reason, True)
            self._state.changed(outer)
        inner.flags |= INTERNAL
        self._state.changes.restructured[inner.trace] = None

    def _shared_call(
        self,
        requested_model: str | None,
        provider: str | None,
        finish_reason: str | None = None,
        wraps: bool = False,
    ) -> ModelCall:
        key = (requested_model, provider, finish_reason, wraps)
        call = self._calls.get(key)
        if call is None:
            intern = self._intern
            call = ModelCall(intern(requested_model), intern(provider), intern(finish_reason), wraps)
            if len(self._calls) < ROWS_SHARED:
                self._calls[key] = call
        return call
