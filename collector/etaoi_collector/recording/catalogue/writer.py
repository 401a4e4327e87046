"""Keeps the catalogue while a recording is written, from the store that its events are folded into anyway.

The viewer's thread makes rows, for a small share of its time; a thread of its own writes them. Whatever goes
wrong there costs nothing but the catalogue's word for this recording.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from etaoi_collector.recording.catalogue.database import CatalogueFile, Entry
from etaoi_collector.recording.catalogue.identity import identify
from etaoi_collector.recording.catalogue.run_collector import RunCollector
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.directory import recording_at
from etaoi_collector.store.model import Changes

AT_ONCE = 0.002
"""Seconds that rows are made for in one go while events arrive."""
SHARE = 100
"""Of so many seconds, one at most goes into making rows then."""
AT_ONCE_IDLE = 0.008
"""Seconds that rows are made for in one go while nothing arrives."""
SHARE_IDLE = 4
"""Of so many seconds, one at most goes into making rows then."""
WRITE_EVERY = 0.5
FINISH_WITHIN = 0.2
"""Seconds to make the last rows, and as many to write them, when the viewer ends."""


class _Order(NamedTuple):
    """What is to be written.

    Attributes:
        key: Of which recording.
        entry: What is said of it as a whole.
        rows: Runs that are new or changed.
        removed: Numbers of runs whose files were deleted.
    """

    key: Path
    entry: Entry
    rows: list[RunRow]
    removed: list[int]


class CatalogueWriter:
    """Writes down what a recording holds while it grows.

    Args:
        folder: Where the catalogue lies.
        collector: Makes the rows.
        key: Tells the recording's key, see `Recording`; None as long as there is none.
        oldest: Tells the number of its oldest segment that is there.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        collector: RunCollector,
        key: Callable[[], Path | None],
        oldest: Callable[[], int] = int,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._collector = collector
        self._key = key
        self._oldest = oldest
        self._clock = clock
        self._next_at = 0.0
        self._write_at = 0.0
        self._pending_rows: list[RunRow] = []
        """Rows that are not ordered to be written yet."""
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._started = False

    def follow(self, changes: Changes) -> None:
        """Take in what changed in the store; returns within some milliseconds."""
        self._collector.note(changes)
        began = time.perf_counter()
        if began < self._next_at or not self._collector.has_news:
            return
        key = self._key()
        if key is None:
            return
        idle = not changes.traces
        self._pending_rows += self._collector.rows(began + (AT_ONCE_IDLE if idle else AT_ONCE))
        now = time.perf_counter()
        # What is left over is made as soon as the share of the time allows; else changes gather for a while.
        pause = (now - began) * (SHARE_IDLE if idle else SHARE)
        self._next_at = now + (pause if self._collector.has_news else max(WRITE_EVERY, pause))
        if self._pending_rows and (now >= self._write_at or not self._collector.has_news):
            self._write_at = now + WRITE_EVERY
            self._order(key)

    def finish(self, events: int, *, everything: bool) -> None:
        """Write the last rows: nothing is recorded any more, and its files are as they will stay.

        Args:
            events: How many events were folded.
            everything: Every event of the recording was.
        """
        key = self._key()
        if key is not None:
            self._pending_rows += self._collector.rows(time.perf_counter() + FINISH_WITHIN)
            done = everything and self._collector.is_exact and not self._collector.has_news
            self._order(key, complete=done, events=events)
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join(FINISH_WITHIN)

    def _order(self, key: Path, *, complete: bool = False, events: int = 0) -> None:
        recording = recording_at(key)
        identity = None if recording is None else identify(recording.files)
        if recording is None or identity is None:
            return
        removed = self._collector.forget_before(self._oldest())
        # Of runs that began in a segment that was deleted, rows tell more than the files that are left.
        complete = complete and recording.path == recording.key
        entry = Entry(identity, complete, self._clock(), events=events)
        self._collector.count(entry)
        self._orders.put(_Order(key, entry, self._pending_rows, removed))
        self._pending_rows = []
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="etaoi-catalogue", daemon=True)
            self._thread.start()

    def _write(self) -> None:
        """Write what is ordered; what cannot be written now comes with the next order."""
        late: list[RunRow] = []
        removed: list[int] = []
        with CatalogueFile(self._folder) as file:
            while (order := self._orders.get()) is not None:
                late += order.rows
                removed += order.removed
                if file.write(order.key, order.entry, late, removed, anew=not self._started):
                    self._started = True
                    late, removed = [], []
