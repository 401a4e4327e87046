"""One step on the way of a request, and how long it took by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from etaoi_collector.store.model import Span
from etaoi_tui.detail.compare.request_diff import RequestDiff
from etaoi_tui.detail.span_data import Map


@dataclass(slots=True)
class Step:
    """One middleware hook on the way, or a part of the way that nobody recorded.

    Attributes:
        label: ``Class.hook``.
        span: Its span; None for a part that was not recorded.
        direction: On the way down to the model, or back up.
        diff: What it changed; None if that is not known.
        own_seconds: Its own time, without what ran inside it; None if it is not known.
        own_is_rough: The time is the distance of two marks, not a measurement of the hook.
        response: What it returned, on the way up.
        notes: What is worth saying about it.
        partial: Its recording does not tell all parts of a request: that nothing else changed is not known.
    """

    label: str
    span: Span | None = None
    direction: str = "down"
    diff: RequestDiff | None = None
    own_seconds: float | None = None
    own_is_rough: bool = False
    response: Map | None = None
    response_changed: bool | None = None
    attempt: int = 0
    attempts: int = 0
    notes: list[str] = field(default_factory=list)
    recorded: bool = True
    partial: bool = False
    hooks_hidden: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether it is known to have changed anything."""
        return bool((self.diff is not None and not self.diff.nothing) or self.response_changed)


def own_time(span: Span, now: float) -> float | None:
    """Return a span's duration in seconds without the time in which anything inside it ran."""
    whole = span.duration(now)
    if whole is None:
        return None
    end = span.started_at + whole
    covered = 0.0
    reached = span.started_at
    for child in span.children or ():
        length = child.duration(now)
        if length is None:
            continue
        begin = max(child.started_at, reached)
        stop = min(child.started_at + length, end)
        if stop > begin:
            covered += stop - begin
            reached = stop
    return max(0.0, whole - covered)
