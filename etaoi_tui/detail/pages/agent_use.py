"""What an agent did with what it is made of: tools that were used, nodes that ran, middleware's time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from etaoi_collector.pricing.total import Total, total_of_call
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_tui.view.middleware.hooks import own_seconds

SPANS_WALKED = 30_000
"""Spans of the newest traces that are counted; with more the page says so."""

_PROBE = int(SpanFlag.PROBE)


@dataclass(slots=True)
class Use:
    """How often something ran, how often it failed, and how long it took."""

    calls: int = 0
    failed: int = 0
    running: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    newest: Span | None = None
    total: Total = field(default_factory=Total)
    """Of models, what the calls took in tokens and dollars."""

    def add(self, span: Span, seconds: float | None) -> None:
        """Count one more run."""
        self.calls += 1
        self.failed += span.status is Status.ERROR
        self.running += span.status is Status.RUNNING
        if seconds is not None:
            self.seconds += seconds
            self.slowest = max(self.slowest, seconds)
        self.newest = span


@dataclass(slots=True)
class AgentUse:
    """Everything that an agent did."""

    tools: dict[str, Use] = field(default_factory=dict)
    nodes: dict[str, Use] = field(default_factory=dict)
    middleware: dict[str, Use] = field(default_factory=dict)
    models: dict[str, Use] = field(default_factory=dict)
    runs: int = 0
    complete: bool = True


def use_of(snapshot: Span, name: str, now: float) -> AgentUse:
    """Count what the agent of a snapshot did.

    Args:
        snapshot: The agent's snapshot.
        name: The agent's name; empty if it has none.
        now: The present, in seconds since the epoch.
    """
    use = AgentUse()
    spans_read = 0
    for trace in _traces_of(snapshot):
        for span in reversed(trace.spans):
            spans_read += 1
            if spans_read > SPANS_WALKED:
                use.complete = False
                return use
            if name and span.agent and span.agent != name:
                continue
            _count(use, span, now)
    return use


def _traces_of(snapshot: Span) -> Iterator[Trace]:
    yield from reversed(snapshot.trace.session.agents.runs.get(snapshot.span_id, ()))


def _count(use: AgentUse, span: Span, now: float) -> None:
    seconds = span.duration(now)
    if span.kind == "tool":
        use.tools.setdefault(span.name, Use()).add(span, seconds)
    elif span.kind == "llm":
        model = use.models.setdefault(span.model or span.name, Use())
        model.add(span, seconds)
        model.total.add(total_of_call(span))
    elif span.kind == "sub_agent":
        use.runs += 1
    elif span.kind == "middleware":
        if span.flags & _PROBE:
            label = span.name.rpartition(".")[0] or span.name
            own = own_seconds(span) if span.ended_at is not None else None
            use.middleware.setdefault(label, Use()).add(span, own)
        else:
            use.nodes.setdefault(span.name, Use()).add(span, seconds)
