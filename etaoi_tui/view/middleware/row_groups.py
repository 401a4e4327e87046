"""Which row stands for a middleware hook's span: the outermost hook of its chain stands for all of them.

Of the etaoi SDK's probe events beside a call, the first of a bracket stands for the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.middleware.hooks import HOOKS_DEEP, is_hook
from etaoi_tui.view.middleware.pairing import EVENTS_AROUND, bracket_of, may_belong

_INTERNAL = int(SpanFlag.INTERNAL)
_PROBE = int(SpanFlag.PROBE)

_HOOKS_INSIDE = 8
"""Children that a hook's span has at most; spans with more are no hooks."""

_order = attrgetter("started_at", "number")


def head_of(span: Span) -> Span | None:
    """Return the span whose row stands for a hook's: itself, or the outermost hook, or its graph node.

    None for a probe event that belongs to no bracket.
    """
    parent = span.parent
    if parent is None:
        return span
    if not parent.flags & _PROBE:
        if parent.name == span.name and parent.kind == span.kind:
            return parent
        events = bracket_of(span).spans
        return events[0] if events else None if span.flags & _INTERNAL else span
    head = parent
    for _ in range(HOOKS_DEEP):
        if head.parent is None or not head.parent.flags & _PROBE:
            return head
        head = head.parent
    return span


def is_head_of_several(span: Span) -> bool:
    """Whether a span's row stands for hooks besides its own."""
    if not span.flags & _PROBE:
        return False
    if any(child.flags & _PROBE for child in span.children or ()):
        return head_of(span) is span
    if span.parent is None or not span.flags & _INTERNAL:
        return False
    events = bracket_of(span).spans
    return bool(events) and events[0] is span and sum(map(is_hook, events)) > 1


def head_beside(span: Span) -> Span | None:
    """Return the span whose row stands for a probe event, or for a call between two; None for any other."""
    if span.flags & _PROBE:
        return head_of(span)
    if span.kind != "llm":
        return None
    event = next(events_beside(span), None)
    return head_of(event) if event is not None else None


def hooks_near(span: Span) -> Iterator[Span]:
    """Yield the hooks whose row depends on a span: those inside it, and the probe events beside it."""
    stack = [span]
    while stack:
        children = stack.pop().children
        if children is None or len(children) > _HOOKS_INSIDE:
            continue
        for child in children:
            if child.flags & _PROBE:
                yield child
                stack.append(child)
    if may_belong(span):
        yield from events_beside(span)


def events_beside(span: Span) -> Iterator[Span]:
    """Yield the probe events in a row with a span: what arrives between may open or close their bracket."""
    parent = span.parent
    if parent is None or parent.flags & _PROBE:
        return
    siblings = parent.children or [span]
    # Most spans come last among their siblings.
    at = len(siblings) - 1 if siblings[-1] is span else bisect_left(siblings, _order(span), key=_order)
    for step in (-1, 1):
        n = at + step
        while 0 <= n < len(siblings) and abs(n - at) <= EVENTS_AROUND + 1 and may_belong(siblings[n]):
            if siblings[n].flags & _PROBE:
                yield siblings[n]
            n += step
