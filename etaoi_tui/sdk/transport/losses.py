"""What was dropped: counted by what it was, and booked on its trace until an event of that trace tells it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import msgspec

from etaoi_collector.wire.encode import DROPPED_KEY, add_metadata
from etaoi_tui.sdk.stats import Stats

_TRACES = 1_024


class Losses(msgspec.Struct):
    """Counts of dropped events. Whoever shares one between threads guards it."""

    text: int = 0
    deltas: int = 0
    spans: int = 0
    """Starts and ends."""
    payloads: int = 0
    """Payloads that were left out of events that did arrive."""
    by_trace: dict[Hashable, int] = {}
    """Events by the trace that they belong to; None for those of no trace, or of too many."""

    def __bool__(self) -> bool:
        return bool(self.by_trace or self.payloads)

    @property
    def events(self) -> int:
        """Events that will never arrive."""
        return self.text + self.deltas + self.spans

    def add(self, what: str, trace: Hashable, count: int = 1) -> None:
        """Count dropped ``text``, ``deltas`` or ``spans``."""
        setattr(self, what, getattr(self, what) + count)
        book(self.by_trace, trace, count)

    def count_in(self, stats: Stats) -> None:
        """Add the counts to a process's."""
        stats.dropped_text += self.text
        stats.dropped_deltas += self.deltas
        stats.dropped_spans += self.spans
        stats.dropped_payloads += self.payloads


def book(by_trace: dict[Hashable, int], trace: Hashable, count: int) -> None:
    """Add to the count of a trace; a bounded number of traces is told apart."""
    if trace not in by_trace and len(by_trace) >= _TRACES:
        trace = None
    by_trace[trace] = by_trace.get(trace, 0) + count


def tell_dropped(
    by_trace: dict[Hashable, int], entries: Iterable[Any], unfinished: set[Hashable] | None
) -> None:
    """Let starts and ends that leave now tell what was dropped of their traces.

    Args:
        by_trace: dropped events by trace; what is told here is taken out.
        entries: encoded events, in order.
        unfinished: traces of which more is to come. What was dropped of all others is told by the last of
            these starts and ends: nothing of those traces will arrive any more. None when it is too early.
    """
    tellers = [entry for entry in entries if entry.is_start or entry.is_end]
    counts: dict[int, int] = {}
    for index, entry in enumerate(tellers):
        if by_trace.get(entry.span.trace_id, 0) > 0:
            counts[index] = by_trace.pop(entry.span.trace_id)
    elsewhere = 0
    if tellers and unfinished is not None:
        for trace in [trace for trace in by_trace if trace not in unfinished]:
            elsewhere += by_trace.pop(trace)
    if elsewhere > 0:
        counts.setdefault(len(tellers) - 1, 0)
    for index, count in counts.items():
        entry = tellers[index]
        more = f"+{elsewhere}" if elsewhere > 0 and index == len(tellers) - 1 else ""
        entry.metadata = add_metadata(entry.metadata, {DROPPED_KEY: f"{count}{more}"})
