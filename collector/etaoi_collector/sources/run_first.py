"""A recording of which one run comes first: it is on the screen at once, however large the recording is.

The catalogue says where the run lies. Its events are left out when the rest is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from etaoi_collector.recording.catalogue.database import CatalogueFile
from etaoi_collector.recording.catalogue.lookup import runs_of
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.directory import Recording, recording_at
from etaoi_collector.recording.formats import CorruptRecord
from etaoi_collector.recording.run_reader import RunReader
from etaoi_collector.recording.segment import TraceFileError
from etaoi_collector.source_items import EventBatch, Missing, RunFirst, SourceItem
from etaoi_collector.sources.base import EVENTS_PER_SECOND
from etaoi_collector.sources.replay import MOST_AT_ONCE, ReplaySource

LARGEST_RUN = 64 << 20
"""Bytes around a run up to which it comes first; a larger one comes in its turn."""


class RunFirstSource(ReplaySource):
    """Reads one run of a recording, then the rest.

    Args:
        recording: The recording; nobody writes it.
        run: The run.
        clock: Monotonic seconds.

    Raises:
        TraceFileError: The file cannot be read as a recording of this program.
    """

    def __init__(
        self, recording: Recording, run: RunRow, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runs = RunReader(recording)
        super().__init__(recording.path, clock=clock)
        self._run = run
        self._begun = False
        self._first = self._runs.batches(run.trace_id, run.extents)
        self._handed_over: set[int] = set()

    def take(self, seconds: float) -> list[SourceItem]:
        """Read on; see `Source.take`."""
        taken = self._take_first(seconds)
        if taken:
            return taken
        while given := super().take(seconds):
            kept = [item for one in given for item in self._without_first(one)]
            if kept:
                return kept
        return []

    def read(self, place: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``place``, or why they cannot be had."""
        found = self._runs.read(place)
        return super().read(place) if isinstance(found, Missing) else found

    def close(self) -> None:
        """Release the recording's files."""
        super().close()
        self._runs.close()

    def _take_first(self, seconds: float) -> list[SourceItem]:
        deadline = self._clock() + seconds
        left = max(1, min(MOST_AT_ONCE, int(seconds * EVENTS_PER_SECOND)))
        taken: list[SourceItem] = []
        if not self._begun:
            self._begun = True
            taken.append(RunFirst(self._run.trace_id, self._run.number))
        try:
            for batch in self._first:
                place = batch.base_ref + batch.first_ordinal
                self._handed_over.update(range(place, place + len(batch.events)))
                taken.append(batch)
                left -= len(batch.events)
                if left <= 0 or self._clock() >= deadline:
                    break
        except CorruptRecord:
            self._first = iter(())  # the rest of it comes in its turn
        return taken

    def _without_first(self, item: SourceItem) -> Iterator[SourceItem]:
        """Leave out of a batch what was handed over before."""
        if type(item) is not EventBatch:
            yield item
            return
        place = item.base_ref + item.first_ordinal
        places = range(place, place + len(item.events))
        if self._handed_over.isdisjoint(places):
            yield item
            return
        begin = 0
        for at, here in enumerate([*places, -1]):
            if here in self._handed_over or here == -1:
                if at > begin:
                    events = item.events[begin:at]
                    ordinal = item.first_ordinal + begin
                    yield EventBatch(item.base_ref, ordinal, events, item.connection, item.received)
                begin = at + 1
        self._handed_over.difference_update(places)


def open_run_first(path: Path, folder: Path, trace_id: str) -> RunFirstSource | None:
    """Open a recording so that one run comes first.

    Args:
        path: The recording.
        folder: The state folder, with the catalogue.
        trace_id: The run.

    Returns:
        None where the catalogue does not know it, or it is too large, or is being written.
    """
    recording = recording_at(path)
    if recording is None or recording.running or recording.path != recording.key:
        return None
    with CatalogueFile(folder) as file:
        rows = runs_of(file, recording) or []
    run = next((row for row in rows if row.trace_id == trace_id), None)
    if run is None or run.has_waits or sum(end - start for _, start, end in run.extents) > LARGEST_RUN:
        return None
    try:
        return RunFirstSource(recording, run)
    except TraceFileError:
        return None
