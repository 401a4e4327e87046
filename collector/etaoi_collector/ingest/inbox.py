"""The one crossing between the collector's thread and the reader's.

It is bounded, and nothing is lost by it: beyond the bound it only remembers which frames follow, and they
are read back from the recording when their turn comes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from etaoi_collector.ingest.tally import Tally
from etaoi_collector.recording.record_items import event_batches
from etaoi_collector.source_items import EventBatch, SourceItem
from etaoi_collector.wire.event_ref import frame_of, unpack_event_ref
from etaoi_collector.wire.frame_scan import EventRanges, scan_byte_ranges

MAX_EVENTS = 100_000
MAX_BYTES = 64 << 20


class Frame(Protocol):
    """A frame that is read back."""

    @property
    def event_ref(self) -> int:
        """Place of the frame."""

    @property
    def received(self) -> float:
        """Seconds since the epoch."""

    @property
    def connection(self) -> int:
        """Number of the connection."""

    @property
    def frame(self) -> bytes | memoryview:
        """Its bytes."""


FramesBetween = Callable[[int, int], Iterator[Frame]]
"""Given the places of the first and the last frame, reads back all frames from one to the other."""


class _Behind(msgspec.Struct, gc=False):
    """Events that only the recording holds: those from one place to before another, both in one segment."""

    start: int
    stop: int
    events: int
    is_slice: bool
    """Of one large frame only, of which other pieces are elsewhere."""
    is_counted: bool
    """They were decoded before."""


class Inbox:
    """Items in order, from one thread that puts to one that takes.

    Args:
        frames_between: Reads frames back from the recording.
        max_events: Decoded events that may wait.
        max_bytes: Bytes of frames that they may keep alive.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        frames_between: FramesBetween,
        *,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.overflowed = 0
        """Events that had to be read back from the recording, ever."""
        self.lost = 0
        """Events that no recording held any more when their turn came."""
        self.tally = Tally()
        """Counts of events that nobody had decoded before they were read back."""
        self._frames_between = frames_between
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._clock = clock
        self._items: deque[tuple[SourceItem | _Behind, int]] = deque()
        self._events = 0
        self._bytes = 0
        self._lock = threading.Lock()
        self._may_join = True
        """No large frame was recorded since the newest item, whose pieces come later."""
        self._frame_ranges: tuple[int, EventRanges] | None = None
        """Where the events of the large frame lie that was read back last."""
        self._reading_back: Iterator[EventBatch] | None = None

    def __len__(self) -> int:
        """Events that wait, those included that only the recording holds."""
        with self._lock:
            behind = sum(item.events for item, _ in self._items if type(item) is _Behind)
            return self._events + behind

    @property
    def is_full(self) -> bool:
        """Whether what follows is only remembered, until some of what waits was taken."""
        return self._events >= self._max_events or self._bytes >= self._max_bytes

    def leave(self, event_ref: int, count: int) -> None:
        """Remember a recorded frame that nobody has decoded; called by the collector's thread only.

        Args:
            event_ref: Its place.
            count: Its events.
        """
        if count:
            with self._lock:
                self._remember(_Behind(event_ref, event_ref + count, count, is_slice=False, is_counted=False))

    def put(self, item: SourceItem, size: int = 0) -> None:
        """Hand over an item; called by the collector's thread only.

        Args:
            item: What arrived.
            size: Bytes that the item keeps alive.
        """
        count = 0
        if type(item) is EventBatch:
            count = len(item.events)
            if count == 0:
                self._may_join = False
                return
        with self._lock:
            full = self._events + count > self._max_events or self._bytes + size > self._max_bytes
            if full and type(item) is EventBatch and item.base_ref >= 0:
                start = item.base_ref + item.first_ordinal
                self._remember(_Behind(start, start + count, count, item.is_slice, is_counted=True))
            else:
                self._items.append((item, size))
                self._events += count
                self._bytes += size

    def take(self, seconds: float, most: int) -> list[SourceItem]:
        """Return what waits, in order; called by the reading thread only.

        Args:
            seconds: Time to spend, roughly; reading back takes some.
            most: Events after which to stop, roughly.

        Returns:
            Items; at least one when any waits.
        """
        deadline = self._clock() + seconds
        items: list[SourceItem] = []
        count = 0
        while (item := self._next()) is not None:
            items.append(item)
            count += len(item.events) if type(item) is EventBatch else 0
            if count >= most or self._clock() >= deadline:
                break
        return items

    def _remember(self, item: _Behind) -> None:
        self.overflowed += item.events
        last = self._items[-1][0] if self._items else None
        if type(last) is _Behind and self._follows(last, item):
            last.stop = item.stop
            last.events += item.events
        else:
            self._items.append((item, 0))
        self._may_join = True

    def _follows(self, last: _Behind, item: _Behind) -> bool:
        """Whether reading on from ``last`` yields these events, and nothing else before them."""
        if item.is_slice or last.is_slice:
            return last.stop == item.start and item.is_slice == last.is_slice
        return (
            self._may_join
            and item.is_counted == last.is_counted
            and unpack_event_ref(last.start)[0] == unpack_event_ref(item.start)[0]
        )

    def _next(self) -> SourceItem | None:
        while True:
            if self._reading_back is not None:
                events = next(self._reading_back, None)
                if events is not None:
                    return events
                self._reading_back = None
            with self._lock:
                if not self._items:
                    return None
                item, size = self._items.popleft()
                if type(item) is EventBatch:
                    self._events -= len(item.events)
                self._bytes -= size
            if type(item) is not _Behind:
                return item  # type: ignore[return-value]
            self._reading_back = self._read_back(item)

    def _read_back(self, behind: _Behind) -> Iterator[EventBatch]:
        missing = behind.events
        first, last = frame_of(behind.start), frame_of(behind.stop - 1)
        for record in self._frames_between(first, last):
            start = unpack_event_ref(behind.start)[2] if record.event_ref == first else 0
            stop = behind.stop - last if record.event_ref == last else None
            ranges = self._ranges(record) if behind.is_slice else None
            for events in event_batches(
                record.frame,
                record.event_ref,
                record.connection,
                record.received,
                start=start,
                stop=stop,
                ranges=ranges,
            ):
                missing -= len(events.events)
                if not behind.is_counted:
                    self.tally.add(events.events)
                yield events
        self.lost += max(0, missing)

    def _ranges(self, record: Frame) -> EventRanges:
        """Find the events of a large frame, once for all of its pieces that are read one after the other."""
        if self._frame_ranges is None or self._frame_ranges[0] != record.event_ref:
            self._frame_ranges = (record.event_ref, scan_byte_ranges(record.frame))
        return self._frame_ranges[1]
