"""Outgoing events and frames, as a client of the protocol writes them.

An event is kept as three pieces of msgpack (its head, its metadata, its payload), so that a payload can
still be left out, or a count be added to the metadata, after it was encoded. Heads are put together from
pieces that are encoded once: a third of what encoding them anew costs. All keys that the reference
sends are present, nil when unset, but for ``voice_metrics`` of a start, which is optional in the schema and
never used there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from etaoi_collector.wire.versions import SCHEMA_VERSION

_encode = msgspec.msgpack.Encoder().encode
_decode_map = msgspec.msgpack.Decoder(dict[str, str]).decode

EMPTY_MAP = b"\x80"
NIL = b"\xc0"
DROPPED_KEY = "etaoi_tui.dropped"
"""Metadata of a start or end: how many events of its trace a producer had to leave out before it, such as
``12``; ``12+5`` tells of five more, of traces of which nothing else will arrive."""
NODE_KINDS = frozenset(
    {
        "llm",
        "tool",
        "sub_agent",
        "middleware",
        "voice_input",
        "voice_output",
        "turn",
        "voice_session",
        "voice_turn",
        "voice_agent",
        "task",
        "eou",
        "vad",
        "agent_context",
    }
)
"""Every ``node_kind`` that the schema knows; a server refuses others."""


def encode_text(text: str | None) -> bytes:
    """Encode a value of a head: text, or nil."""
    return NIL if text is None else _encode(text)


def encode_utf8(text: bytes) -> bytes:
    """Encode a text that is UTF-8 already."""
    size = len(text)
    if size < 32:
        return bytes((0xA0 | size,)) + text
    if size < 1 << 8:
        return bytes((0xD9, size)) + text
    if size < 1 << 16:
        return b"\xda" + size.to_bytes(2, "big") + text
    return b"\xdb" + size.to_bytes(4, "big") + text


def utf8_of(encoded: bytes) -> bytes:
    """Return an encoded text as UTF-8."""
    first = encoded[0]
    return encoded[{0xD9: 2, 0xDA: 3, 0xDB: 5}.get(first, 1) :]


def span_part(session_id: bytes, trace_id: bytes, span_id: bytes, parent_id: bytes, node_kind: str) -> bytes:
    """Return what the heads of all events of one span share. Ids are encoded texts."""
    return _SPAN % (session_id, trace_id, span_id, parent_id, _encode(node_kind))


def start_head(
    event_id: bytes,
    span: bytes,
    timestamp: bytes,
    user_id: bytes,
    lc_agent_name: bytes,
    run_id: bytes,
    parent_run_id: bytes,
    speech_id: bytes,
) -> bytes:
    """Return a span_start's head: a map that still waits for its last two keys, metadata and payload.

    All values are encoded texts or nil (`encode_text`), ``span`` is a `span_part`.
    """
    return _START % (event_id, span, timestamp, user_id, lc_agent_name, run_id, parent_run_id, speech_id)


def delta_head(event_id: bytes, span: bytes, timestamp: bytes, speech_id: bytes) -> bytes:
    """Return a span_delta's head; see `start_head`."""
    return _DELTA % (event_id, span, timestamp, speech_id)


def end_head(
    event_id: bytes,
    span: bytes,
    timestamp: bytes,
    user_id: bytes,
    error: bytes,
    speech_id: bytes,
    voice_metrics: bytes,
) -> bytes:
    """Return a span_end's head; see `start_head`. ``voice_metrics`` is an encoded map or nil."""
    return _END % (event_id, span, timestamp, user_id, error, speech_id, voice_metrics)


def tick_head(event_id: bytes, session_id: bytes, timestamp: bytes, subject: bytes, state: bytes) -> bytes:
    """Return a state_tick's head: a map that still waits for its last key, metadata. It has no payload."""
    return _TICK % (event_id, session_id, timestamp, subject, state)


def _template(*keys: str) -> bytes:
    """Encode keys with a gap for a value behind each."""
    return b"".join(_encode(key) + b"%b" for key in keys)


def _head(kind: str, entries: int, preceding: bytes, *after: str) -> bytes:
    """Encode a head with gaps for the event's id, then ``preceding``, its time, and further values."""
    begin = bytes((0x80 | entries,)) + _template("kind") % _encode(kind)
    return begin + _template("event_id") + preceding + _template("timestamp", *after)


_SPAN = _template("session_id", "trace_id", "span_id", "parent_span_id", "node_kind")
_START = _head("span_start", 15, b"%b", "user_id", "lc_agent_name", "run_id", "parent_run_id", "speech_id")
_DELTA = _head("span_delta", 11, b"%b", "speech_id")
_END = _head("span_end", 14, b"%b", "user_id", "error", "speech_id", "voice_metrics")
_TICK = _head("state_tick", 7, _template("session_id"), "subject", "state")


class EventPieces(Protocol):
    """One event, encoded in pieces. ``payload`` is None for events that have none."""

    head: bytes
    metadata: bytes
    payload: bytes | None


_METADATA_KEY = _encode("metadata")
_PAYLOAD_KEY = _encode("payload")
_FRAME_BEGIN = b"\x91\x82" + _encode("schema_version") + _encode(SCHEMA_VERSION) + _encode("batch") + b"\xdd"

FRAME_OVERHEAD = len(_FRAME_BEGIN) + 4
EVENT_OVERHEAD = len(_METADATA_KEY) + len(_PAYLOAD_KEY)


def encode_frame(events: Iterable[EventPieces]) -> bytes:
    """Put events into one frame: an array of one envelope, as any etaoi server reads it."""
    parts = [_FRAME_BEGIN, b""]
    count = 0
    for event in events:
        count += 1
        if event.payload is None:
            parts += (event.head, _METADATA_KEY, event.metadata)
        else:
            parts += (event.head, _METADATA_KEY, event.metadata, _PAYLOAD_KEY, event.payload)
    parts[1] = count.to_bytes(4, "big")
    return b"".join(parts)


def encode_metadata(metadata: dict[str, str]) -> bytes:
    """Encode an event's metadata."""
    return _encode(metadata) if metadata else EMPTY_MAP


def add_metadata(encoded: bytes, added: Mapping[str, str]) -> bytes:
    """Return encoded metadata with entries added."""
    return _encode({**_decode_map(encoded), **added})
