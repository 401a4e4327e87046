"""The recorded bytes of a span's events, for queries that look into contents."""

from __future__ import annotations

from typing import Protocol

import msgspec

from etaoi_collector.store.model import Span


class EventBytes(Protocol):
    """Reads the recorded bytes of one event; anything but bytes means that they were not kept."""

    def read(self, event_ref: int, /) -> object:
        """Return the raw event at an event reference."""
        ...


class _Event(msgspec.Struct, gc=False):
    payload: msgspec.Raw


_event = msgspec.msgpack.Decoder(_Event).decode


class RecordedContent:
    """A span's recorded bytes.

    Args:
        reader: Where events lie.
    """

    def __init__(self, reader: EventBytes) -> None:
        self._reader = reader

    def input_bytes(self, span: Span) -> bytes:
        """Return the bytes of the start event."""
        return self._bytes(span.start_ref)

    def output_bytes(self, span: Span) -> bytes:
        """Return the bytes of the deltas and the end event."""
        return b"".join(map(self._bytes, [*(span.deltas or ()), span.end_ref]))

    def _bytes(self, event_ref: int) -> bytes:
        """Return the payload's bytes: ids and time stamps around it would match any number."""
        if event_ref < 0:
            return b""
        raw = self._reader.read(event_ref)
        if not isinstance(raw, bytes | bytearray | memoryview):
            return b""
        try:
            return bytes(_event(raw).payload)
        except (msgspec.DecodeError, RecursionError):
            return bytes(raw)
