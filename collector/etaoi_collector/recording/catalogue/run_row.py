"""What the catalogue keeps of a run: what a list shows, what a search asks first, and where it lies."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from etaoi_collector.conventions.usage import Usage
from etaoi_collector.projections.question import question_of
from etaoi_collector.projections.recorded_content import EventBytes
from etaoi_collector.projections.trace_names import agent_of, is_listed, is_run, trace_name
from etaoi_collector.recording.catalogue.run_scan import RunScan
from etaoi_collector.store.model import NO_CALL, Span, Trace

LONGEST_QUESTION = 200
"""Characters of a run's question."""

PRICE_SECONDS = 900
"""Calls that began within the same so many seconds are priced alike."""

Extent = tuple[int, int, int]
"""A segment's number, the offset of a record in it, and the offset at which reading ends: records that begin
at it or behind it are not meant."""


class CallTokens(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Model calls that used the same tokens of the same model at about the same time."""

    model: int
    """Index of `RunRow.model_names`."""
    at: int
    """When they began, in seconds since the epoch, rounded down to `PRICE_SECONDS`."""
    count: int
    """How many they are."""
    tokens: list[int | str | bool | None]
    """The fields of `Usage`, without those at the end that say nothing."""

    @property
    def usage(self) -> Usage:
        """What each of them used."""
        return Usage(*self.tokens)  # type: ignore[arg-type]


class RunRow(msgspec.Struct, array_like=True, gc=False):
    """A run. Times are seconds since the epoch."""

    trace_id: str
    session_id: str
    number: int
    """Order of arrival in its recording."""
    name: str
    question: str
    """What it was asked, in one line; empty if nothing tells."""
    agent: str
    status: str
    started_at: float
    ended_at: float
    spans: int
    events: int
    errors: int
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    dropped: int
    waits_for: str | None
    thread: str | None
    user_id: str | None
    is_run: bool
    """False for what is shown with another run, see `trace_names.is_run`."""
    is_listed: bool
    """False for what is no part of a run that can be asked for, see `trace_names.is_listed`."""
    model_names: list[tuple[str, str, str]]
    """Model that answered, model that was asked, and provider, of `calls`."""
    calls: list[CallTokens]
    """What was asked and paid."""
    agents: list[str]
    tools: list[str]
    models: list[str]
    error_texts: list[str]
    other_names: list[str]
    """Names of the other spans; like the lists before it bounded, and so no proof that there are no more."""
    extents: list[Extent]
    """Where its events lie."""

    @property
    def tokens_by_model(self) -> dict[str, tuple[int, int]]:
        """Input and output tokens of the calls that were paid, by the model that answered."""
        sums: dict[str, tuple[int, int]] = {}
        for call in self.calls:
            usage = call.usage
            name = self.model_names[call.model][0]
            before = sums.get(name, (0, 0))
            sums[name] = (
                before[0] + call.count * (usage.input_tokens or 0),
                before[1] + call.count * (usage.output_tokens or 0),
            )
        return sums


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
        spans=trace.spans,
        events=trace.events,
        errors=trace.errors,
        model_calls=trace.model_calls,
        tool_calls=trace.tool_calls,
        input_tokens=trace.input_tokens,
        output_tokens=trace.output_tokens,
        dropped=trace.dropped,
        waits_for=trace.waits_for,
        thread=trace.thread,
        user_id=trace.session.user_id,
        is_run=is_run(trace),
        is_listed=is_listed(trace),
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
    told = [CallTokens(model, at, count, _tokens(usage)) for (model, at, usage), count in counts.items()]
    return list(names), told


def _tokens(usage: Usage) -> list[int | str | bool | None]:
    values = [getattr(usage, field) for field in usage.__struct_fields__]
    while values and not values[-1]:
        values.pop()
    return values
