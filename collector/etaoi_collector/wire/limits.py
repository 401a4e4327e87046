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

MAX_EXPLAINED_REJECTS = 100
"""What can be no event is told apart up to this number in one frame; the rest is counted."""

MAX_COUNTED_REJECTS = 1 << 19
"""The same that are counted one by one before the rest of the frame is given up: some seconds."""

LEAST_EVENT = 64
"""Bytes of an event below which none can be complete: its ids and its time alone take as many."""

MAX_DEPTH = 512
"""Nesting of one event beyond which it is refused."""

MAX_SHOWN_DEPTH = 100
"""Nesting below which `decode_whole` replaces values by a note, so that recursive readers stay safe."""

MAX_SCAN_TOKENS = 20_000_000
"""MessagePack items that the scanner written in Python walks in one frame: some seconds."""

WHOLE_DECODE = SMALL_FRAME = 256 << 10
"""Frames up to this many bytes are decoded in one step; larger ones in slices."""

LARGE_EVENT = 1 << 20
"""Bytes of an event from which on its payload is not looked at while it is decoded."""

REPAIRED_EVENT = 8 << 10
"""Bytes of an event up to which it is repaired field by field in one step."""

MAX_CLOSE_REASON = 123
"""Bytes that fit into a WebSocket close frame beside its code (RFC 6455, section 5.5)."""

MAX_TRACE_HEADER = 64 << 10
"""Bytes of a trace file's header map."""
