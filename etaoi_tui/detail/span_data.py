"""What is known of one span, for its viewers: its events and what the reader chose to see."""

from __future__ import annotations

from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.projections.span_events import (
    DELTAS_LISTED,
    Map,
    SpanEvents,
    as_count,
    as_list,
    as_map,
    as_number,
    as_text,
    payload_fields,
    seconds,
)
from etaoi_collector.store.model import Span
from etaoi_tui.detail.view_options import ViewOptions

__all__ = [
    "DELTAS_LISTED",
    "Map",
    "SpanData",
    "as_count",
    "as_list",
    "as_map",
    "as_number",
    "as_text",
    "payload_fields",
    "seconds",
]


class SpanData(SpanEvents):
    """One span and its events.

    Args:
        span: The span to describe.
        payloads: Where its events come from.
        now: The time to measure running spans with, in seconds since the epoch.
        reading: The reader's choices.
    """

    def __init__(
        self, span: Span, payloads: PayloadReader, now: float, reading: ViewOptions | None = None
    ) -> None:
        super().__init__(span, payloads, now)
        self.reading = reading or ViewOptions()

    def of(self, span: Span) -> SpanData:
        """Return the evidence of a related span."""
        return SpanData(span, self._payloads, self.now, self.reading)

    def find_snapshot(self, span_id: str) -> Span | None:
        """Return the agent snapshot with this id, if it has arrived, in whatever session."""
        return self.span.trace.session.agents.snapshot(span_id)
