"""A recording as a viewer's source: a fast live stream, read as the viewer asks for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import EventBatch, Missing, SourceItem
from etaoi_collector.sources.base import EVENTS_PER_SECOND, Progress, SourceKind, SourceStatus

MOST_AT_ONCE = 256
"""Events that one `take` decodes at most: what was just decoded is folded while it is in the processor's
cache. A thousand more cost half as much again, each."""


class ReplaySource:
    """Reads a recording; one that is still being written is followed.

    Args:
        path: The recording's file, or a reader of it.
        clock: Monotonic seconds.

    Raises:
        TraceFileError: The file cannot be read as a recording.
    """

    def __init__(
        self, path: str | os.PathLike[str] | TraceReader, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not isinstance(path, TraceReader):
            from etaoi_collector.readers.registry import open_recording  # what reads the files of others

            path = open_recording(path)
        self.reader = path
        self._clock = clock

    @property
    def live(self) -> bool:
        """The recording is still being written."""
        return self.reader.growing

    def status(self) -> SourceStatus:
        """Return which file is read, and how far; there is no progress any more once its end was reached."""
        reader = self.reader
        progress = None if reader.ended else Progress(reader.position, reader.size)
        return SourceStatus(SourceKind.REPLAY, reader.path.name, progress=progress)

    def start(self) -> None:
        """Nothing to do: a recording waits for nobody."""

    @property
    def notices(self) -> list[str]:
        """What is odd with the recording."""
        return self.reader.notices

    def take(self, seconds: float) -> list[SourceItem]:
        """Read on; see `Source.take`."""
        deadline = self._clock() + seconds
        remaining = max(1, min(MOST_AT_ONCE, int(seconds * EVENTS_PER_SECOND)))
        items: list[SourceItem] = []
        for item in self.reader.arrivals():
            items.append(item)
            remaining -= len(item.events) if type(item) is EventBatch else 0
            if remaining <= 0 or self._clock() >= deadline:
                break
        return items

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had."""
        return self.reader.read(event_ref)

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """Everything comes in its turn."""

    def close(self) -> None:
        """Release the recording's files."""
        self.reader.close()
