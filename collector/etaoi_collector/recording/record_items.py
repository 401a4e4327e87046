"""From what a recording holds to what a source hands over: the one way for replay, history and overflow."""

from __future__ import annotations

from collections.abc import Iterator

from etaoi_collector.recording.frame_cache import LargeFrame
from etaoi_collector.source_items import Closed, EventBatch, FrameRefused, Opened
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.codec import decode_at_once, decode_events, split_frame
from etaoi_collector.wire.limits import SMALL_FRAME
from etaoi_collector.wire.trace_records import (
    CLOSED,
    OPENED,
    REFUSED,
    ClosedBody,
    OpenedBody,
    RefusedBody,
    decode_body,
)

EVENTS_PER_BATCH = 512
"""Events of one batch at most: about half a millisecond of decoding."""

BYTES_PER_BATCH = 4 << 20
"""Bytes that these events have together, roughly: some frames hold large ones."""


def event_batches(
    frame: bytes | memoryview,
    place: int,
    connection: int,
    received: float,
    *,
    start: int = 0,
    stop: int | None = None,
    most: int = EVENTS_PER_BATCH,
    whole: int | None = None,
) -> Iterator[EventBatch]:
    """Decode a frame, a batch at a time.

    Args:
        frame: Its bytes. Released between two batches where it is large, so that a mapped file can be closed.
        place: Its place in the recording.
        connection: Number of the connection that it came over.
        received: Seconds since the epoch.
        start: Ordinal of the first event wanted.
        stop: Ordinal after the last one; None for all.
        most: Events of one batch.
        whole: Events of a faultless frame that is still decoded in one step; None for `most`.
    """
    large = LargeFrame(frame) if len(frame) > SMALL_FRAME else None
    if large is None and start == 0 and stop is None:
        events = decode_at_once(frame)
        if events is not None and len(events) <= (most if whole is None else whole):
            yield EventBatch(place, 0, events, connection, received)
            return
    parts = split_frame(frame) if large is None else []
    count = len(parts) if large is None else len(large.spans)
    stop = count if stop is None else min(count, stop)
    step = max(1, min(most, BYTES_PER_BATCH * count // max(1, len(frame))))
    for ordinal in range(start, stop, step):
        until = min(stop, ordinal + step)
        if large is None:
            events = decode_events(parts, ordinal, until)
        else:
            events = large.decode(frame, ordinal, until)
        yield EventBatch(place, ordinal, events, connection, received)


def connection_item(
    kind: int, at: float, number: int, body: bytes | memoryview
) -> tuple[Opened | Closed | FrameRefused, bool] | None:
    """Turn a record that is no frame into the item it stands for.

    Args:
        kind: The record's kind.
        at: Its time, in seconds since the epoch.
        number: Number of the connection.
        body: The record's body.

    Returns:
        The item, and whether it repeats what an earlier segment holds already; None for other kinds.
    """
    if kind == OPENED:
        opened = decode_body(body, OpenedBody)
        return Opened(Connection(number, opened.peer, at, opened.client)), opened.again
    if kind == CLOSED:
        closed = decode_body(body, ClosedBody)
        return Closed(number, at, closed.code, closed.reason), False
    if kind == REFUSED:
        refused = decode_body(body, RefusedBody)
        return FrameRefused(number, at, refused.size, refused.reason), False
    return None
