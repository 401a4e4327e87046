"""How much the SDK sends and keeps."""

from __future__ import annotations

import os
from dataclasses import dataclass

DEFAULT_TEXT = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one tracer. All that is cut says so where it was cut."""

    text: int = DEFAULT_TEXT
    """Characters of one text: a message, a prompt, one input or output as JSON text."""
    event: int = 262_144
    """Characters of one event's payload, all texts together."""
    items: int = 1_000
    """Items of one list or map."""
    depth: int = 32
    """How deep containers may lie in each other."""
    metadata_value: int = 4_096
    """Characters of one metadata value."""
    metadata_items: int = 64
    """Metadata entries of one event."""

    @classmethod
    def from_environment(cls) -> Limits:
        """Return the defaults with ``ETAOI_MAX_TEXT`` (characters) applied; nonsense in it is ignored."""
        try:
            text = int(os.environ.get("ETAOI_MAX_TEXT", ""))
        except ValueError:
            return cls()
        if text < 1:
            return cls()
        return cls(text=text, event=max(262_144, min(4 * text, 16_777_216)))


BUFFER_BYTES = 32 * 1024 * 1024
"""Encoded events that wait for a viewer, in bytes of memory; beyond it the least telling goes first.

With what waits to be encoded, what is under way, the heads of open spans, and what the allocator holds back
between payloads that came and went, this makes 64 MiB in all.
"""
PAYLOAD_BYTES = 18 * 1024 * 1024
"""How much of that payloads may take. The allocator does not give their places back to other things."""
BUFFER_EVENTS = 200_000
INTAKE_EVENTS = 50_000
"""Records that wait for the sender's thread to encode them."""
INTAKE_BYTES = 3 * 1024 * 1024
"""The same in bytes, as far as the size of recent events tells that of the next."""
VALUE_BYTES = 12 * 1024 * 1024
"""Messages and other values that events refer to, kept for who gets them later."""
OPEN_BYTES = 4 * 1024 * 1024
"""Starts of spans that have not ended, kept for a viewer that comes later."""
FRAME_EVENTS = 256
FRAME_BYTES = 1024 * 1024
UNACKNOWLEDGED_BYTES = 4 * 1024 * 1024
"""How much may be under way without a pong that acknowledges it."""
WINDOW_SECONDS = 0.04
"""How long events gather before a frame is made: the sender wakes at most this often while they come, half as
often while many do."""
FIRST_SECONDS = 0.015
"""The same for the first events after a pause, so that what happens alone is seen sooner."""
LINGER_SECONDS = 0.3
"""How long the sender looks for more by itself before it sleeps and has to be woken."""
TEXT_SECONDS = 0.04
"""Streamed text of one span goes out at most this often."""
