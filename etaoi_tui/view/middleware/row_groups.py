"""Which row stands for a middleware hook's span: the outermost hook of its chain stands for all of them.

Our SDK nests a span per hook around the call. The etaoi SDK sends two marks per hook as siblings of the call,
one on its way down and one on its way back; the first mark of such a bracket stands for the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter

from etaoi_collector.store.model import Span, SpanFlag

_PLUMBING = int(SpanFlag.PLUMBING)
_PROBE = int(SpanFlag.PROBE)

_HOOKS_DEEP = 64
"""Hooks around each other that one row stands for; what lies deeper stands for itself."""

_HOOKS_INSIDE = 8
"""Children that a hook's span has at most; spans with more are no hooks."""

MARKS_AROUND = 64
"""Siblings on either side that are looked at for the bracket of a mark."""

_order = attrgetter("started_at", "number")


def head_of(span: Span) -> Span | None:
    """Return the span whose row stands for a hook's: itself, or the outermost hook, or its graph node.

    None for a mark that belongs to no bracket.
    """
    parent = span.parent
    if parent is None:
        return span
    if not parent.marks & _PROBE:
        if parent.name == span.name and parent.kind == span.kind:
            return parent
        members = bracket_of(span)
        return members[0] if members else None if span.marks & _PLUMBING else span
    head = parent
    for _ in range(_HOOKS_DEEP):
        if head.parent is None or not head.parent.marks & _PROBE:
            return head
        head = head.parent
    return span


def is_head_of_several(span: Span) -> bool:
    """Whether a span's row stands for hooks besides its own."""
    if not span.marks & _PROBE:
        return False
    if any(child.marks & _PROBE for child in span.children or ()):
        return head_of(span) is span
    if span.parent is None or not span.marks & _PLUMBING:
        return False
    members = bracket_of(span)
    return bool(members) and members[0] is span and sum(bool(m.marks & _PROBE) for m in members) > 1


def bracket_of(mark: Span) -> list[Span]:
    """Return the marks of the bracket that a mark belongs to, and the calls between them, in order.

    Empty if it belongs to none, or if too many marks stand in a row to be looked through.
    """
    parent = mark.parent
    if parent is None or parent.marks & _PROBE:
        return []
    siblings = parent.children or []
    at = bisect_left(siblings, _order(mark), key=_order)
    first = at
    while first > 0 and _may_belong(siblings[first - 1]):
        first -= 1
        if at - first > MARKS_AROUND:
            return []
    members: list[Span] = []
    waiting: list[str] = []
    for n in range(first, min(len(siblings), at + MARKS_AROUND)):
        span = siblings[n]
        if not _may_belong(span):
            break
        if span.kind == "llm" and not span.marks & _PROBE:
            if waiting:
                members.append(span)
        elif span.marks & _PLUMBING:
            if not waiting:
                if n > at:
                    break
                members = []
            elif span.name in waiting:
                # A hook calls the rest of the chain once more.
                del waiting[waiting.index(span.name) :]
            waiting.append(span.name)
            members.append(span)
        elif span.name in waiting:
            del waiting[waiting.index(span.name) :]
            members.append(span)
    return members if mark in members else []


def head_beside(span: Span) -> Span | None:
    """Return the span whose row tells of a mark, or of a call between marks; None for any other span."""
    if span.marks & _PROBE:
        return head_of(span)
    if span.kind != "llm":
        return None
    mark = next(marks_beside(span), None)
    return head_of(mark) if mark is not None else None


def hooks_near(span: Span) -> Iterator[Span]:
    """Yield the hooks whose row depends on a span: those inside it, and the marks beside it."""
    stack = [span]
    while stack:
        children = stack.pop().children
        if children is None or len(children) > _HOOKS_INSIDE:
            continue
        for child in children:
            if child.marks & _PROBE:
                yield child
                stack.append(child)
    if _may_belong(span):
        yield from marks_beside(span)


def marks_beside(span: Span) -> Iterator[Span]:
    """Yield the marks in a row with a span: what arrives between them may open or close their bracket."""
    parent = span.parent
    if parent is None or parent.marks & _PROBE:
        return
    siblings = parent.children or [span]
    # Most spans come last among their siblings.
    at = len(siblings) - 1 if siblings[-1] is span else bisect_left(siblings, _order(span), key=_order)
    for step in (-1, 1):
        n = at + step
        while 0 <= n < len(siblings) and abs(n - at) <= MARKS_AROUND + 1 and _may_belong(siblings[n]):
            if siblings[n].marks & _PROBE:
                yield siblings[n]
            n += step


def _may_belong(span: Span) -> bool:
    return bool(span.marks & _PROBE) or span.kind == "llm"
