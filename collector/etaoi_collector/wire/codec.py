"""Frames to events: fast for what is right, and one bad event costs one event.

The ordinal of an event is its index over all envelopes of its frame. It does not depend on which path split
or decoded the frame, so a place in a recording means the same event for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick
from etaoi_collector.wire.full_decode import decode_lossless
from etaoi_collector.wire.limits import SMALL_FRAME, WHOLE_DECODE
from etaoi_collector.wire.scan import scan_frame
from etaoi_collector.wire.tolerant_decode import decode_tolerant

__all__ = ["decode_at_once", "decode_events", "decode_frame", "decode_lossless", "split_frame"]

Buffer = bytes | bytearray | memoryview


class _RawEnvelope(msgspec.Struct, gc=False):
    """An envelope whose events stay bytes. Its schema version is not read: the handshake settled it."""

    batch: list[Raw]


class _Envelope(msgspec.Struct, gc=False):
    """An envelope with typed events."""

    batch: list[SpanStart | SpanDelta | SpanEnd | StateTick]


_split = msgspec.msgpack.Decoder(list[_RawEnvelope]).decode
_whole = msgspec.msgpack.Decoder(list[_Envelope]).decode
_event = msgspec.msgpack.Decoder(SpanStart | SpanDelta | SpanEnd | StateTick).decode

_FAILURES = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""What msgspec raises for bytes that are wrong; depth ends in a RecursionError, bad UTF-8 in a ValueError."""


def split_frame(frame: Buffer) -> list[Raw | Reject]:
    """Split a frame into its events without decoding them.

    Args:
        frame: One message of the wire: a msgpack array of envelopes.

    Returns:
        One item per event, index = ordinal. Raws share the frame's memory: they keep all of it alive. An item
        that cannot be an event is a `Reject`. Never raises for any bytes.
    """
    if len(frame) <= SMALL_FRAME:
        try:
            return [event for envelope in _split(frame) for event in envelope.batch]
        except _FAILURES:
            pass
    return scan_frame(frame)


def decode_events(
    parts: Sequence[Raw | Reject], start: int = 0, stop: int | None = None, *, first: int = 0
) -> list[Event | Reject]:
    """Decode the events ``parts[start:stop]`` of a split frame, so that a large one can be taken in slices.

    Args:
        parts: What `split_frame` returned.
        start: Index of the first event wanted.
        stop: Index after the last one; None for all.
        first: Ordinal of ``parts[0]``, when the parts are not those of the whole frame.

    Returns:
        One item per event, in order. What is harmless is repaired; other bad events are `Reject` items that
        carry their ordinal and a reason for people.
    """
    decoded: list[Event | Reject] = []
    append = decoded.append
    for ordinal, part in enumerate(parts[start:stop], first + start):
        try:
            append(_event(part))  # type: ignore[arg-type]
        except TypeError:
            append(part if isinstance(part, Reject) else decode_tolerant(part, ordinal))
        except _FAILURES:
            append(decode_tolerant(part, ordinal))  # type: ignore[arg-type]
    return decoded


def decode_at_once(frame: Buffer) -> list[Event | Reject] | None:
    """Decode all events of a frame in one step, the fastest way.

    Returns:
        What ``decode_events(split_frame(frame))`` returns; None when something in the frame is wrong, or when
        it is so large (`WHOLE_DECODE`) that it should be taken in slices.
    """
    if len(frame) > WHOLE_DECODE:
        return None
    try:
        return [event for envelope in _whole(frame) for event in envelope.batch]
    except _FAILURES:
        return None


def decode_frame(frame: Buffer) -> list[Event | Reject]:
    """Decode all events of a frame, of any size and whatever is wrong with it. Never raises for any bytes."""
    events = decode_at_once(frame)
    return decode_events(split_frame(frame)) if events is None else events
