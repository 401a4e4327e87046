"""What a row says of a run that waits, that waited, that goes on with one, or whose agent is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from etaoi_collector.conventions.waits import answer_in_words
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_tui.view.format import clock

_WAITED = int(SpanFlag.WAITING) | int(SpanFlag.ANSWERED)
_JSON_READ = 200_000

ReadInputs = Callable[[Span], str | None]
"""Reads the inputs of a run as they were recorded: JSON text, or other text."""


def wait_words(span: Span, read: ReadInputs) -> str:
    """Return ``waits for: QUESTION``, or ``waited for: QUESTION → ANSWER``; empty for all other spans."""
    wait = span.wait if span.flags & _WAITED else None
    if wait is None:
        return ""
    if span.flags & SpanFlag.WAITING:
        return f"waits for: {wait.text}"
    answer = answer_words(read(wait.answer)) if wait.answer is not None else ""
    return f"waited for: {wait.text}" + (f" → {answer}" if answer else "")


def away_words(span: Span) -> str:
    """Return what a row says of an open span whose client is away; empty for all other spans."""
    if span.flags & SpanFlag.ENDED:
        return ""
    if span.reconnecting:
        return "reconnecting"
    if span.status is Status.LOST and (last := span.last_seen_at) is not None:
        return f"agent gone at {clock(last)}"
    return ""


def trace_wait_words(trace: Trace) -> str:
    """Return ``waits for: QUESTION`` for a trace that is paused; else nothing."""
    waits_for = trace.waits_for
    return f"waits for: {waits_for}" if waits_for else ""


def answer_words(inputs: str | None) -> str:
    """Return what a run was resumed with, in one line; empty when its inputs are no such thing."""
    command = resume_command(inputs)
    return answer_in_words(command.get("resume")) if command is not None else ""


def resume_command(inputs: str | None) -> dict[str, Any] | None:
    """Return the command in a run's inputs that goes on with a run that waited; None if they hold none."""
    if not inputs or len(inputs) > _JSON_READ or '"resume"' not in inputs:
        return None
    try:
        value = msgspec.json.decode(inputs)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if (
        isinstance(value, dict)
        and value.get("resume") is not None
        and "Command" in str(value.get("__type__", "Command"))
    ):
        return value
    return None
