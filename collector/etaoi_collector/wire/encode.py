"""Outgoing events and frames, as a client of the protocol writes them.

An event is kept as three pieces of msgpack (its head, its metadata, its payload), so that a payload can
still be left out, or a count be added to the metadata, after it was encoded. All keys that the reference
sends are present, nil when unset, but for ``voice_metrics`` of a start, which is optional in the schema and
never used there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec
from msgspec import Raw

from etaoi_collector.wire.versions import SCHEMA_VERSION

_encode = msgspec.msgpack.Encoder().encode
_decode_map = msgspec.msgpack.Decoder(dict[str, str]).decode

EMPTY_MAP = b"\x80"
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


class StartHead(msgspec.Struct, tag="span_start", tag_field="kind", gc=False):
    """A span_start without its metadata and payload."""

    event_id: str
    session_id: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    node_kind: str
    timestamp: str
    user_id: str | None
    lc_agent_name: str | None
    run_id: str | None
    parent_run_id: str | None
    speech_id: str | None


class DeltaHead(msgspec.Struct, tag="span_delta", tag_field="kind", gc=False):
    """A span_delta without its metadata and payload."""

    event_id: str
    session_id: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    node_kind: str
    timestamp: str
    speech_id: str | None


class EndHead(msgspec.Struct, tag="span_end", tag_field="kind", gc=False):
    """A span_end without its metadata and payload."""

    event_id: str
    session_id: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    node_kind: str
    timestamp: str
    user_id: str | None
    error: str | None
    speech_id: str | None
    voice_metrics: Raw | None


class TickHead(msgspec.Struct, tag="state_tick", tag_field="kind", gc=False):
    """A state_tick without its metadata. It has no payload."""

    event_id: str
    session_id: str
    timestamp: str
    subject: str
    state: str


def encode_head(head: StartHead | DeltaHead | EndHead) -> bytes:
    """Encode a span event's head: a map that still waits for its last two keys, metadata and payload."""
    encoded = _encode(head)
    return bytes((encoded[0] + 2,)) + encoded[1:]


def encode_tick_head(head: TickHead) -> bytes:
    """Encode a tick's head: a map that still waits for its last key, metadata."""
    encoded = _encode(head)
    return bytes((encoded[0] + 1,)) + encoded[1:]


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


def encode_metadata(metadata: Mapping[str, str]) -> bytes:
    """Encode an event's metadata."""
    return _encode(dict(metadata)) if metadata else EMPTY_MAP


def add_metadata(encoded: bytes, added: Mapping[str, str]) -> bytes:
    """Return encoded metadata with entries added."""
    return _encode({**_decode_map(encoded), **added})
