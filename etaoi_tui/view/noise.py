"""Which steps of a run tell a reader nothing by themselves: too short to matter, or around one thing only.

The rows that they would have are folded away until somebody asks for everything. What failed, waited for a
person, changed an agent's state, searched documents or happened as an event is never noise, nor is a call of
a model or a tool.
"""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag

NOISE_SECONDS = 0.005
"""Steps that took no longer are noise: in real programs a quarter to two thirds of all rows."""

SAME_MOMENT = 0.005
"""Seconds that start and end of a wrapper may differ from what it wraps."""

_NOISY_KINDS = frozenset({"middleware", "agent_context"})
_WORK_KINDS = frozenset({"llm", "tool", "sub_agent"})
_FEW = 8
"""Children of a span that only wraps one: more are not looked through."""
_DEEP = 8
"""Wrappers inside one another that are looked through."""

_STARTED_AND_ENDED = SpanFlag.STARTED | SpanFlag.ENDED
_TELLING = (
    SpanFlag.WAITING
    | SpanFlag.ANSWERED
    | SpanFlag.EVENT
    | SpanFlag.WARNING
    | SpanFlag.RETRIEVER
    | SpanFlag.PROBE
    | SpanFlag.INFRASTRUCTURE
)
_ERROR_BELOW = int(SpanFlag.ERROR_BELOW)
_CHANGED_STATE = int(SpanFlag.CHANGED_STATE)


def is_noise(span: Span) -> bool:
    """Whether a span, not a root, is a short step, a wrapper of one call, or the only step in a step."""
    if not _is_quiet_step(span):
        return False
    if _seconds(span) <= NOISE_SECONDS:
        return True
    parent = span.parent
    if parent is not None and _is_quiet_step(parent) and _only_inside(parent) is span:
        return True
    return wrapped_call(span) is not None


def wrapped_call(step: Span) -> Span | None:
    """Return the call or agent that is all there is in a step, or in the steps inside it; else None."""
    inside = _only_inside(step) if step.children is not None and _is_quiet_step(step) else None
    for _ in range(_DEEP):
        if inside is None or inside.kind in _WORK_KINDS:
            return inside
        inside = _only_inside(inside)
    return None


def wrapper_name(call: Span) -> str:
    """Return the name of the outermost folded step around a call, where it says more than the call's own."""
    name = ""
    step = call.parent
    for _ in range(_DEEP):
        if step is None or step.parent is None or wrapped_call(step) is not call:
            break
        if not step.flags & SpanFlag.INTERNAL:
            name = step.name
        step = step.parent
    return name if name != call.name else ""


def may_change(span: Span) -> list[Span]:
    """Return the spans whose being noise may have changed with a change of a span."""
    around = [span]
    if span.parent is not None:
        around.append(span.parent)
        around += _steps_above(span.parent)
        around += _few(span.parent)
    around += _few(span)
    return [one for one in around if one.kind in _NOISY_KINDS]


def _few(span: Span) -> list[Span]:
    """Return the children of a span that wraps one thing, or did until the newest child came."""
    children = span.children
    return children if children is not None and len(children) <= _FEW + 1 else []


def _steps_above(span: Span) -> list[Span]:
    steps = []
    step = span.parent
    for _ in range(_DEEP):
        if step is None or step.kind not in _NOISY_KINDS:
            break
        steps.append(step)
        step = step.parent
    return steps


def _is_quiet_step(span: Span) -> bool:
    marks = span.flags
    return (
        span.kind in _NOISY_KINDS
        and span.parent is not None
        and marks & _STARTED_AND_ENDED == _STARTED_AND_ENDED
        and not marks & _TELLING
        and (span.error is None or bool(marks & _ERROR_BELOW))
        and not changed_state(span)
    )


def changed_state(span: Span) -> bool:
    """Whether a hook, or the hook that a graph's node runs, changed the agent's state: its row tells what."""
    children = span.children
    if children is None:
        return bool(span.flags & _CHANGED_STATE)
    return any(child.flags & _CHANGED_STATE for child in children[:_FEW])


def _only_inside(step: Span) -> Span | None:
    """Return the only child of a step besides short ones, if it lasts from its start to its end."""
    children = step.children
    if children is None or len(children) > _FEW or step.ended_at is None:
        return None
    only_child = None
    for child in children:
        if not (_is_quiet_step(child) and _seconds(child) <= NOISE_SECONDS):
            if only_child is not None:
                return None
            only_child = child
    if only_child is None or only_child.ended_at is None or only_child.flags & SpanFlag.PROBE:
        return None
    same = (
        only_child.started_at - step.started_at <= SAME_MOMENT
        and step.ended_at - only_child.ended_at <= SAME_MOMENT
    )
    return only_child if same else None


def _seconds(span: Span) -> float:
    return 0.0 if span.ended_at is None else span.ended_at - span.started_at
