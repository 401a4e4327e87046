"""What is known of one span: its events, decoded on demand."""

from __future__ import annotations

from functools import cached_property

from etaoi_collector.conventions.lenient import Map, as_map
from etaoi_collector.projections.payload_reader import Missing, PayloadReader
from etaoi_collector.projections.stream_assembly import AssembledStream
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_collector.wire.event_ref import NO_EVENT

DELTAS_LISTED = 200
"""Deltas that are listed one by one; of more, the newest."""


class SpanEvents:
    """One span and its events.

    Args:
        span: The span to describe.
        payloads: Where its events come from.
        now: The time to measure running spans with, in seconds since the epoch.
    """

    def __init__(self, span: Span, payloads: PayloadReader, now: float) -> None:
        self.span = span
        self.now = now
        self._payloads = payloads

    def find_snapshot(self, span_id: str) -> Span | None:
        """Return the agent snapshot with this id, if it has arrived, in whatever session."""
        return self.span.trace.session.agents.snapshot(span_id)

    @cached_property
    def start(self) -> Map | Missing | None:
        """Its start event; None if none has arrived."""
        if not self.span.flags & SpanFlag.STARTED:
            return None
        return self._payloads.event(self.span.start_ref)

    @cached_property
    def end(self) -> Map | Missing | None:
        """Its end event; None if none has arrived."""
        if not self.span.flags & SpanFlag.ENDED:
            return None
        return self._payloads.event(self.span.end_ref)

    @cached_property
    def start_payload(self) -> Map:
        """The start's payload; empty if there is none."""
        return payload_fields(self.start)

    @cached_property
    def end_payload(self) -> Map:
        """The end's payload; empty if there is none."""
        return payload_fields(self.end)

    @cached_property
    def metadata(self) -> Map:
        """The metadata of start and end together."""
        merged: Map = {}
        for event in (self.end, self.start):
            if isinstance(event, dict):
                merged |= as_map(event.get("metadata"))
        return merged

    @cached_property
    def metrics(self) -> Map:
        """The voice metrics of its end; empty if there are none."""
        return as_map(self.end.get("voice_metrics")) if isinstance(self.end, dict) else {}

    @cached_property
    def deltas(self) -> list[Map | Missing]:
        """Its newest deltas, in order of arrival."""
        event_refs = self.span.deltas or []
        return [self._payloads.event(event_ref) for event_ref in event_refs[-DELTAS_LISTED:]]

    @cached_property
    def delta_payloads(self) -> list[Map]:
        """The payloads of its newest deltas that can be read."""
        return [payload_fields(delta) for delta in self.deltas]

    @property
    def deltas_left_out(self) -> int:
        """Older deltas that `deltas` does not hold."""
        return max(0, len(self.span.deltas or ()) - DELTAS_LISTED)

    @cached_property
    def streamed(self) -> AssembledStream:
        """The text that its deltas brought."""
        return self._payloads.streamed(self.span)

    @cached_property
    def gaps(self) -> list[str]:
        """What of it cannot be read, in words."""
        sentences = []
        for name, event, event_ref in (
            ("start", self.start, self.span.start_ref),
            ("end", self.end, self.span.end_ref),
        ):
            if isinstance(event, Missing):
                why = "it was not recorded" if event_ref == NO_EVENT and not event.reason else event.reason
                sentences.append(f"The content of its {name} cannot be shown: {why}")
        return sentences

    @property
    def running(self) -> bool:
        """Whether more is expected of it."""
        return self.span.status.value == "running"


def payload_fields(event: Map | Missing | None) -> Map:
    """Return an event's payload if it is a map, else an empty one."""
    return as_map(event.get("payload")) if isinstance(event, dict) else {}
