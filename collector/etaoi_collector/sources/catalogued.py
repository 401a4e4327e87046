"""A recording that the catalogue knows: all of its runs are listed at once, however large it is.

The spans of a run that somebody looks at are read next; the rest in the order in which it was recorded. Of
one that grows, what the catalogue does not tell yet is handed over meanwhile.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from etaoi_collector.recording.catalogue.database import CatalogueFile
from etaoi_collector.recording.catalogue.lookup import listed_runs
from etaoi_collector.recording.catalogue.run_row import ListedRow
from etaoi_collector.recording.directory import Recording, key_of, recording_at
from etaoi_collector.recording.formats import CorruptRecord
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.run_reader import RunReader
from etaoi_collector.recording.segment import TraceFileError
from etaoi_collector.source_items import Ended, EventBatch, Missing, RunsListed, SourceItem
from etaoi_collector.sources.base import EVENTS_PER_SECOND
from etaoi_collector.sources.newest_events import NewestEvents
from etaoi_collector.sources.replay import MOST_AT_ONCE, ReplaySource
from etaoi_collector.store.model import Status
from etaoi_collector.wire.event_ref import pack_event_ref
from etaoi_collector.wire.events import Event, Reject, StateTick

LARGEST_RUN = 64 << 20
"""Bytes around a run, and what is read with it, up to which it is read next; larger ones wait."""

LARGEST_AHEAD = 8 << 20
"""The same where nobody asked for the run, but it goes on at the end of a recording that grows."""

MOST_TOGETHER = 256
"""Runs that are read with one."""

MOST_AHEAD = 1 << 18
"""Events that may be handed over before their turn: each is remembered until then."""

_number = attrgetter("number")


class CataloguedSource(ReplaySource):
    """Lists the runs of a recording, then reads those first that are asked for.

    Args:
        recording: The recording.
        rows: What the catalogue says of its runs, in order of arrival.
        told_until: Segment and offset of the record from which on there is more than the rows tell; None if
            there is none, or no such place is known.
        clock: Monotonic seconds.

    Raises:
        TraceFileError: The file cannot be read as a recording of this program.
    """

    def __init__(
        self,
        recording: Recording,
        rows: Sequence[ListedRow],
        told_until: tuple[int, int] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs = RunReader(recording)
        super().__init__(TraceReader(recording.path), clock=clock)
        self.rows = rows
        """What its catalogue said of its runs, in order of arrival."""
        self._by_id = {row.trace_id: row for row in rows}
        self._by_session: dict[str, list[ListedRow]] = {}
        for row in rows:
            self._by_session.setdefault(row.session_id, []).append(row)
        self._listed = False
        self._reached = -1
        """The rest was read up to this place."""
        self._next: deque[tuple[ListedRow, bool]] = deque()
        """Runs that are read next, and whether something of them was handed over before."""
        self._batches: Iterator[EventBatch] | None = None
        """What is left of the first of them."""
        self._handed_over: set[int] = set()
        """Places of events that were handed over before their turn."""
        self._ended: Ended | None = None
        self._newest = None if told_until is None else NewestEvents(self._runs, told_until)
        self._newest_is_next = True
        self._whole: set[str] = set()
        """Runs of which all was handed over that the rows tell."""
        self._in_turn: set[str] = set()
        """Runs whose newest events have to wait for their turn."""

    @property
    def newest_run(self) -> str:
        """Id of the run that came last; empty if there is none."""
        return next((row.trace_id for row in reversed(self.rows) if row.is_run), "")

    @property
    def recording_id(self) -> str:
        """The id in the header of the files that are open."""
        return self._runs.recording_id

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """Read a run next; see `Source.prefer`."""
        row = self._by_id.get(trace_id)
        if row is not None and not any(one is row for one, _ in self._next):
            self._prefer(row, is_held, LARGEST_RUN)

    def take(self, seconds: float) -> list[SourceItem]:
        """Read on; see `Source.take`."""
        if not self._listed:
            self._listed = True
            self._read_waiting()
            return [RunsListed(self.rows), *self._take_preferred(seconds)]
        first_items = self._take_preferred(seconds)
        if first_items:
            return first_items
        self._newest_is_next = not self._newest_is_next
        if self._newest_is_next and (newest_items := self._take_newest(seconds)):
            return newest_items
        return self._take_rest(seconds)

    def _take_rest(self, seconds: float) -> list[SourceItem]:
        deadline = self._clock() + seconds
        while items := super().take(seconds):
            unseen_items = [item for one in items for item in self._without_preferred(one)]
            if unseen_items:
                return unseen_items
            if self._clock() >= deadline:
                return [EventBatch(-1, 0, [], 0, 0.0)]  # more waits
        self._newest = None  # all that is there was read: what follows comes in its turn
        return []

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had."""
        event_bytes = self._runs.read(event_ref)
        return super().read(event_ref) if isinstance(event_bytes, Missing) else event_bytes

    def close(self) -> None:
        """Release the recording's files."""
        super().close()
        self._runs.close()

    def _read_waiting(self) -> None:
        """Read the runs that wait: the newest events may go on with them."""
        waiting = [row for row in self.rows if row.status == Status.PAUSED]
        if self._newest is not None and not all(self._prefer(row, _always, LARGEST_AHEAD) for row in waiting):
            self._newest = None

    def _prefer(self, row: ListedRow, is_held: Callable[[str], bool], most: int) -> bool:
        """Read a run next; False for one of more bytes than can be read in between."""
        together = self._together(row)
        if sum(end - start for one in together for _, start, end in one.extents) > most:
            return False
        self._next.extend((one, is_held(one.trace_id)) for one in together)
        return True

    def _together(self, row: ListedRow) -> list[ListedRow]:
        """Return the runs that are read with one, in order.

        What is shown in another run's tree, such as the turns of a call, belongs to it. What a run that goes
        on with a waiting one means depends on the order of the two.
        """
        near = self._by_session[row.session_id]
        at = bisect_left(near, row.number, key=_number)
        parts = [one for one in near[max(0, at - 8) : at + MOST_TOGETHER] if not one.is_run]
        if row.has_waits:
            parts += [one for one in self.rows if one.has_waits and _goes_before(one, row)]
        return sorted({one.trace_id: one for one in (*parts, row)}.values(), key=_number)

    def _take_preferred(self, seconds: float) -> list[SourceItem]:
        deadline = self._clock() + seconds
        remaining = max(1, min(MOST_AT_ONCE, int(seconds * EVENTS_PER_SECOND)))
        items: list[SourceItem] = []
        # Until something was found: what comes in its turn must not come between a run's events.
        while self._next and not (items and (remaining <= 0 or self._clock() >= deadline)):
            row, is_held = self._next[0]
            if self._batches is None:
                self._batches = self._runs.batches(row.trace_id, row.extents)
            try:
                batch = next(self._batches, None)
                if batch is None:
                    self._whole.add(row.trace_id)
            except CorruptRecord:
                batch = None  # the rest of it comes in its turn
            if batch is None:
                self._batches = None
                self._next.popleft()
                continue
            for part in _parts(batch, self._was_taken if is_held else _never):
                first_ref = part.base_ref + part.first_ordinal
                event_refs = range(first_ref, first_ref + len(part.events))
                if first_ref > self._reached:
                    self._handed_over.update(event_refs)
                items.append(part)
                remaining -= len(event_refs)
        if items and self._ended is not None and not self._next:
            items.append(self._ended)  # of what is open in them nothing more will come, either
        return items

    def _take_newest(self, seconds: float) -> list[SourceItem]:
        """Hand over what was recorded since the rows were written, where all that was before it is there."""
        deadline = self._clock() + seconds
        items: list[SourceItem] = []
        while self._newest is not None and len(self._handed_over) < MOST_AHEAD and self._clock() < deadline:
            try:
                batch = self._newest.next_batch()
            except CorruptRecord:
                self._newest = None
                break
            if batch is None:
                break
            first_ref = batch.base_ref + batch.first_ordinal
            placed = list(enumerate(batch.events, first_ref))
            ahead = {ref for ref, event in placed if self._is_ahead(event, ref)}
            if self._next:  # a run that goes on in it is read before it does
                self._newest.hold_back(batch)
                break
            self._handed_over |= ahead
            items += _parts(batch, {ref for ref, _ in placed if ref not in ahead}.__contains__)
        return items

    def _is_ahead(self, event: Event | Reject, event_ref: int) -> bool:
        """Whether an event can be handed over before its turn; a run that it goes on with is read first."""
        if isinstance(event, Reject | StateTick) or self._was_taken(event_ref):
            return False
        trace_id = event.trace_id
        if trace_id in self._in_turn:
            return False
        row = self._by_id.get(trace_id)
        if row is None or trace_id in self._whole:
            return True
        if row.extents:
            number, _, end = row.extents[-1]
            if pack_event_ref(number, end) <= self._reached:
                self._whole.add(trace_id)
                return True
        if not self._prefer(row, _always, LARGEST_AHEAD):
            self._in_turn.add(trace_id)
        return False

    def _was_taken(self, event_ref: int) -> bool:
        return event_ref <= self._reached or event_ref in self._handed_over

    def _without_preferred(self, item: SourceItem) -> Iterator[SourceItem]:
        """Leave out of what comes in its turn what was handed over before."""
        if type(item) is Ended:
            self._ended = item
        if type(item) is not EventBatch or item.base_ref < 0:
            yield item
            return
        first_ref = item.base_ref + item.first_ordinal
        event_refs = range(first_ref, first_ref + len(item.events))
        if self._handed_over.isdisjoint(event_refs):
            yield item
        else:
            yield from _parts(item, self._handed_over.__contains__)
            self._handed_over.difference_update(event_refs)
        self._reached = max(self._reached, event_refs[-1]) if event_refs else self._reached


