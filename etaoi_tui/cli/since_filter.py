"""Tells what a viewer had recorded before it was followed from what comes after: for ``tail --new``."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.source_items import EventBatch, Missing, SourceItem
from etaoi_collector.sources.base import Source, SourceStatus


class SinceFilter:
    """Passes on what was recorded before a moment; what is newer waits until it is `released`.

    So its reader can fold the old, which newer spans may lie in, and still tell the two apart.

    Args:
        source: What is followed.
        since: The moment, in seconds since the epoch by the clock of the one who recorded.
    """

    live = True

    def __init__(self, source: Source, since: float) -> None:
        self.released = False
        """Set it to let everything pass."""
        self._source = source
        self._since = since
        self._newer: list[SourceItem] = []

    @property
    def waiting(self) -> bool:
        """All from before was passed on, and something newer is there."""
        return bool(self._newer)

    def status(self) -> SourceStatus:
        """As the source tells it."""
        return self._source.status()

    def start(self) -> None:
        """Let the source take agents in."""
        self._source.start()

    @property
    def notices(self) -> list[str]:
        """As the source tells them."""
        return self._source.notices

    def take(self, seconds: float) -> list[SourceItem]:
        """Return what arrived; nothing while something newer waits."""
        if self.released:
            newer, self._newer = self._newer, []
            return newer or self._source.take(seconds)
        if self._newer:
            return []
        arrivals = self._source.take(seconds)
        for index, arrival in enumerate(arrivals):
            if type(arrival) is EventBatch and arrival.received >= self._since:
                self._newer = arrivals[index:]
                return arrivals[:index]
        return arrivals

    def read(self, event_ref: int) -> bytes | Missing:
        """As the source reads it."""
        return self._source.read(event_ref)

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """As the source does."""
        self._source.prefer(trace_id, is_held)

    def close(self) -> None:
        """Close the source."""
        self._source.close()
