"""Reads the end of a recording that grows, from where its catalogue stops, before the rest of it was read."""

from __future__ import annotations

from collections.abc import Iterator

from etaoi_collector.recording.record_items import event_batches
from etaoi_collector.recording.run_reader import RunReader
from etaoi_collector.source_items import EventBatch
from etaoi_collector.wire.event_ref import OFFSET_BITS, pack_event_ref
from etaoi_collector.wire.trace_records import PREFIX


class NewestEvents:
    """Yields events as they are recorded.

    Args:
        runs: The recording.
        begin: Segment and offset of the record to begin with.
    """

    def __init__(self, runs: RunReader, begin: tuple[int, int]) -> None:
        self._runs = runs
        self._at = begin
        self._batches: Iterator[EventBatch] = iter(())
        """What is left of the frame that was met last."""
        self._held_back: EventBatch | None = None

    def next_batch(self) -> EventBatch | None:
        """Return the next events; None when no more are there for now.

        Raises:
            CorruptRecord: Something else than records follows.
        """
        held_back, self._held_back = self._held_back, None
        if held_back is not None:
            return held_back
        while (batch := next(self._batches, None)) is None:
            if not self._next_frame():
                self._runs.look_again()
                if not self._next_frame():
                    return None
        return batch

    def hold_back(self, batch: EventBatch) -> None:
        """Return a batch again the next time."""
        self._held_back = batch

    def _next_frame(self) -> bool:
        first, begin = self._at
        rest = [
            (number, begin if number == first else segment.start, 1 << OFFSET_BITS)
            for number, segment in self._runs.segments.items()
            if number >= first
        ]
        for number, offset, connection, at, body in self._runs.frames(rest):
            self._at = number, offset + PREFIX.size + len(body)
            self._batches = event_batches(body, pack_event_ref(number, offset), connection, at)
            return True
        return False
