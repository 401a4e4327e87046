"""Loads recordings into a store, with their events in memory as the source of payloads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import msgpack

from etaoi_collector.projections.payload_reader import Missing, RecordedPayloads
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_collector.wire.codec import decode_frame, split_frame
from etaoi_collector.wire.event_ref import pack_event_ref

CAPTURES = Path(__file__).parent.parent / "captures"


class MemorySource:
    """Events by place; counts what was read."""

    def __init__(self) -> None:
        self.events: dict[int, bytes] = {}
        self.reads = 0

    def read(self, ref: int) -> bytes | Missing:
        self.reads += 1
        return self.events.get(ref) or Missing("it was not kept: disk full")


class Recorded:
    """A store, and the payloads of what is in it."""

    def __init__(self) -> None:
        self.store = Store()
        self.source = MemorySource()
        self.payloads = RecordedPayloads(self.source)
        self._offset = 0

    @classmethod
    def of(cls, events: Iterable[dict[str, Any]]) -> Self:
        """Record a whole run, given as an SDK's sink in memory has it."""
        recorded = cls()
        for event in events:
            recorded.send(event)
        recorded.store.finish()
        return recorded

    def take(self, frame: bytes) -> None:
        """Apply one frame of events."""
        self._offset += 1
        events = decode_frame(frame)
        for ordinal, raw in enumerate(split_frame(frame)):
            self.source.events[pack_event_ref(0, self._offset, ordinal)] = bytes(raw)  # type: ignore[arg-type]
        self.store.apply(events, pack_event_ref(0, self._offset), 1)

    def send(self, *events: dict[str, Any]) -> None:
        """Apply events given as dicts."""
        self.take(msgpack.packb([{"schema_version": "0.5.1", "batch": [event]} for event in events]))

    @property
    def spans(self) -> list[Span]:
        """All spans, in order of arrival."""
        return [span for trace in self.store.traces.values() for span in trace.spans]

    def find(self, kind: str, name: str = "") -> Span:
        """The first span of a kind (and name)."""
        return next(s for s in self.spans if s.kind == kind and (not name or s.name == name))


def load(name: str) -> Recorded:
    """Load one of the recordings."""
    recorded = Recorded()
    with (CAPTURES / f"{name}.msgpack").open("rb") as file:
        for _, frame in _frames(file):
            if not isinstance(msgpack.unpackb(frame, strict_map_key=False), dict):
                recorded.take(frame)
    recorded.store.finish()
    return recorded


def _frames(file: Any) -> Iterable[tuple[float, bytes]]:
    return msgpack.Unpacker(file, max_buffer_size=1 << 30)
