"""What had been recorded when somebody joins, read back as what arrived."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from etaoi_collector.recording.chunks import Chunk, Cursor, records_between
from etaoi_collector.recording.record_items import connection_item, event_batches
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import SourceItem
from etaoi_collector.wire.event_ref import pack_event_ref
from etaoi_collector.wire.trace_records import FRAME

READ_AT_ONCE = 256 << 10
"""Bytes of the recording that are read in one go."""


class Backlog(msgspec.Struct, frozen=True):
    """What had been recorded when a subscription began."""

    start: Cursor
    """Where to begin reading."""
    skip: int
    """Events there that are older than those wanted."""
    events: int
    """Events that follow these, up to `end`."""
    end: Cursor
    missed: int = 0
    """Wanted events before all these that were deleted again."""


def chunks_from(recorder: Recorder, start: Cursor) -> Iterator[Chunk]:
    """Iterate over what a recording holds from a position on, until nothing follows for now."""
    while (chunk := recorder.read_chunk(start, READ_AT_ONCE)) is not None:
        yield chunk
        start = chunk.end


def recorded(recorder: Recorder, past: Backlog) -> Iterator[SourceItem]:
    """Turn records back into what arrived, from the wanted event on."""
    skip = past.skip
    for position, kind, at, number, body in records_between(chunks_from(recorder, past.start), past.end):
        if kind != FRAME:
            parsed = connection_item(kind, at, number, body)
            if parsed is not None and not parsed[1]:
                yield parsed[0]
            continue
        for events in event_batches(body, pack_event_ref(*position), number, at):
            cut = min(skip, len(events.events))
            skip -= cut
            if cut:
                events.first_ordinal += cut
                events.events = events.events[cut:]
            if events.events:
                yield events
