"""Frames to events: fast for what is right, and one bad event costs one event.

The ordinal of an event is its index over all envelopes of its frame. It does not depend on which path split
or decoded the frame, so a place in a recording means the same event for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick
from etaoi_collector.wire.frame_scan import (
    CannotBeSplit,
    is_hopeless,
    is_map,
    is_text,
    scan_frame,
    split_steps,
)
from etaoi_collector.wire.full_decode import decode_lossless
from etaoi_collector.wire.limits import (
    LARGE_EVENT,
    MAX_EXPLAINED_REJECTS,
    REPAIRED_EVENT,
    SMALL_FRAME,
    WHOLE_DECODE,
)
from etaoi_collector.wire.scan import Steps
from etaoi_collector.wire.tolerant_decode import decode_tolerant

__all__ = [
    "decode_at_once",
    "decode_events",
    "decode_frame",
    "decode_lossless",
    "decode_steps",
    "split_frame",
]

Buffer = bytes | bytearray | memoryview


class _RawEnvelope(msgspec.Struct, gc=False):
    """An envelope whose events stay bytes. Its schema version is not read: the handshake settled it."""

    batch: list[Raw]


class _Envelope(msgspec.Struct, gc=False):
    """An envelope with typed events."""

    batch: list[SpanStart | SpanDelta | SpanEnd | StateTick]


_split = msgspec.msgpack.Decoder(list[_RawEnvelope]).decode
_decode_envelopes = msgspec.msgpack.Decoder(list[_Envelope]).decode
_event = msgspec.msgpack.Decoder(SpanStart | SpanDelta | SpanEnd | StateTick).decode

_NIL = memoryview(b"\xc0")
_UNDECODED = ("payload", "voice_metrics")
"""Fields of which only the bytes are kept."""
_FIELD_NAMES = frozenset(
    field for event in (SpanStart, SpanDelta, SpanEnd, StateTick) for field in event.__struct_encode_fields__
)
_REPAIRED_FIELDS = 64 << 10
"""Bytes of all other fields up to which these are repaired."""

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
            parts = [event for envelope in _split(frame) for event in envelope.batch]
        except _FAILURES:
            pass
        else:
            if len(parts) <= MAX_EXPLAINED_REJECTS or _hopeless(parts) <= MAX_EXPLAINED_REJECTS:
                return parts  # type: ignore[return-value]
    return scan_frame(frame)


def _hopeless(parts: list[Raw]) -> int:
    """Count those that can be no events; beyond a number of these, only the scan tells which is which."""
    return sum(is_hopeless(memoryview(part)) for part in parts)


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


def decode_steps(event: memoryview, ordinal: int) -> Steps[Event | Reject]:
    """Decode one event of any size, a slice of some milliseconds at a time.

    Args:
        event: Its bytes. A large payload is not copied: it keeps them alive.
        ordinal: Its number in the frame.
    """
    size = len(event)
    if size <= LARGE_EVENT:
        raw = Raw(bytes(event))
        try:
            decoded_event: Event = _event(raw)
            return decoded_event
        except _FAILURES:
            if size <= REPAIRED_EVENT:
                return decode_tolerant(raw, ordinal)
    yield
    try:
        fields = yield from split_steps(event)
    except CannotBeSplit as error:
        return Reject(ordinal, str(error))
    metadata = fields.get("metadata", _NIL)
    if len(metadata) > LARGE_EVENT and is_map(metadata):
        try:
            entries = yield from split_steps(metadata)
        except CannotBeSplit as error:
            return Reject(ordinal, f"the field metadata cannot be read: {error}")
        short = {name: Raw(bytes(value)) for name, value in entries.items() if len(value) <= REPAIRED_EVENT}
        fields["metadata"] = memoryview(msgspec.msgpack.encode(short))
    heavy = {name: fields.pop(name) for name in _UNDECODED if len(fields.get(name, b"")) > REPAIRED_EVENT}
    for name in [name for name, value in fields.items() if len(value) > LARGE_EVENT and not is_text(value)]:
        if name in _FIELD_NAMES:
            return Reject(ordinal, f"the field {name} has {len(fields[name]):,} bytes")
        del fields[name]
    yield
    light = Raw(
        msgspec.msgpack.encode(
            {name: Raw(bytes(value)) for name, value in fields.items()} | dict.fromkeys(heavy)
        )
    )
    decoded: Event | Reject
    try:
        decoded = _event(light)
    except _FAILURES:
        if len(memoryview(light)) > _REPAIRED_FIELDS:
            return Reject(ordinal, "it is wrong somewhere, and too large to be repaired")
        decoded = decode_tolerant(light, ordinal)
    if isinstance(decoded, SpanDelta):
        decoded.metadata = Raw(metadata)
    for name, value in heavy.items():
        if hasattr(decoded, name):
            setattr(decoded, name, Raw(value))
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
        return [event for envelope in _decode_envelopes(frame) for event in envelope.batch]
    except _FAILURES:
        return None


def decode_frame(frame: Buffer) -> list[Event | Reject]:
    """Decode all events of a frame, of any size and whatever is wrong with it. Never raises for any bytes."""
    events = decode_at_once(frame)
    return decode_events(split_frame(frame)) if events is None else events
