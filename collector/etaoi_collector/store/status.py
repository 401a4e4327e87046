"""The state of a span and the facts about it, one bit each; and which state an error stands for."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Status(StrEnum):
    """The state of a span, the same words everywhere."""

    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    LOST = "lost"
    INCOMPLETE = "incomplete"


class SpanFlag(IntEnum):
    """Facts about a span, one bit each; `Span.flags` holds their sum.

    Not an ``IntFlag``: its operators cost a microsecond, and the store uses several for every event.
    """

    STARTED = 1
    """Its span_start arrived."""
    ENDED = 2
    """Its span_end arrived."""
    INTERNAL = 4
    """A framework's inner step that a reader folds away (a graph-internal node, a runnable sequence)."""
    ERROR_BELOW = 8
    """Some descendant failed."""
    PARENT_CYCLE = 16
    """Its parents formed a ring, which was cut here."""
    CLOCK_BACKWARDS = 32
    """Its end is stamped before its start."""
    ID_CLASH = 64
    """Another trace uses the same span id."""
    CONFLICT = 128
    """A second start or end said something else than the first; the first is shown."""
    LATE = 256
    """Something arrived for it after it had ended."""
    PROBE = 512
    """A middleware probe: what one hook did to the request."""
    WAITING = 1024
    """It waits for a person; `Span.waits_for` says what for."""
    ANSWERED = 2048
    """It waited for a person, and waits no longer."""
    PASSED_ON = 4096
    """It failed with the error of something inside it, which counts there."""
    SYNTHETIC_END = 8192
    """Its end was made up by its producer; a true end may still come."""
    INFRASTRUCTURE = 16384
    """A piece of the program around an agent: a request, a query, a step of a library."""
    EVENT = 32768
    """Something that happened: a row without a duration."""
    WARNING = 65536
    """An event that the jump to the next error stops at, and that is no failure."""
    RETRIEVER = 1 << 18
    """It searched for documents."""
    CHANGED_STATE = 1 << 20
    """A hook before or after the agent or the model that changed the agent's state."""
    APPROXIMATE_END = 1 << 19
    """It may have ended before the time at which its end was told."""
    WARNING_BELOW = 131072
    """Some descendant is a warning."""


_CANCELLED = (
    "CancelledError", "cancelled", "GeneratorExit", "interrupted", "KeyboardInterrupt", "SystemExit",
    "Cancelled(", "GraphDrained",
)  # fmt: skip
_HANDED_OVER = ("ParentCommand(",)
"""LangGraph's way to give a command to the graph above: the work is done."""
_PAUSED = ("GraphInterrupt", "NodeInterrupt", "GraphBubbleUp")
_UNKNOWN_END = ("span_end_synthesized_on_detach",)
_ENDED_BY_PARENT = ("synthesized_on_turn_close",)


SYNTHETIC_ERRORS = frozenset({*_UNKNOWN_END, *_ENDED_BY_PARENT})
"""Errors by which the etaoi SDK tells an end that it made up."""


def status_of_error(error: str | None) -> Status:
    """Read a span_end's ``error``: nil, a Python ``repr(exc)``, or one of the reference SDK's own words."""
    if error is None:
        return Status.OK
    if error.startswith(_PAUSED):
        return Status.PAUSED
    if error.startswith(_CANCELLED):
        return Status.CANCELLED
    if error in _UNKNOWN_END:
        return Status.LOST
    if error in _ENDED_BY_PARENT or error.startswith(_HANDED_OVER):
        return Status.OK
    return Status.ERROR
