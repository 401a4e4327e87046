"""What traces are called, wherever they are listed."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag, Trace

LOOKED_AT = 64
"""Roots of a trace, and newest traces, that are looked at: both lists may be long."""

_LOOKED_INTO = 1_000
"""Spans of infrastructure that are looked through for what lies within."""

_PROBE = int(SpanFlag.PROBE)
_INFRASTRUCTURE = int(SpanFlag.INFRASTRUCTURE)


def is_stray(trace: Trace) -> bool:
    """Whether a trace is nothing but marks that middleware left beside a call, none of which knows its call.

    The `etaoi` SDK loses the parent of every mark of an asynchronous hook.
    """
    return (
        bool(trace.roots)
        and not trace.only_context
        and len(trace.roots) == len(trace.spans)
        and all(root.flags & _PROBE for root in trace.roots[:LOOKED_AT])
    )


def is_run(trace: Trace) -> bool:
    """Whether a trace stands for itself wherever runs are listed or counted.

    Snapshots of agents, stray marks, and traces whose spans all hang in another one's tree (the turns of a
    voice call) are shown with the run that they belong to.
    """
    if (unread := trace.unread) is not None:
        return unread.is_run
    return bool(trace.roots) and is_listed(trace)


def is_listed(trace: Trace) -> bool:
    """Whether a trace is a run, or a part of one that can be asked for by its id."""
    if (unread := trace.unread) is not None:
        return unread.is_listed
    return not trace.only_context and not is_stray(trace)


def heads(trace: Trace) -> list[Span]:
    """Return what a trace begins with for a reader: its roots, without infrastructure around them."""
    spans: list[Span] = []
    waiting = list(reversed(trace.roots[:LOOKED_AT]))
    for _ in range(_LOOKED_INTO):
        if not waiting or len(spans) >= LOOKED_AT:
            break
        span = waiting.pop()
        if span.flags & _INFRASTRUCTURE and span.is_folded_away:
            waiting.extend(reversed(span.children or ()))
        else:
            spans.append(span)
    return spans or trace.roots[:LOOKED_AT]


def title(trace: Trace) -> str:
    """Return what a trace is called: its first root that has a name."""
    if (unread := trace.unread) is not None and unread.name:
        return unread.name
    if is_stray(trace):
        return "1 stray mark" if len(trace.roots) == 1 else f"{len(trace.roots):,} stray marks"
    for root in heads(trace)[:8]:
        if root.name and root.kind != "agent_context":
            return root.name
    for member in trace.spans[:8]:
        if member.agent:
            return member.agent
    return trace.trace_id[:8]


def trace_name(trace: Trace) -> str:
    """Return what a trace is called; one whose spans all hang in another trace's tree by its first span."""
    first = trace.spans[0] if trace.spans and not trace.roots else None
    return first.name if first is not None and first.name else title(trace)


def agent_of(trace: Trace) -> str:
    """Return the agent that a trace is a run of; empty if nothing tells."""
    if (unread := trace.unread) is not None:
        return unread.agent
    for head in heads(trace)[:8]:
        if head.agent:
            return head.agent
        if head.kind in ("sub_agent", "voice_agent") and head.name:
            return head.name
    return ""
