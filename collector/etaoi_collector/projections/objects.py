"""Traces and spans as plain objects. The names are stable: scripts lean on them.

Times are ISO 8601 in UTC with a Z, durations are float milliseconds.
"""

from __future__ import annotations

import json
import re
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.cut_json import read_cut_json
from etaoi_collector.conventions.lenient import Map, as_map
from etaoi_collector.pricing.call_costs import cost_of_call
from etaoi_collector.pricing.total import Total, total_of_trace
from etaoi_collector.pricing.totals import SpanTotals, Totals, tree_of
from etaoi_collector.projections.model_calls import (
    answer_object,
    call_notes,
    offered_tools,
    usage_object,
    with_roles,
)
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.projections.span_events import SpanEvents
from etaoi_collector.projections.timestamps import iso
from etaoi_collector.projections.trace_names import is_listed, trace_name
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_collector.wire.limits import MAX_SHOWN_DEPTH

_BLANKS_SEARCHED = 256
_BRACKETS = re.compile(r"[\[\]{}]")

_INPUTS = ("input_messages", "input", "inputs", "arguments")
_OUTPUTS = ("response", "output", "outputs")


def trace_object(trace: Trace) -> Map:
    """Return what ``ls --json`` says of a trace."""
    total = total_of_trace(trace, wait=True)
    below = Total()
    for hung in tree_of(trace)[1:]:
        below.add(total_of_trace(hung, wait=True))
    together = total.without(Total())
    together.add(below)
    return {
        "trace_id": trace.trace_id,
        "session_id": trace.session.session_id,
        "name": trace_name(trace),
        "is_run": is_listed(trace),
        "status": trace.status.value,
        "started_at": iso(trace.started_at),
        "duration_ms": _milliseconds(trace.ended_at - trace.started_at),
        "spans": trace.span_count,
        "events": trace.events,
        "errors": trace.errors,
        "model_calls": trace.model_calls,
        "tool_calls": trace.tool_calls,
        "input_tokens": trace.input_tokens,
        "output_tokens": trace.output_tokens,
        "cache_hit_rate": total.cache_hit_rate,
        "cost_usd": total.cost_usd,
        "cost_is_complete": total.is_complete,
        "totals": _split_object(SpanTotals(total, below, together)) if below else None,
        "waits_for": trace.waits_for,
        "dropped": trace.dropped,
    }


def span_object(span: Span, payloads: PayloadReader, now: float, totals: Totals | None = None) -> Map:
    """Return what ``show --json`` says of a span.

    Args:
        span: A span of which something has arrived.
        payloads: Where its events are read from.
        now: Seconds since the epoch.
        totals: Sums of the span's store; without them `totals` is null.
    """
    data = SpanEvents(span, payloads, now)
    cost = cost_of_call(span, wait=True) if span.kind == "llm" else None
    ended = bool(span.flags & SpanFlag.ENDED)
    started = bool(span.flags & SpanFlag.STARTED)
    status = span.status
    lost = status is Status.LOST
    return {
        "span_id": span.span_id,
        "parent_span_id": span.declared_parent_id,
        "trace_id": span.trace.trace_id,
        "session_id": span.trace.session.session_id,
        "kind": span.kind,
        "name": span.name,
        "status": status.value,
        "started_at": iso(span.started_at) if started else None,
        "ended_at": iso(span.ended_at) if ended else None,
        "last_seen_at": iso(span.last_seen_at) if lost else None,
        "duration_ms": _milliseconds(span.duration(now)) if ended or lost else None,
        "error": span.error,
        "attributes": data.metadata,
        "input": _input(data),
        "output": _output(data, payloads),
        "usage": usage_object(span.usage),
        "model": span.model,
        "requested_model": span.requested_model,
        "finish_reason": span.finish_reason,
        "cost_usd": cost.total if cost is not None else None,
        "cost_is_complete": cost is None or cost.total is not None,
        "totals": totals_object(span, totals),
        "waits_for": span.waits_for,
        "tools": offered_tools(data),
        "agent": span.agent,
        "ttft_ms": _milliseconds(span.ttft),
        "voice_metrics": data.metrics or None,
        "notes": [*_notes(span), *call_notes(data), *data.gaps],
    }


