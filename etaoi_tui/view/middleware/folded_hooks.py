"""Which hooks have no row of their own: those around one call that only passed it on, whatever they changed.

The call's row stands for them, with their effect at its end. A chain keeps its row where a row tells more: it
called the model more than once or not at all, did something else besides, took time of its own, waited or
failed.
"""

from __future__ import annotations

from collections.abc import Iterator

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.middleware.hooks import HOOKS_DEEP, goes_down, is_hook
from etaoi_tui.view.middleware.pairing import ProbePair, bracket_of
from etaoi_tui.view.middleware.row_groups import events_beside, head_of
from etaoi_tui.view.noise import NOISE_SECONDS

_CALLS = frozenset({"llm", "tool"})

_TELLING = SpanFlag.WAITING | SpanFlag.ANSWERED | SpanFlag.WARNING


def call_shown_for(head: Span) -> Span | None:
    """Return the call whose row stands for a chain of hooks.

    Args:
        head: The outermost hook, or the first probe event of a bracket.

    Returns:
        None where the chain has a row of its own.
    """
    if not is_hook(head):
        return None
    bracket = bracket_of(head)
    if not bracket.spans:
        return None if head.parent is not None and goes_down(head) else _call_inside(head)
    calls = bracket.calls
    if len(calls) != 1 or bracket.spans[0] is not head or any(map(_adds_information, bracket.spans)):
        return None
    pairs = bracket.pairing.chains[calls[0].number]
    seconds = [pair.own_seconds() for pair in pairs] if calls[0].ended_at is not None else []
    return calls[0] if _quick(seconds) else None


def hooks_shown_by(call: Span) -> Span | None:
    """Return the outermost of the hooks that a call's row stands for; None if there are none."""
    for hook in _next_to(call):
        head = head_of(hook)
        return head if head is not None and call_shown_for(head) is call else None
    return None


def heads_near(span: Span) -> Iterator[Span]:
    """Yield the outermost hooks whose row may come or go with a change of a span."""
    if is_hook(span):
        head = head_of(span)
        if head is not None and is_hook(head):
            yield head
    elif span.parent is not None and is_hook(span.parent):
        yield from heads_near(span.parent)


def _next_to(call: Span) -> Iterator[Span]:
    if call.kind in _CALLS and call.parent is not None:
        if is_hook(call.parent):
            yield call.parent
        elif call.kind == "llm":
            yield from events_beside(call)


def _call_inside(head: Span) -> Span | None:
    """Return the call inside nested hooks, if each of them has the next one inside and nothing else."""
    hooks: list[Span] = []
    span = head
    while is_hook(span) and len(hooks) < HOOKS_DEEP:
        hooks.append(span)
        if span.children is None or len(span.children) != 1:
            return None
        span = span.children[0]
    if span.kind not in _CALLS or any(map(_adds_information, hooks)):
        return None
    seconds = [ProbePair(hook, hook, True).own_seconds() for hook in hooks if hook.flags & SpanFlag.ENDED]
    return span if _quick(seconds) else None


def _adds_information(hook: Span) -> bool:
    """Whether a hook says something that its call does not."""
    if not is_hook(hook):
        return False
    failed = hook.error is not None and not hook.flags & SpanFlag.ERROR_BELOW
    return failed or bool(hook.flags & _TELLING)


def _quick(seconds: list[float | None]) -> bool:
    """Whether hooks took no more time by themselves than steps that are noise; unknown times do not count."""
    measured = [one for one in seconds if one is not None]
    return sum(measured) <= NOISE_SECONDS * len(measured)
