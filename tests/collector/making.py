"""Events, frames and trace files for the tests of the collector."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgpack

from etaoi_collector.source_items import EventBatch, SourceItem
from etaoi_collector.wire.events import Event, Reject
from etaoi_collector.wire.trace_records import TraceWriter

CAPTURES = Path(__file__).parent.parent / "captures"


def an_id(number: int) -> str:
    """A canonical UUID that shows its number."""
    return str(uuid.UUID(int=(4 << 76) | number, version=4))


def start(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A span_start as clients send it; a field given as `...` is left out."""
    event: dict[str, Any] = {
        "kind": "span_start",
        "event_id": an_id(1000 + number),
        "session_id": an_id(1),
        "trace_id": an_id(2),
        "span_id": an_id(100 + number),
        "parent_span_id": None,
        "node_kind": "tool",
        "timestamp": "2026-01-02T03:04:05.120000Z",
        "metadata": {"name": f"tool {number}", "n": "7"},
        "payload": {"input": "{}", "number": number},
        "user_id": None,
    }
    event |= fields
    return {key: value for key, value in event.items() if value is not ...}


def pack(value: Any) -> bytes:
    """One MessagePack item."""
    return bytes(msgpack.packb(value))


def frame_of(events: Iterable[Any]) -> bytes:
    """A frame with one envelope for each event; bytes stand for an event that is packed already."""
    envelopes = []
    for event in events:
        packed = event if isinstance(event, bytes) else pack(event)
        envelopes.append(b"\x82" + pack("schema_version") + pack("0.5.1") + pack("batch") + b"\x91" + packed)
    return b"\xdd" + len(envelopes).to_bytes(4, "big") + b"".join(envelopes)


def numbered_frame(first: int, count: int) -> bytes:
    """A frame of good events."""
    return frame_of(start(number) for number in range(first, first + count))


def write_trace(path: Path, frames: Iterable[bytes], **options: Any) -> Path:
    """A trace file of one client that sent these frames, one second apart."""
    writer = TraceWriter(path, writer="test 1", created=1000.0, **options)
    writer.opened(1000.0, 1, peer="127.0.0.1:5", client="a client", hello=b"\x80")
    at = 1000.0
    for frame in frames:
        at += 1
        writer.append_frame(at, 1, frame)
    writer.closed(at, 1, code=1000, reason="done")
    writer.close()
    return path


def events_in(arrivals: Iterable[SourceItem]) -> list[Event | Reject]:
    """All events of some items."""
    return [event for item in arrivals if isinstance(item, EventBatch) for event in item.events]


def refs_in(arrivals: Iterable[SourceItem]) -> list[int]:
    """Their places."""
    return [
        item.base_ref + item.first_ordinal + index
        for item in arrivals
        if isinstance(item, EventBatch)
        for index in range(len(item.events))
    ]
