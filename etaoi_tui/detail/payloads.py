"""Where a detail gets whole events from: decoded when somebody looks, a few kept for the next look."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

from etaoi_collector.model import Span
from etaoi_collector.wire.codec import decode_whole
from etaoi_tui.detail.stream import Streamed

EVENTS_KEPT = 128
STREAMS_KEPT = 16

DELTAS_PER_LOOK = 20_000
"""Deltas that one look reads at most; the next look goes on."""


class Missing:
    """An event that cannot be shown, and why."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason
        """Why, in words for a person."""

    def __repr__(self) -> str:
        return f"Missing({self.reason!r})"


class Payloads(Protocol):
    """What a detail asks for."""

    def event(self, place: int) -> dict[str, Any] | Missing:
        """Return the whole event that lies at a place, decoded."""

    def streamed(self, span: Span) -> Streamed:
        """Return the text that a span's deltas have brought so far."""


class _NotThere(Protocol):
    @property
    def reason(self) -> str: ...


class Source(Protocol):
    """Where the bytes of events lie."""

    def read(self, place: int) -> bytes | _NotThere:
        """Return one event's MessagePack bytes."""


class EventPayloads:
    """Decodes events of a source and keeps the newest ones that were looked at.

    Args:
        source: Where events lie.
        keep: Decoded events that are kept.
    """

    def __init__(self, source: Source, keep: int = EVENTS_KEPT) -> None:
        self._source = source
        self._keep = keep
        self._events: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._streams: OrderedDict[int, Streamed] = OrderedDict()

    def event(self, place: int) -> dict[str, Any] | Missing:
        """Return the whole event that lies at a place, decoded."""
        known = self._events.get(place)
        if known is not None:
            self._events.move_to_end(place)
            return known
        event = self._decode(place)
        if not isinstance(event, Missing):
            self._events[place] = event
            if len(self._events) > self._keep:
                self._events.popitem(last=False)
        return event

    def streamed(self, span: Span) -> Streamed:
        """Return the text that a span's deltas have brought so far; reads only those not read yet."""
        stream = self._streams.get(span.number)
        if stream is None or stream.span is not span:
            stream = self._streams[span.number] = Streamed(span)
            if len(self._streams) > STREAMS_KEPT:
                self._streams.popitem(last=False)
        self._streams.move_to_end(span.number)
        deltas = span.deltas or ()
        for place in deltas[stream.read : stream.read + DELTAS_PER_LOOK]:
            event = self._decode(place)
            stream.feed(None if isinstance(event, Missing) else event.get("payload"))
        return stream

    def _decode(self, place: int) -> dict[str, Any] | Missing:
        if place < 0:
            return Missing("it was not kept")
        data = self._source.read(place)
        if isinstance(data, (bytes, bytearray, memoryview)):
            return decode_whole(data)
        return Missing(data.reason)
