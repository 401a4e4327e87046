"""From requests of OpenTelemetry exporters to events: joins what belongs together but arrives apart.

Log records find their span, pending spans become starts, inner halves are folded into the span that they
belong to, and spans that LangSmith tells, too, get the id of its run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.telemetry import langsmith, livekit, pydantic_ai
from etaoi_collector.lru import Lru
from etaoi_collector.translation.event_writer import write_reject
from etaoi_collector.translation.genai_events import DETAILS, is_message_event
from etaoi_collector.translation.held_bytes import MOST_HELD, held_bytes
from etaoi_collector.translation.ids import span_uuid
from etaoi_collector.translation.livekit_calls import SPEAKING, LiveKitCalls
from etaoi_collector.translation.otel_model import InvalidPayload, OtelLog, OtelSpan
from etaoi_collector.translation.otel_spans import translate_span
from etaoi_collector.translation.trace_builder import TimedEvent, TraceBuilder, in_time_order
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.translation.twins import Twins

SPANS_WAITING = 10_000
"""Spans that wait for the one they are folded into, and spans whose logs wait for them, each."""
LOGS_OF_ONE = 2_000
"""Log records of one span that are joined to it."""
CALLS_REMEMBERED = 512
"""Model calls without content that log records may still bring."""

_log = logging.getLogger("etaoi_collector.translation")
_log.addHandler(logging.NullHandler())

_Key = tuple[str, str]


class OtelStream:
    """Everything that OpenTelemetry exporters send to one collector. Used by one thread.

    Args:
        builder: Makes the events; shared with other streams, which may tell of the same spans.
        twins: Knows spans that LangSmith's own protocol tells, too.
        between: See `Translators`.
    """

    def __init__(self, builder: TraceBuilder, twins: Twins, between: Callable[[], None]) -> None:
        self._builder = builder
        self._between = between
        self._twins = twins
        self._calls = LiveKitCalls(builder)
        self._halves: Lru[_Key, list[OtelSpan]] = Lru(SPANS_WAITING, most_cost=MOST_HELD)
        self._logs: Lru[_Key, list[OtelLog]] = Lru(SPANS_WAITING, most_cost=MOST_HELD)
        self._silent_calls: Lru[_Key, OtelSpan] = Lru(CALLS_REMEMBERED, most_cost=MOST_HELD)

    def take_spans(self, arrived: Iterable[OtelSpan | InvalidPayload]) -> list[bytes]:
        """Return the events for spans that arrived together, and for those that cannot be read."""
        events: list[bytes] = []
        spans: list[OtelSpan] = []
        for item in arrived:
            self._between()
            if isinstance(item, InvalidPayload):
                events.append(write_reject(str(item)))
            elif not item.trace_id or not item.span_id:
                events.append(write_reject("a span without an id"))
            else:
                spans.append(item)
        complete: list[tuple[OtelSpan, TranslatedSpan, bool]] = []
        timed_events: list[TimedEvent] = []
        joined: list[TimedEvent] = []
        for span in sorted(spans, key=_order):
            self._between()
            try:
                self._sort_in(span, complete, timed_events)
            except Exception:  # whatever is wrong with one span must not cost its neighbours
                _log.debug("a span could not be translated", exc_info=True)
                events.append(write_reject(f"a span called {span.name[:60]!a} with values of odd types"))
        self._builder.choose_sessions([translated for _, translated, _ in complete])
        for span, translated, finished in complete:
            self._between()
            if not finished:
                timed_events += self._builder.pending(translated)
                continue
            if span.scope == livekit.SCOPE:
                self._calls.complete(translated)
            timed_events += self._builder.finished(translated)
            if span.scope == livekit.SCOPE:
                joined += self._calls.joined(translated)
        return events + in_time_order(timed_events) + in_time_order(joined)

    def _sort_in(
        self,
        span: OtelSpan,
        complete: list[tuple[OtelSpan, TranslatedSpan, bool]],
        timed_events: list[TimedEvent],
    ) -> None:
        """Translate a span, or keep it for the one that it belongs to."""
        if span.attributes.get(pydantic_ai.SPAN_TYPE) == pydantic_ai.PENDING:
            _reveal_start(span)
            translated = self._translate(span)
            translated.end_ns = None
            complete.append((span, translated, False))
        elif span.scope == livekit.SCOPE and span.name == SPEAKING and span.parent_id:
            timed_events += self._calls.take_sound(span)
        elif not self._is_half(span):
            complete.append((span, self._translate(self._completed(span)), True))

    def take_logs(self, logs: Sequence[OtelLog | InvalidPayload]) -> list[bytes]:
        """Return the events for log records that arrived together; most wait for their span."""
        affected: dict[_Key, None] = {}
        events: list[bytes] = []
        for log in logs:
            if isinstance(log, InvalidPayload):
                events.append(write_reject(str(log)))
                continue
            if log.name != DETAILS and not is_message_event(log.name):
                continue
            key = (log.trace_id, log.span_id)
            pending = self._logs.get(key)
            if pending is None:
                pending = []
                self._logs.put(key, pending)
            size = held_bytes(log)
            if len(pending) < LOGS_OF_ONE and self._logs.cost_of(key) + size <= MOST_HELD:
                pending.append(log)
                self._logs.grown(key, size)
            affected[key] = None
        for key in affected:
            span = self._silent_calls.get(key)
            if span is not None:
                events += in_time_order(
                    self._builder.revised(self._with_twin(span, translate_span(span, self._logs.get(key))))
                )
        return events

    def _translate(self, span: OtelSpan) -> TranslatedSpan:
        key = (span.trace_id, span.span_id)
        logs = self._logs.get(key)
        translated = translate_span(span, logs)
        if translated.kind == "llm" and not translated.start.get(keys.INPUT_MESSAGES):
            self._silent_calls.put(key, span, held_bytes(span))
        elif logs is not None and translated.kind == "llm":
            self._silent_calls.put(key, span, held_bytes(span))  # more of its conversation may follow
        return self._with_twin(span, translated)

    def _with_twin(self, span: OtelSpan, translated: TranslatedSpan) -> TranslatedSpan:
        if langsmith.SPAN_KIND in span.attributes:
            twins = self._twins
            translated.span_id = twins.of_span(span.trace_id, span.span_id, translated.span_id)
            if translated.parent_id is not None:
                translated.parent_id = twins.of_span(span.trace_id, span.parent_id, translated.parent_id)
        return translated

    def _is_half(self, span: OtelSpan) -> bool:
        """Keep a span that is the inner half of its parent until that one arrives."""
        if span.scope != livekit.SCOPE or span.name not in livekit.FOLDED or not span.parent_id:
            return False
        if self._builder.ended(span_uuid(span.trace_id, span.parent_id)):
            return False
        key = (span.trace_id, span.parent_id)
        size = held_bytes(span)
        if self._halves.cost_of(key) + size > MOST_HELD:
            return False
        halves = self._halves.get(key)
        if halves is None:
            halves = []
            self._halves.put(key, halves)
        halves.append(span)
        self._halves.grown(key, size)
        return True

    def _completed(self, span: OtelSpan) -> OtelSpan:
        """Return a span with what its inner halves tell; its own attributes count for more."""
        waiting = self._halves.pop((span.trace_id, span.span_id)) or []
        while waiting:
            half = waiting.pop(0)
            span.attributes = {**half.attributes, **span.attributes}
            span.events += half.events
            waiting += self._halves.pop((half.trace_id, half.span_id)) or []
        return span


def _order(span: OtelSpan) -> tuple[int, bool]:
    """Order spans so that parents come before their children, and inner halves before everything."""
    return (0 if span.name in livekit.FOLDED else span.start_ns, bool(span.parent_id))


def _reveal_start(span: OtelSpan) -> None:
    """Make a pending span the span whose start it tells (Logfire's convention)."""
    parent = span.attributes.get(pydantic_ai.PENDING_PARENT)
    span.span_id = span.parent_id or span.span_id
    span.parent_id = parent if isinstance(parent, str) else ""
