"""Describes a run for the catalogue, from its trace in a store."""

from __future__ import annotations

from collections.abc import Iterable

from etaoi_collector.conventions.usage import Usage
from etaoi_collector.pricing.run_totals import context_tokens
from etaoi_collector.projections.question import question_of
from etaoi_collector.projections.recorded_content import EventBytes
from etaoi_collector.projections.trace_names import agent_of, is_listed, is_run, trace_name
from etaoi_collector.recording.catalogue.run_row import PRICE_SECONDS, CallTokens, RunRow
from etaoi_collector.recording.catalogue.run_scan import RunScan
from etaoi_collector.store.model import NO_CALL, Span, Trace

LONGEST_QUESTION = 200
"""Characters of a run's question."""


def run_row(trace: Trace, scan: RunScan, reader: EventBytes) -> RunRow:
    """Describe a run.

    Args:
        trace: The run.
        scan: What was gathered from its spans.
        reader: Reads what it was asked.
    """
    if not scan.question:
        scan.question = " ".join(question_of(trace, reader).split())[:LONGEST_QUESTION]
    names, calls = _calls(trace.calls)
    return RunRow(
        trace_id=trace.trace_id,
        session_id=trace.session.session_id,
        number=trace.number,
        name=trace_name(trace),
        question=scan.question,
        agent=agent_of(trace),
        status=trace.status.value,
        started_at=trace.started_at,
        ended_at=trace.ended_at,
        spans=trace.span_count,
        events=trace.events,
        errors=trace.errors,
        model_calls=trace.model_calls,
        tool_calls=trace.tool_calls,
        input_tokens=trace.input_tokens,
        output_tokens=trace.output_tokens,
        dropped=trace.dropped,
        waits_for=trace.waits_for,
        has_waits=bool(trace.waits or trace.resumed),
        left_at=trace.session.left_at,
        thread=trace.thread,
        user_id=trace.session.user_id,
        is_run=is_run(trace),
        is_listed=is_listed(trace),
        only_infrastructure=trace.only_infrastructure,
        context_tokens=context_tokens(trace) or 0,
        model_names=names,
        calls=calls,
        agents=list(scan.agents),
        tools=list(scan.tools),
        models=list(scan.models),
        error_texts=list(scan.errors),
        other_names=list(scan.names),
        extents=scan.extents(),
    )


def _calls(spans: Iterable[Span]) -> tuple[list[tuple[str, str, str]], list[CallTokens]]:
    """Count calls of which all is the same; those that nobody paid for are left out."""
    names: dict[tuple[str, str, str], int] = {}
    counts: dict[tuple[int, int, Usage], int] = {}
    for span in spans:
        usage, call = span.usage, span.call or NO_CALL
        if usage is None or usage.from_cache or call.wraps:
            continue
        name = (span.model or "", call.requested_model or "", call.provider or "")
        index = names.setdefault(name, len(names))
        key = (index, int(span.started_at // PRICE_SECONDS) * PRICE_SECONDS, usage)
        counts[key] = counts.get(key, 0) + 1
    call_tokens = [
        CallTokens(model, at, count, _tokens(usage)) for (model, at, usage), count in counts.items()
    ]
    return list(names), call_tokens


def _tokens(usage: Usage) -> list[int | str | bool | None]:
    values = [getattr(usage, field) for field in usage.__struct_fields__]
    while values and not values[-1]:
        values.pop()
    return values
