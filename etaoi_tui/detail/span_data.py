"""What is known of one span, for its viewers: its data, and how the reader wants it shown."""

from __future__ import annotations

from etaoi_collector.conventions.lenient import Map, as_count, as_list, as_map, as_number, as_text, seconds
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.projections.span_events import DELTAS_LISTED, SpanEvents, payload_fields
from etaoi_collector.store.model import Span
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.detail.voice_context import VoiceContext

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
    """One span, its events, and the reader's choices.

    Args:
        span: The span to describe.
        payloads: Where its events come from.
        now: The time to measure running spans with, in seconds since the epoch.
        options: The reader's choices.
        voice: The voice call that the span belongs to, where there is one and it is looked at.
    """

    def __init__(
        self,
        span: Span,
        payloads: PayloadReader,
        now: float,
        options: ViewOptions | None = None,
        voice: VoiceContext | None = None,
    ) -> None:
        super().__init__(span, payloads, now)
        self.options = options or ViewOptions()
        self.voice = voice

    def of(self, span: Span) -> SpanData:
        """Return the data of a related span."""
        return SpanData(span, self._payloads, self.now, self.options)

    def read_event(self, ref: int) -> Map:
        """Return the recorded event at a reference, of any span; empty if it cannot be read."""
        event = self._payloads.event(ref)
        return event if isinstance(event, dict) else {}
