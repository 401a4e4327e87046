"""What a viewer reads from: a running collector or a recording, through one interface."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
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


class SourceKind(StrEnum):
    """What stands behind a source."""

    LIVE = "live"
    """A collector of this process, which agents connect to."""
    REMOTE = "remote"
    """The collector of another viewer, which is followed."""
    REPLAY = "replay"
    """A recording."""


class RecordingStatus(msgspec.Struct, gc=False, frozen=True):
    """How the recording of a live run is doing."""

    is_kept: bool = False
    """It goes to a file that stays."""
    written: int = 0
    """Bytes so far."""
    warning: str = ""
    """Why nothing is recorded any more; empty while all is well."""


class SourceStatus(msgspec.Struct, gc=False, frozen=True):
    """How a source is doing just now."""

    kind: SourceKind
    name: str
    """What a person calls it: the recording's file name, or host and port."""
    endpoint: str = ""
    """The URL that agents connect to; empty for a recording."""
    token: bool = False
    """Agents need a token."""
    clients: int = 0
    """Agents that are connected."""
    recording: RecordingStatus = RecordingStatus()
    lost: int = 0
    """Events that arrived and could not be kept."""
    progress: Progress | None = None
    """How far a recording was read; None when there is nothing to wait for."""


def endpoint_name(url: str) -> str:
    """Return host and port of an endpoint, as a person reads it."""
    return url.removeprefix("ws://").removeprefix("wss://").removesuffix("/ingest")


class Source(Protocol):
    """Where events come from. One thread reads it; `read` is for the same thread."""

    @property
    def live(self) -> bool:
        """True for a running collector or a recording that is still being written."""

    @property
    def notices(self) -> list[str]:
        """Sentences about what is odd with the source: a torn end, a disk that is full. May grow."""

    def status(self) -> SourceStatus:
        """Return how it is doing; cheap enough for every tick."""

    def start(self) -> None:
        """Let agents in, where that waited for the first screen. Does nothing the second time."""

    def take(self, seconds: float) -> list[SourceItem]:
        """Return what arrived, in order, and stop about ``seconds`` after the call began.

        At least one item is returned when any waits; an empty list says that nothing does, for now.
        """

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had."""

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """Hand the events of a run over next, with what belongs to it; where that cannot be, nothing happens.

        Args:
            trace_id: The run.
            is_held: Whether something of a run that was handed over is still in memory.
        """

    def close(self) -> None:
        """Release files. For a live source the collector goes on: stop it yourself."""
