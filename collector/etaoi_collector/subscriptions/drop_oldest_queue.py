"""Where arrivals wait for a reader that wants to stay close to what happens now."""

from __future__ import annotations

import threading
from collections import deque

from etaoi_collector.source_items import EventBatch, SourceItem

MAX_BYTES = 64 << 20
"""Bytes of frames that may be kept alive by what waits."""


class DropOldestQueue:
    """Keeps the newest arrivals; the oldest go when there are too many, and are counted.

    One thread puts, another one takes.

    Args:
        most: Events that may wait.
        max_bytes: Bytes of frames that they may keep alive.
    """

    def __init__(self, most: int, *, max_bytes: int = MAX_BYTES) -> None:
        self.lost = 0
        """Events that had to go, ever."""
        self.overflowed = 0
        """Always 0: nothing is read again from the recording."""
        self._most = most
        self._max_bytes = max_bytes
        self._items: deque[tuple[SourceItem, int, int]] = deque()
        self._events = 0
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Events that wait."""
        return self._events

    def put(self, item: SourceItem, size: int = 0) -> None:
        """Add an item; never waits for anything but a reader that takes one out this moment.

        Args:
            item: What arrived.
            size: Bytes that the item keeps alive.
        """
        count = len(item.events) if type(item) is EventBatch else 0
        with self._lock:
            if type(item) is EventBatch and count > self._most:
                cut = count - self._most
                self.lost += cut
                item = EventBatch(
                    item.base_ref,
                    item.first_ordinal + cut,
                    item.events[cut:],
                    item.connection,
                    item.received,
                )
                count = self._most
            self._items.append((item, count, size))
            self._events += count
            self._bytes += size
            while len(self._items) > 1 and self._is_full():
                _, events_dropped, freed = self._items.popleft()
                self.lost += events_dropped
                self._events -= events_dropped
                self._bytes -= freed

    def _is_full(self) -> bool:
        # What are no events counts as well, so that a row of connections cannot pile up.
        return (
            self._events > self._most
            or self._bytes > self._max_bytes
            or len(self._items) > max(self._most, 1024)
        )

    def take(self, seconds: float, most: int) -> list[SourceItem]:
        """Return what waits, in order, and stop after ``most`` events, roughly, whatever the time."""
        items: list[SourceItem] = []
        with self._lock:
            while self._items and most > 0:
                item, count, size = self._items.popleft()
                items.append(item)
                most -= count
                self._events -= count
                self._bytes -= size
        return items
