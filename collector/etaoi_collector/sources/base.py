"""What a viewer reads from: a running collector or a recording, through one interface."""

from __future__ import annotations

from typing import Protocol

import msgspec

from etaoi_collector.source_items import (
    Closed,
    Ended,
    EventBatch,
    FrameRefused,
    Missing,
    Opened,
    SourceItem,
)

__all__ = [
    "EVENTS_PER_SECOND",
    "Closed",
    "Ended",
    "EventBatch",
    "FrameRefused",
    "Missing",
    "Opened",
    "Progress",
    "Source",
    "SourceItem",
]

EVENTS_PER_SECOND = 400_000
"""What a reader is assumed to take in: bounds how many events one `Source.take` returns."""


class Progress(msgspec.Struct, gc=False, frozen=True):
    """How far a recording was read."""

    done: int
    """Bytes read."""
    total: int
    """Bytes there are; grows while the file does."""

    @property
    def share(self) -> float:
        """The same from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0


class Source(Protocol):
    """Where events come from. One thread reads it; `read` is for the same thread."""

    @property
    def live(self) -> bool:
        """True for a running collector or a recording that is still being written."""

    @property
    def progress(self) -> Progress | None:
        """How far a recording was read; None when there is nothing to wait for."""

    @property
    def notices(self) -> list[str]:
        """Sentences about what is odd with the source: a torn end, a disk that is full. May grow."""

    def take(self, seconds: float) -> list[SourceItem]:
        """Return what arrived, in order, and stop about ``seconds`` after the call began.

        At least one item is returned when any waits; an empty list says that nothing does, for now.
        """

    def read(self, place: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``place``, or why they cannot be had."""

    def close(self) -> None:
        """Release files. For a live source the collector goes on: stop it yourself."""
