"""How a run ended: failed, was cancelled, paused, or only left by another door."""

from __future__ import annotations

import asyncio

_HANDED_OVER = frozenset({"ParentCommand"})
"""LangGraph raises this to give a command to the graph above: the work is done."""
_DRAINED = frozenset({"GraphDrained"})


def is_cancellation(error: BaseException) -> bool:
    """Whether a run was stopped from outside, so that runs below it will never report their end."""
    return isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit))


def is_pause(error: BaseException) -> bool:
    """Whether a graph only waits for its user: LangGraph's interrupts."""
    return any(base.__name__ == "GraphInterrupt" for base in type(error).__mro__)


def how_it_ended(error: BaseException | None) -> BaseException | str | None:
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
