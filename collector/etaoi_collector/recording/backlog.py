"""What had been recorded when somebody joins, read back as what arrived."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from etaoi_collector.ingest.inbox import events_of
from etaoi_collector.recording.chunks import Chunk, Cursor, records_between
from etaoi_collector.recording.recorder import KeptFrame, Recorder
from etaoi_collector.sources.source_items import Closed, FrameRefused, Opened, SourceItem
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.event_ref import pack_event_ref
from etaoi_collector.wire.trace_records import (
    CLOSED,
    FRAME,
    OPENED,
    REFUSED,
    ClosedBody,
    OpenedBody,
    RefusedBody,
    decode_body,
)

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


def chunks_from(recorder: Recorder, start: Cursor) -> Iterator[Chunk]:
    """Iterate over what a recording holds from a position on, until nothing follows for now."""
    while (stretch := recorder.stretch(start, READ_AT_ONCE)) is not None:
        yield stretch
        start = stretch.end


def recorded(recorder: Recorder, past: Backlog) -> Iterator[SourceItem]:
    """Turn records back into what arrived, from the wanted event on."""
    skip = past.skip
    for position, kind, at, number, body in records_between(chunks_from(recorder, past.start), past.end):
        if kind == FRAME:
            for events in events_of(KeptFrame(pack_event_ref(*position), at, number, body)):
                cut = min(skip, len(events.events))
                skip -= cut
                if cut:
                    events.first_ordinal += cut
                    events.events = events.events[cut:]
                if events.events:
                    yield events
        elif kind == OPENED:
            opened = decode_body(body, OpenedBody)
            if not opened.again:
                yield Opened(Connection(number, opened.peer, at, opened.client))
        elif kind == CLOSED:
            closed = decode_body(body, ClosedBody)
            yield Closed(number, at, closed.code, closed.reason)
        elif kind == REFUSED:
            refused = decode_body(body, RefusedBody)
            yield FrameRefused(number, at, refused.size, refused.reason)
