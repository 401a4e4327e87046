"""Recognises deltas and ticks that came twice: a client that reconnects sends again what it is unsure of."""

from __future__ import annotations

REPEAT_WINDOW = 32_768
"""Newest event ids that are remembered at the least."""


class Deduplicator:
    """The newest event ids. Starts and ends need none of it: their span tells that they came before."""

    def __init__(self) -> None:
        self._recent: set[str] = set()
        self._less_recent: set[str] = set()

    def __len__(self) -> int:
        """Ids that are remembered."""
        return len(self._recent) + len(self._less_recent)

    def is_repeat(self, event_id: str) -> bool:
        """Tell whether an event came before, and remember it."""
        recent = self._recent
        if event_id in recent or event_id in self._less_recent:
            return True
        recent.add(event_id)
        if len(recent) >= REPEAT_WINDOW:
            # Two generations: taking single ids out of the front of a dict would search for the front.
            self._recent, self._less_recent = set(), recent
        return False
