"""Ways through a tree that do not depend on which rows are shown: what ended the run, errors and warnings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter

from etaoi_collector.store.failures import failed, origin_of
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace

_ERROR_BELOW = int(SpanFlag.ERROR_BELOW)
_WARNING = int(SpanFlag.WARNING)
_PROBLEM_BELOW = _ERROR_BELOW | int(SpanFlag.WARNING_BELOW)
_PASSED_ON = int(SpanFlag.PASSED_ON)
_ROOTS = 256
"""Roots of a run that are looked at for whether there is a warning below, or the failure that ended it."""

_order = attrgetter("started_at", "number")


def is_origin_of_error(span: Span) -> bool:
    """Whether an error began here: the span failed, and not with the error of something inside it.

    An exception that passes through five levels ends five spans; only the innermost tells where it came from.
    """
    return span.error is not None and not span.flags & _PASSED_ON and span.status is Status.ERROR


def is_problem(span: Span) -> bool:
    """Whether the jump to the next error stops here: at the origin of an error, and at a warning."""
    return bool(span.flags & _WARNING) or is_origin_of_error(span)


def has_problem(trace: Trace) -> bool:
    """Whether the jump to the next error stops anywhere in a run."""
    unread = trace.unread
    return (unread or trace).errors > 0 or any(
        root.flags & _PROBLEM_BELOW or is_problem(root) for root in trace.roots[:_ROOTS]
    )


def failure_that_ended(trace: Trace) -> Span | None:
    """Return where the failure began that ended a run: the innermost span that its root failed with.

    None for a run that did not end with a failure.
    """
    if trace.status is not Status.ERROR:
        return None
    for root in reversed(trace.roots[-_ROOTS:]):
        if failed(root):
            origin = origin_of(root)
            return origin if is_origin_of_error(origin) else None
    return None


class ErrorWalk:
    """The way through the errors of a run: first what ended it, then the others in depth-first order."""

    def __init__(self) -> None:
        self._begun_in = ""
        """Id of the run whose end was shown; a run itself would stay in memory when the store lets it go."""

    def next(self, trace: Trace, after: Span | None) -> Span | None:
        """Return the error behind one of a run, or its first.

        Args:
            trace: The run.
            after: Where the person is; None to begin.
        """
        ended = failure_that_ended(trace)
        if ended is None:
            return next_error(trace, after)
        begun = after is not None and self._begun_in == trace.trace_id
        self._begun_in = trace.trace_id
        if not begun and after is not ended:
            return ended
        target = next_error(trace, None if after is ended else after)
        return next_error(trace, ended) if target is ended else target

    def previous(self, trace: Trace, before: Span | None) -> Span | None:
        """Return the error in front of one of a run, or its last: the same way back."""
        ended = failure_that_ended(trace)
        if ended is None:
            return previous_error(trace, before)
        if before is ended:
            return None
        target = previous_error(trace, before)
        if target is ended:
            target = previous_error(trace, ended)
        return target or ended


def next_error(trace: Trace, after: Span | None) -> Span | None:
    """Return the first origin of an error behind ``after`` in depth-first order, or the first of all."""
    for siblings in _ahead(trace, after):
        for span in siblings:
            failed = _first_error(span)
            if failed is not None:
                return failed
    return None


def previous_error(trace: Trace, anchor: Span | None) -> Span | None:
    """Return the last origin of an error in front of ``anchor`` in depth-first order, or the last of all."""
    if anchor is None:
        siblings = trace.roots
        for at in range(len(siblings) - 1, -1, -1):
            failed = _last_error(siblings[at])
            if failed is not None:
                return failed
        return None
    span: Span | None = anchor
    while span is not None:
        siblings = _siblings(trace, span)
        for at in range(bisect_left(siblings, _order(span), key=_order) - 1, -1, -1):
            failed = _last_error(siblings[at])
            if failed is not None:
                return failed
        span = span.parent
        if span is not None and is_problem(span):
            return span
    return None


def _ahead(trace: Trace, after: Span | None) -> Iterator[Iterator[Span]]:
    """Yield what lies behind a span: its children, its later siblings, its parent's, and so on up."""
    if after is None:
        yield iter(trace.roots)
        return
    yield iter(after.children or ())
    span: Span | None = after
    while span is not None:
        siblings = _siblings(trace, span)
        first = bisect_right(siblings, _order(span), key=_order)
        yield (siblings[at] for at in range(first, len(siblings)))
        span = span.parent


def _siblings(trace: Trace, span: Span) -> list[Span]:
    if span.parent is not None:
        return span.parent.children or []
    return trace.roots if span.trace is trace else span.trace.roots


def _first_error(span: Span) -> Span | None:
    while True:
        if is_problem(span):
            return span
        if not span.flags & _PROBLEM_BELOW:
            return None
        for child in span.children or ():
            if child.flags & _PROBLEM_BELOW or is_problem(child):
                span = child
                break
        else:
            return None


def _last_error(span: Span) -> Span | None:
    while True:
        if span.flags & _PROBLEM_BELOW:
            for child in reversed(span.children or ()):
                if child.flags & _PROBLEM_BELOW or is_problem(child):
                    span = child
                    break
            else:
                return span if is_problem(span) else None
        else:
            return span if is_problem(span) else None
