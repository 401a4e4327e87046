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
    last: Span | None = None
    last_ended_at = last_started_at = float("-inf")
    for child in reversed(children[-_LOOKED_AT:]):
        error = child.error
        if error is not None:
            if error == span.error and failed(child):
                return child
            if status_of_error(error) is Status.CANCELLED:  # because another one failed
                continue
        if child.flags & _PROBE:
            continue
        started_at = child.started_at
        ended_at = started_at if child.ended_at is None else child.ended_at
        if ended_at > last_ended_at or (
            ended_at == last_ended_at and last is not None and child.number > last.number
        ):
            last, last_ended_at = child, ended_at
        if started_at > last_started_at:
            last_started_at = started_at
    if last is None or last.ended_at is None or last_started_at > last.ended_at or not failed(last):
        return None
    return last


def origin_of(span: Span) -> Span:
    """Return where the error of a failed span began: itself, or the innermost that passed it on."""
    while span.flags & _PASSED_ON:
        inner = passed_on_by(span)
        if inner is None:
            break
        span = inner
    return span
