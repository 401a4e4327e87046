"""Where an event lies in a recording, packed into one int so that a span can keep several for 32 bytes each.

A place is ``segment << 64 | offset << 24 | ordinal``: the recording's segment number (0 based), the byte
offset of the frame's record in that segment's file (40 bits, one tebibyte), and the event's ordinal within
the frame (24 bits), counted over all envelopes of the frame.
"""

from __future__ import annotations

ORDINAL_BITS = 24
OFFSET_BITS = 40
_ORDINAL_MASK = (1 << ORDINAL_BITS) - 1
_OFFSET_MASK = (1 << OFFSET_BITS) - 1

NO_EVENT = -1
"""The reference of something that was not kept: nothing recorded it."""


def pack_event_ref(segment: int, offset: int, ordinal: int = 0) -> int:
    """Pack a frame's position and an event's ordinal into one reference."""
    return (segment << (OFFSET_BITS + ORDINAL_BITS)) | (offset << ORDINAL_BITS) | ordinal


def unpack_event_ref(event_ref: int) -> tuple[int, int, int]:
    """Return ``(segment, offset, ordinal)`` of a reference."""
    return (
        event_ref >> (OFFSET_BITS + ORDINAL_BITS),
        (event_ref >> ORDINAL_BITS) & _OFFSET_MASK,
        event_ref & _ORDINAL_MASK,
    )


def frame_of(event_ref: int) -> int:
    """Return the reference of the frame that holds the event at ``event_ref``."""
    return event_ref & ~_ORDINAL_MASK
