"""The hooks of middleware by their names, and how long one took by itself."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

from etaoi_collector.store.model import Span, SpanFlag

WRAP_HOOKS = ("wrap_model_call", "awrap_model_call")
TOOL_HOOKS = ("wrap_tool_call", "awrap_tool_call")
BEFORE_HOOKS = ("before_model", "before_agent", "abefore_model", "abefore_agent")
AFTER_HOOKS = ("after_model", "after_agent", "aafter_model", "aafter_agent")

HOOKS_DEEP = 64
"""Hooks around each other that are followed."""

_PROBE = int(SpanFlag.PROBE)
_DOWN = int(SpanFlag.INTERNAL)

_order = attrgetter("started_at", "number")


def hook_name(span: Span) -> str:
    """Return the hook that a span's name ends with: ``wrap_model_call`` of ``Retry.wrap_model_call``."""
    return span.name.rpartition(".")[2]


def is_hook(span: Span) -> bool:
    """Whether a span is a middleware hook's: our SDK's, or a probe event of the etaoi SDK."""
    return bool(span.flags & _PROBE)


def goes_down(span: Span) -> bool:
    """Whether a probe event was sent on the way down to the call; the store flags those."""
    return bool(span.flags & _DOWN)


def hooks_inside(head: Span) -> list[Span]:
    """Return the hooks nested in one, itself first, from the outermost inwards."""
    hooks: list[Span] = []
    stack = [head]
    while stack and len(hooks) < HOOKS_DEEP:
        span = stack.pop()
        hooks.append(span)
        stack += [child for child in reversed(span.children or ()) if is_hook(child)]
    return hooks


def own_seconds(span: Span, now: float | None = None) -> float | None:
    """Return a span's duration in seconds without the time in which anything inside it ran.

    Args:
        span: The span.
        now: The present, in seconds since the epoch, to measure running spans with; None to leave them out.

    Returns:
        None if the duration is not known.
    """
    end = _end(span, now)
    if end is None:
        return None
    covered = 0.0
    reached = span.started_at
    for child in span.children or ():
        begin = max(child.started_at, reached)
        child_end = _end(child, now)
        stop = min(end if child_end is None else child_end, end)
        if stop > begin:
            covered += stop - begin
            reached = stop
    return max(0.0, end - span.started_at - covered)


def seconds_before(event: Span) -> float | None:
    """Return the seconds between a probe event and what its sender did before: about its hook's own time.

    None for an event that lost its parent: what came before it is not known.
    """
    parent = event.parent
    if parent is None:
        return None
    siblings = parent.children or []
    at = bisect_left(siblings, _order(event), key=_order)
    if at == 0:
        return max(0.0, event.started_at - parent.started_at)
    previous_sibling = siblings[at - 1]
    return max(
        0.0,
        event.started_at
        - (previous_sibling.started_at if previous_sibling.ended_at is None else previous_sibling.ended_at),
    )


def _end(span: Span, now: float | None) -> float | None:
    if now is None:
        return span.ended_at
    length = span.duration(now)
    return None if length is None else span.started_at + length
