"""Errors by cause: which failure an error came from. One failure counts once, however many spans it ends."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag, Status, status_of_error

_PROBE = int(SpanFlag.PROBE)
_PASSED_ON = int(SpanFlag.PASSED_ON)
_LOOKED_AT = 256
"""Newest children of a failed span that are looked at."""


def failed(span: Span) -> bool:
    """Whether a span ended with an error of any kind that counts as a failure."""
    return span.error is not None and status_of_error(span.error) is Status.ERROR


def passed_on_by(span: Span) -> Span | None:
    """Return the child whose failure is the error of this failed span; None when the error began here.

    It is the newest that failed with the same error, else the last thing that happened in the span, if that
    failed: what came after a failure shows that it was handled.
    """
    children = span.children
    if children is None or span.error is None:
        return None
    newest = children[-_LOOKED_AT:]
    for child in reversed(newest):
        if child.error == span.error and failed(child):
            return child
    counting = [child for child in newest if not _tells_nothing(child)]
    if not counting:
        return None
    last = max(counting, key=_ended_at)
    if not failed(last) or last.ended_at is None:
        return None
    ended_at = last.ended_at
    return None if any(child.started_at > ended_at for child in counting) else last


def origin_of(span: Span) -> Span:
    """Return where the error of a failed span began: itself, or the innermost that passed it on."""
    while span.marks & _PASSED_ON:
        inner = passed_on_by(span)
        if inner is None:
            break
        span = inner
    return span


def _tells_nothing(span: Span) -> bool:
    """Whether a child says nothing of what went on: a probe, or what was cancelled because another failed."""
    if span.marks & _PROBE:
        return True
    return span.error is not None and status_of_error(span.error) is Status.CANCELLED


def _ended_at(span: Span) -> tuple[float, int]:
    return (span.ended_at if span.ended_at is not None else span.started_at, span.number)