def _goes_before(one: ListedRow, row: ListedRow) -> bool:
    same = one.session_id == row.session_id or (one.thread is not None and one.thread == row.thread)
    return same and one.number < row.number


def _never(event_ref: int) -> bool:
    return False


def _always(trace_id: str) -> bool:
    return True


def _parts(batch: EventBatch, is_left_out: Callable[[int], bool]) -> Iterator[EventBatch]:
    """Yield a batch without some of its events, which are told by their places."""
    first = batch.base_ref + batch.first_ordinal
    begin = 0
    for at in range(len(batch.events) + 1):
        if at == len(batch.events) or is_left_out(first + at):
            if at > begin:
                events, ordinal = batch.events[begin:at], batch.first_ordinal + begin
                yield EventBatch(batch.base_ref, ordinal, events, batch.connection, batch.received)
            begin = at + 1


def open_catalogued(path: Path, folder: Path) -> CataloguedSource | None:
    """Open a recording with all of its runs.

    Args:
        path: The recording's first file that is there.
        folder: The state folder, with the catalogue.

    Returns:
        None where the catalogue does not know it.
    """
    recording = recording_at(key_of(path))
    if recording is None or recording.path != path:
        return None
    with CatalogueFile(folder) as file:
        listing = listed_runs(file, recording)
    if listing is None or not listing[1]:
        return None
    entry, rows = listing
    if not entry.complete and recording.path != recording.key:
        return None  # rows tell of runs whose beginning was deleted
    try:
        source = CataloguedSource(recording, rows, None if entry.complete else entry.told_until)
    except TraceFileError:
        return None
    if source.recording_id != entry.identity.recording:  # it was replaced between the two looks
        source.close()
        return None
    return source
