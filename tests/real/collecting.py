"""The real collector in this process, folded as the viewer does it, while a test runs its client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from etaoi_collector.collector import Collector, CollectorOptions
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import Missing, SourceItem
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store import Store
from etaoi_tui.feed import Feed

TICK_MS = 40.0
PATIENCE = 120.0


@dataclass(frozen=True)
class Collected:
    """A collector that runs, or ran.

    Attributes:
        url: its endpoint.
        store: what arrived; only the test's thread touches it.
        recording: the trace file.
        feed: folds what arrives into the store.
    """

    url: str
    store: Store
    recording: Path
    feed: Feed

    def read(self, ref: int) -> bytes | Missing:
        """Return an event's bytes from the recording, while the collector runs."""
        return self.feed.source.read(ref)

    def wait_until(self, done: Callable[[], bool], what: str) -> None:
        """Fold what arrives until ``done``.

        Raises:
            TimeoutError: it never was.
        """
        pause = threading.Event()
        deadline = time.monotonic() + PATIENCE
        while True:
            self.feed.tick(TICK_MS, time.time())
            if done():
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not happen; {self.store.events} events arrived")
            if not self.feed.behind:
                pause.wait(0.01)

    def wait_for_events(self, count: int) -> None:
        """Fold until that many events are in the store."""
        self.wait_until(lambda: self.store.events >= count, f"{count} events")

    def replayed(self) -> Iterator[SourceItem]:
        """What the recording holds, to its end."""
        reader = TraceReader(self.recording)
        try:
            yield from reader.arrivals()
        finally:
            reader.close()


@contextmanager
def collecting(recording: Path) -> Iterator[Collected]:
    """Run a collector on a free port that records to a file, and stop it at the end."""
    collector = Collector(CollectorOptions(port=0, record=recording))
    collector.bind()
    collector.start()
    source = LiveSource(collector)
    try:
        store = Store()
        yield Collected(collector.endpoint, store, recording, Feed(source, store))
    finally:
        source.close()
        collector.stop()
