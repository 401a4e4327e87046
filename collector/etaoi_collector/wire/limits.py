"""Bounds on what a peer may make us hold, in one place."""

from __future__ import annotations

MAX_FRAME = 1 << 30
"""Default bound of one WebSocket message in bytes: a client with a backlog sends it all at once."""

LARGEST_FRAME = (1 << 32) - 1
"""The most that a recording's 32 bit length can tell."""

MAX_HELLO = 64 << 10
"""A handshake message is some hundred bytes; anything beyond this is not one."""

MAX_EVENTS_PER_FRAME = 1 << 22
"""Events taken from one frame; fits a place's ordinal, and bounds what a frame of one-byte items costs."""

MAX_DEPTH = 512
"""Nesting of one event beyond which it is refused."""

MAX_SHOWN_DEPTH = 100
"""Nesting below which `decode_whole` replaces values by a note, so that recursive readers stay safe."""

MAX_SCAN_TOKENS = 20_000_000
"""MessagePack items that the scanner written in Python walks in one frame: some seconds."""

WHOLE_DECODE = 256 << 10
"""Frames up to this many bytes are decoded in one step."""

SMALL_FRAME = 4 << 20
"""Frames up to this many bytes are split by msgspec, whose lists a frame of one-byte items could blow up."""

MAX_CLOSE_REASON = 123
"""Bytes that fit into a WebSocket close frame beside its code (RFC 6455, section 5.5)."""

MAX_TRACE_HEADER = 64 << 10
"""Bytes of a trace file's header map."""
