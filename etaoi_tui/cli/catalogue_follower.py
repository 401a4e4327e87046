"""Keeps the catalogue of recordings while one is made, beside whatever shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.recording.catalogue.run_collector import RunCollector
from etaoi_collector.recording.catalogue.writer import CatalogueWriter
from etaoi_collector.recording.directory import key_of, state_dir
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes
from etaoi_tui.feed import Feed

_LAST_EVENTS_MS = 200.0
"""Milliseconds for what had arrived when the viewer ended."""


class CatalogueFollower:
    """Follows the store of a live run.

    Args:
        collector: Whose recording it is.
        source: Reads it.
        store: What its events are folded into.
    """

    def __init__(self, collector: Collector, source: Source, store: Store) -> None:
        self._collector = collector
        self._store = store
        folder = collector.options.state or state_dir()
        self._writer = CatalogueWriter(folder, RunCollector(store, source), self._key, self._oldest_segment)

    def _key(self) -> Path | None:
        path = self._collector.recorder.path
        return None if path is None else key_of(path)

    def _oldest_segment(self) -> int:
        return self._collector.recorder.oldest().segment

    def follow(self, changes: Changes) -> None:
        """Take in what a tick changed."""
        self._writer.follow(changes)

    def finish(self, feed: Feed) -> None:
        """Stop to listen, and write down how everything ended."""
        self._collector.stop()
        feed.work(_LAST_EVENTS_MS, time.time())
        everything = not feed.behind and not self._collector.recorder.unrecorded
        self._store.finish()
        self._writer.follow(self._store.drain_changes())
        self._writer.finish(self._store.events, everything=everything)


def catalogue_follower(
    options: CollectorOptions, collector: Collector, source: Source
) -> Callable[[Store], CatalogueFollower] | None:
    """Return what makes a follower; None when there will be no recording to find again."""
    if options.record is Record.NONE:
        return None
    return lambda store: CatalogueFollower(collector, source, store)
