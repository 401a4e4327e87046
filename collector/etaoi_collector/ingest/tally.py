"""Counts of decoded events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from etaoi_collector.wire.events import Event, Reject, SpanEnd, SpanStart, dropped_before


class Tally:
    """Adds up what decoded events tell, for one thread.

    Attributes:
        by_type: Events by their type.
        rejected: Events that could not be taken.
        dropped: Events that clients say they had to leave out.
    """

    def __init__(self) -> None:
        self.by_type: Counter[type] = Counter()
        self.rejected = 0
        self.dropped = 0

    def add(self, events: Sequence[Event | Reject]) -> None:
        """Count events."""
        self.by_type.update(map(type, events))
        self.rejected += sum(event.count for event in events if type(event) is Reject)
        self.dropped += sum(
            sum(dropped_before(event))
            for event in events
            if (type(event) is SpanStart or type(event) is SpanEnd) and event.metadata.dropped is not None
        )
