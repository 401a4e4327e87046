"""One tick: take what arrived from a source, fold it into the store, and return what changed.

Knows no screen. The viewer calls it on its timer, the commands without a screen call it in a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from etaoi_collector.recording.fold import fold_item
from etaoi_collector.sources.base import Ended, Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes

SLICE_MS = 4.0
"""Longest slice of work in milliseconds between two looks at the clock."""


class Feed:
    """Moves what a source has into a store, a bounded amount of work at a time.

    Args:
        source: Live or replayed; the feed is its only reader.
        store: Where events are folded; the feed is its only writer.
        clock: Monotonic seconds, for the budget.
    """

    def __init__(self, source: Source, store: Store, *, clock: Callable[[], float] = perf_counter) -> None:
        self.source = source
        self.store = store
        self.ended = False
        """A recording was read to its end; what is read from it again is asked for, see `Source.prefer`."""
        self.behind = False
        """The last tick stopped at its budget, so more may be waiting."""
        self._clock = clock

    def tick(self, budget_ms: float, now: float) -> Changes:
        """Do one `work` and return everything that changed in the store since the last call."""
        self.work(budget_ms, now)
        return self.store.drain_changes()

    def work(self, budget_ms: float, now: float) -> None:
        """Apply what is waiting until nothing is left or the budget is spent.

        At least one slice is applied, so that a caller with a tiny budget gets on, too.

        Args:
            budget_ms: Milliseconds to spend, give or take one slice.
            now: Seconds since the epoch; decides which silent sessions count as lost.
        """
        stop_at = self._clock() + budget_ms / 1000
        self.behind = False
        while True:
            left_ms = (stop_at - self._clock()) * 1000
            applied = self._take_slice(min(SLICE_MS, max(left_ms, 1.0)))
            if not applied:
                break
            if self._clock() >= stop_at:
                self.behind = True
                break
        if not self.ended:
            self.store.tick(now)

    def _take_slice(self, budget_ms: float) -> bool:
        """Apply one slice; False when nothing was waiting."""
        items = self.source.take(budget_ms / 1000)
        store = self.store
        for item in items:
            fold_item(store, item)
            if type(item) is Ended:
                self.ended = True
        return bool(items)
