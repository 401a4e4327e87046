"""From what a recording holds to what a source hands over: the one way for replay, history and overflow."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from etaoi_collector.recording.random_access_file import let_go
from etaoi_collector.source_items import Closed, EventBatch, FrameRefused, Opened
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.codec import decode_at_once, decode_events, decode_steps, split_frame
from etaoi_collector.wire.events import Event, Reject
from etaoi_collector.wire.frame_scan import EventRanges, scan_byte_ranges
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

SLICE_SECONDS = 0.003
"""How long decoding a batch of a large frame takes, roughly."""


def event_batches(
    frame: bytes | memoryview,
    event_ref: int,
    connection: int,
    received: float,
    *,
    start: int = 0,
    stop: int | None = None,
    most: int = EVENTS_PER_BATCH,
    ranges: EventRanges | None = None,
) -> Iterator[EventBatch]:
    """Decode a frame, a batch at a time.

    Args:
        frame: Its bytes. Released between two batches where it is large, so that a mapped file can be closed.
        event_ref: Where it lies in the recording.
        connection: Number of the connection that it came over.
        received: Seconds since the epoch.
        start: Ordinal of the first event wanted.
        stop: Ordinal after the last one; None for all.
        most: Events of one batch.
        ranges: Where the events of a large frame lie, if that is known.
    """
    if len(frame) > SMALL_FRAME:
        if ranges is None:
            ranges = scan_byte_ranges(frame)
            let_go(frame)
        steps = batch_steps(frame, ranges, event_ref, connection, received, start=start, stop=stop, most=most)
        yield from (batch for batch in steps if batch is not None)
        return
    if start == 0 and stop is None:
        events = decode_at_once(frame)
        if events is not None and len(events) <= most:
            yield EventBatch(event_ref, 0, events, connection, received)
            return
    parts = split_frame(frame)
    stop = len(parts) if stop is None else min(len(parts), stop)
    for ordinal in range(start, stop, most):
        events = decode_events(parts, ordinal, min(stop, ordinal + most))
        yield EventBatch(event_ref, ordinal, events, connection, received)


def batch_steps(
    frame: bytes | memoryview,
    ranges: EventRanges,
    event_ref: int,
    connection: int,
    received: float,
    *,
    start: int = 0,
    stop: int | None = None,
    most: int = EVENTS_PER_BATCH,
) -> Iterator[EventBatch | None]:
    """Decode a frame whose events were found, a slice of some milliseconds at a time.

    Yields:
        Batches, marked as slices; None where a slice ends within an event.
    """
    data = memoryview(frame)
    events: list[Event | Reject] = []
    first = start
    until = perf_counter() + SLICE_SECONDS
    for ordinal in range(start, len(ranges) if stop is None else min(stop, len(ranges))):
        part = ranges[ordinal]
        if isinstance(part, Reject):
            events.append(part)
        else:
            steps = decode_steps(data[part[0] : part[1]], ordinal)
            while True:
                try:
                    next(steps)
                except StopIteration as done:
                    events.append(done.value)
                    break
                yield None
        if len(events) >= most or perf_counter() >= until:
            yield EventBatch(event_ref, first, events, connection, received, True)
            let_go(frame)
            events = []
            first = ordinal + 1
            until = perf_counter() + SLICE_SECONDS
    if events:
        yield EventBatch(event_ref, first, events, connection, received, True)
        let_go(frame)


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
