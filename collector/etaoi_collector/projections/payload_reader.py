"""Where a detail gets whole events from: decoded when somebody looks, a few kept for the next look."""

from __future__ import annotations

from typing import Any, Protocol

from etaoi_collector.lru import Lru
from etaoi_collector.projections.stream_assembly import AssembledStream
from etaoi_collector.source_items import Missing
from etaoi_collector.store.model import Span
from etaoi_collector.wire.codec import decode_lossless

EVENTS_KEPT = 512
BYTES_KEPT = 64_000_000
"""Decoded events are let go beyond this many bytes on the wire, the oldest look first."""

STREAMS_KEPT = 16

__all__ = ["EventReader", "Missing", "PayloadReader", "RecordedPayloads"]

DELTAS_PER_LOOK = 20_000
"""Deltas that one look reads at most; the next look goes on."""


class PayloadReader(Protocol):
    """What a detail asks for."""

    def event(self, event_ref: int) -> dict[str, Any] | Missing:
        """Return the whole event at an event reference, decoded."""

    def streamed(self, span: Span) -> AssembledStream:
        """Return the text that a span's deltas have brought so far."""


class EventReader(Protocol):
    """Where the bytes of events lie; a `Source` of the collector is one."""

    def read(self, event_ref: int) -> bytes | Missing:
        """Return one event's MessagePack bytes, or why they cannot be had."""


class RecordedPayloads:
    """Decodes events of a source and keeps the newest ones that were looked at.

    Args:
        source: Where events lie; stays there as an attribute.
        keep: Decoded events that are kept.
    """

    def __init__(self, source: EventReader, keep: int = EVENTS_KEPT) -> None:
        self.source = source
        self._events: Lru[int, dict[str, Any]] = Lru(keep, most_cost=BYTES_KEPT)
        self._streams: Lru[int, AssembledStream] = Lru(STREAMS_KEPT)

    def event(self, event_ref: int) -> dict[str, Any] | Missing:
        """Return the whole event at an event reference, decoded."""
        event = self._events.get(event_ref)
        if event is None:
            data = self._read(event_ref)
            if isinstance(data, Missing):
                return data
            event = decode_lossless(data)
            self._events.put(event_ref, event, len(data))
        return event

    def streamed(self, span: Span) -> AssembledStream:
        """Return the text that a span's deltas have brought so far; reads only those not read yet."""
        stream = self._streams.get(span.number)
        if stream is None or stream.span is not span:
            stream = AssembledStream(span)
            self._streams.put(span.number, stream)
        deltas = span.deltas or ()
        for event_ref in deltas[stream.read : stream.read + DELTAS_PER_LOOK]:
            data = self._read(event_ref)
            stream.feed(None if isinstance(data, Missing) else decode_lossless(data).get("payload"))
        return stream

    def _read(self, event_ref: int) -> bytes | Missing:
        return self.source.read(event_ref) if event_ref >= 0 else Missing("it was not kept")
