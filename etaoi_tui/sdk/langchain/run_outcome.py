"""How a run ended: failed, was cancelled, paused, or only left by another door."""

from __future__ import annotations

import asyncio
from typing import Any

_HANDED_OVER = frozenset({"ParentCommand"})
"""LangGraph raises this to give a command to the graph above: the work is done."""
_DRAINED = frozenset({"GraphDrained"})
_MESSAGES_LOOKED_AT = 16


def is_cancellation(error: BaseException) -> bool:
    """Whether a run was stopped from outside, so that runs below it will never report their end."""
    return isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit))


def is_pause(error: BaseException) -> bool:
    """Whether a graph only waits for its user: LangGraph's interrupts."""
    return any(base.__name__ == "GraphInterrupt" for base in type(error).__mro__)


def run_outcome(error: BaseException | None) -> BaseException | str | None:
    """Return what a span's end says as its error.

    None for a hand-over; ``cancelled: ...`` where only the caller stopped listening; the exception itself
    for failures, and for LangGraph's interrupts, which the viewer knows by their name.
    """
    if error is None:
        return None
    name = type(error).__name__
    if name in _HANDED_OVER:
        return None
    if name in _DRAINED or isinstance(error, (KeyboardInterrupt, SystemExit)):
        return f"cancelled: {name}"
    return error


def answers_failure(output: Any) -> bool:
    """Whether what a tool returned says that it failed: a tool message, or a command that carries one."""
    if type(output) is str:
        return False
    fields = getattr(output, "__dict__", None)
    if fields:
        return bool(fields.get("status") == "error" and fields.get("type") == "tool")
    if type(output).__name__ != "Command":
        return False
    update = getattr(output, "update", None)
    messages = update.get("messages") if isinstance(update, dict) else None
    return isinstance(messages, list) and any(map(answers_failure, messages[:_MESSAGES_LOOKED_AT]))