def totals_object(span: Span, totals: Totals | None) -> Map | None:
    """Return what all model calls below a span came to, and those of it itself; None where there are none."""
    if totals is None or not span.children:
        return None
    span_totals = totals.of_span(span)
    return _split_object(span_totals) if span_totals is not None else None


def _split_object(span_totals: SpanTotals) -> Map:
    return {
        "own": total_object(span_totals.own),
        "below": total_object(span_totals.below),
        "together": total_object(span_totals.together),
    }


def total_object(total: Total) -> Map:
    """Return a sum over model calls as a plain object."""
    return {
        "model_calls": total.calls,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cache_hit_rate": total.cache_hit_rate,
        "cost_usd": total.cost_usd,
        "cost_is_complete": total.is_complete,
    }


def _input(data: SpanEvents) -> Any:
    payload = data.start_payload
    if data.span.flags & SpanFlag.PROBE:
        return _probe_input(data)
    for key in _INPUTS:
        if key in payload:
            return with_roles(_parsed(payload[key])) if key == keys.INPUT_MESSAGES else _parsed(payload[key])
    return payload or None


def _output(data: SpanEvents, payloads: PayloadReader) -> Any:
    payload = data.end_payload
    if data.span.flags & SpanFlag.PROBE:
        return _probe_output(data)
    if data.span.kind == "llm":
        return _parsed(answer_object(data, payloads))
    for key in _OUTPUTS:
        if key in payload:
            return _parsed(payload[key])
    return payload or None


def _probe_input(data: SpanEvents) -> Map | None:
    """The request before and after a hook: both in its start, or what it sent down in a delta."""
    request: Map = {key: data.start_payload[key] for key in ("before", "after") if key in data.start_payload}
    for sent in data.delta_payloads:
        if isinstance(sent.get("after"), dict):
            # Only sections that changed are sent; None stands for one that is gone.
            merged = as_map(request.get("before")) | sent["after"]
            request["after"] = {key: value for key, value in merged.items() if value is not None}
    return with_roles(request, 4) or None


def _probe_output(data: SpanEvents) -> Map | None:
    payloads = [data.start_payload, *data.delta_payloads, data.end_payload]
    result = {key: p[key] for p in payloads for key in ("diff", "response") if key in p}
    return with_roles(result, 4) or None


def _parsed(value: Any) -> Any:
    """Read JSON text that holds an object or a list; any other text, cut JSON included, stays as it is."""
    if value == "":
        return None
    if not isinstance(value, str) or value[:_BLANKS_SEARCHED].lstrip()[:1] not in ("{", "["):
        return value
    if value.count("[") + value.count("{") > MAX_SHOWN_DEPTH and _is_deep(value):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    try:
        # Cut off by its producer: what is there of it keeps the type that it had.
        return read_cut_json(value, MAX_SHOWN_DEPTH)
    except (ValueError, RecursionError):
        return value


def _is_deep(text: str) -> bool:
    """Whether JSON text nests deeper than what is read out of a recording; text in quotes counts along."""
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_SHOWN_DEPTH:
            return True
    return False


_MARKS = (
    (SpanFlag.PARENT_CYCLE, "its parents formed a ring, which was cut here"),
    (SpanFlag.APPROXIMATE_END, "it may have ended before: its end was only told together with others'"),
    (SpanFlag.CLOCK_BACKWARDS, "its end is stamped before its start"),
    (SpanFlag.ID_CLASH, "another trace uses the same span id"),
    (SpanFlag.CONFLICT, "a second start or end said something else; the first is shown"),
    (SpanFlag.LATE, "something arrived for it after it had ended"),
)


def _notes(span: Span) -> list[str]:
    return [words for mark, words in _MARKS if span.flags & mark]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
