"""Ways through a run from span to span of one kind, in the tree's order, whichever rows are folded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from operator import attrgetter

from etaoi_collector.store.model import Span, Trace

SPANS_WALKED = 100_000
"""Spans that one motion passes at most."""

_order = attrgetter("started_at", "number")


def next_span(trace: Trace, after: Span | None, wanted: Callable[[Span], bool]) -> Span | None:
    """Return the first span below another in the tree that is wanted; of all, for None."""
    return next(filter(wanted, islice(_below(trace, after), SPANS_WALKED)), None)


def previous_span(trace: Trace, anchor: Span | None, wanted: Callable[[Span], bool]) -> Span | None:
    """Return the last span above another in the tree that is wanted; of all, for None."""
    return next(filter(wanted, islice(_above(trace, anchor), SPANS_WALKED)), None)


def _below(trace: Trace, after: Span | None) -> Iterator[Span]:
    if after is None:
        yield from _with_descendants(trace.roots)
        return
    yield from _with_descendants(after.children or [])
    span: Span | None = after
    while span is not None:
        siblings = _siblings(trace, span)
        for at in range(bisect_right(siblings, _order(span), key=_order), len(siblings)):
            yield from _with_descendants([siblings[at]])
        span = span.parent


def _above(trace: Trace, anchor: Span | None) -> Iterator[Span]:
    if anchor is None:
        yield from _with_descendants_reversed(trace.roots)
        return
    span: Span | None = anchor
    while span is not None:
        siblings = _siblings(trace, span)
        for at in range(bisect_left(siblings, _order(span), key=_order) - 1, -1, -1):
            yield from _with_descendants_reversed([siblings[at]])
        span = span.parent
        if span is not None:
            yield span


def _with_descendants(spans: list[Span]) -> Iterator[Span]:
    """Yield spans with all that is below them, in the tree's order."""
    stack = list(reversed(spans))
    while stack:
        span = stack.pop()
        yield span
        if span.children:
            stack.extend(reversed(span.children))


def _with_descendants_reversed(spans: list[Span]) -> Iterator[Span]:
    """Yield spans with all that is below them, the tree's last first."""
    stack = [(span, False) for span in spans]
    while stack:
        span, entered = stack.pop()
        if entered or not span.children:
            yield span
        else:
            stack.append((span, True))
            stack.extend((child, False) for child in span.children)


def _siblings(trace: Trace, span: Span) -> list[Span]:
    if span.parent is not None:
        return span.parent.children or []
    return trace.roots if span.trace is trace else span.trace.roots
