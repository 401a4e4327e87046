"""Reads single runs out of a recording, without what lies around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from etaoi_collector.recording.directory import Recording
from etaoi_collector.recording.formats import CorruptRecord, NativeFormat
from etaoi_collector.recording.frame_cache import FrameCache
from etaoi_collector.recording.random_access_file import PlainFile, let_go
from etaoi_collector.recording.record_items import event_batches
from etaoi_collector.recording.segment import Segment, TraceFileError, open_segment
from etaoi_collector.source_items import EventBatch, Missing
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_collector.wire.event_ref import pack_event_ref, unpack_event_ref
from etaoi_collector.wire.events import Event, Reject, StateTick
from etaoi_collector.wire.references import VALUES_BEGIN
from etaoi_collector.wire.trace_records import FRAME, PREFIX, read_prefix, segment_path

Extent = tuple[int, int, int]
"""A segment's number, the offset of a record in it, and the offset at which reading ends."""


LET_GO_AT = 32 << 20
"""Bytes that are looked at before the memory of what is mapped is given back to the system."""


def _is_of(event: Event | Reject, trace_id: str) -> bool:
    return not isinstance(event, Reject | StateTick) and event.trace_id == trace_id


class TornRecord(CorruptRecord):
    """The file ends within a record: what wrote it was killed, or writes on."""


class SegmentBytes:
    """One segment, mapped as far as it reached when it was last looked at: its records, and its bytes."""

    def __init__(self, segment: Segment) -> None:
        self.number = segment.number
        self.start = segment.start
        """Offset of the first record."""
        self.data = memoryview(segment.file.view(0, segment.file.total()))
        self._segment = segment
        self._looked_at = 0

    def look_again(self) -> None:
        """Map what was written since the last look."""
        file = self._segment.file
        if isinstance(file, PlainFile) and (size := file.total()) > len(self.data):
            self.data = memoryview(file.view(0, size))

    def cut(self) -> None:
        """Let go of what is not in the file any more: a mapped byte that is gone must not be touched."""
        file = self._segment.file
        if isinstance(file, PlainFile) and (size := file.total()) < len(self.data):
            self.data = self.data[:size]

    def looked_at(self, size: int) -> None:
        """Note that so many bytes were looked at: of a large recording only some stay in memory."""
        self._looked_at += size
        if self._looked_at >= LET_GO_AT:
            self._looked_at = 0
            let_go(self.data)

    def record(self, offset: int) -> tuple[int, float, int, int]:
        """Return kind, time, connection and end of the record at an offset.

        Raises:
            TornRecord: Not all of it is there.
            CorruptRecord: There is none.
        """
        if offset + PREFIX.size > len(self.data):
            raise TornRecord
        prefix = read_prefix(self.data, offset)
        if prefix is None:
            raise CorruptRecord
        kind, at, connection, length = prefix
        end = offset + PREFIX.size + length
        if end > len(self.data):
            raise TornRecord
        return kind, at, connection, end

    def close(self) -> None:
        """Release the file."""
        self.data = memoryview(b"")
        self._segment.file.close()


class RunReader:
    """Reads a recording of our own format at any place.

    Args:
        recording: The recording.

    Raises:
        TraceFileError: It is none of ours, or cannot be read.
    """

    def __init__(self, recording: Recording) -> None:
        self.segments: dict[int, SegmentBytes] = {}
        self._value_refs: list[int] = []
        self._looked_for_values_until: dict[int, int] = {}
        """Offsets at which looking for such frames goes on, by segment."""
        self._frames = FrameCache(self._frame, self.value_refs)
        self._key = recording.key
        self.recording_id = ""
        """The id in the header of its files."""
        try:
            for path in recording.files:
                self._open(path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> RunReader:
        """Use it for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at an event reference, or why they cannot be had."""
        return self._frames.read(event_ref)

    def look_again(self) -> None:
        """Take in what was written since the last look."""
        for segment in self.segments.values():
            segment.look_again()
        while self.segments:
            following = segment_path(self._key, max(self.segments) + 1)
            try:
                if not following.exists() or not self._open(following):
                    break
            except TraceFileError:
                break  # its header is not there yet

    def value_refs(self) -> list[int]:
        """Return the places of the frames that bring values for events, in order; each is looked for once."""
        until = self._looked_for_values_until
        for number, segment in self.segments.items():
            rest = (number, until.get(number, segment.start), len(segment.data))
            for _, offset, _, _, body in self.frames([rest]):
                if body[: len(VALUES_BEGIN)] == VALUES_BEGIN:
                    self._value_refs.append(pack_event_ref(number, offset))
                until[number] = offset + PREFIX.size + len(body)
        return self._value_refs

    def frame(self, event_ref: int) -> bytes | memoryview | Missing:
        """Return the bytes of the frame at a place, or why there are none."""
        return self._frame(event_ref)

    def load(self, store: Store, trace_id: str, extents: Iterable[Extent]) -> Trace | None:
        """Fold the events of one run.

        Args:
            store: What they are folded into.
            trace_id: The run.
            extents: Where its events lie; what else lies there is left out.

        Returns:
            The run; None when nothing of it lies there.

        Raises:
            CorruptRecord: Something else than records lies there.
        """
        for batch in self.batches(trace_id, extents):
            store.apply(batch.events, batch.base_ref + batch.first_ordinal, batch.connection)
        return store.traces.get(trace_id)

    def batches(self, trace_id: str, extents: Iterable[Extent]) -> Iterator[EventBatch]:
        """Yield the events of one run, as they lie; see `load`."""
        wanted = trace_id.encode()
        for number, offset, connection, at, body in self.frames(extents):
            if wanted not in bytes(body):
                continue
            for batch in event_batches(body, pack_event_ref(number, offset), connection, at):
                begin = 0
                for end in range(len(batch.events) + 1):
                    if end < len(batch.events) and _is_of(batch.events[end], trace_id):
                        continue
                    if end > begin:
                        ordinal = batch.first_ordinal + begin
                        yield EventBatch(batch.base_ref, ordinal, batch.events[begin:end], connection, at)
                    begin = end + 1

    def close(self) -> None:
        """Release all files."""
        self._frames.clear()
        for segment in self.segments.values():
            segment.close()
        self.segments.clear()

    def frames(self, extents: Iterable[Extent]) -> Iterator[tuple[int, int, int, float, memoryview]]:
        """Yield segment, offset, connection, time and bytes of the frames within extents, in order."""
        done: dict[int, int] = {}
        """How far each segment was read: extents may overlap."""
        for number, start, end in sorted(extents):
            segment = self.segments.get(number)
            if segment is None:
                continue  # it was deleted
            offset = max(start, done.get(number, 0))
            while offset < end:
                segment.cut()
                if offset >= len(segment.data):
                    break
                try:
                    kind, at, connection, stop = segment.record(offset)
                except TornRecord:
                    break
                segment.looked_at(stop - offset)
                if kind == FRAME:
                    yield number, offset, connection, at, segment.data[offset + PREFIX.size : stop]
                offset = stop
            done[number] = offset

    def _open(self, path: Path) -> bool:
        """Open one of its files; False for one that belongs to another recording."""
        segment = open_segment(path)
        header = segment.header
        if header is None or not isinstance(segment.format, NativeFormat):
            segment.file.close()
            raise TraceFileError(f"{path.name} is no recording of this program.")
        self.recording_id = self.recording_id or header.recording
        is_part = header.recording == self.recording_id and segment.number not in self.segments
        if is_part:
            self.segments[segment.number] = SegmentBytes(segment)
        else:
            segment.file.close()
        return is_part

    def _frame(self, event_ref: int) -> bytes | memoryview | Missing:
        number, offset, _ = unpack_event_ref(event_ref)
        segment = self.segments.get(number)
        if segment is None:
            return Missing("the recording does not hold it any more")
        segment.cut()
        try:
            _, _, _, stop = segment.record(offset)
        except CorruptRecord:
            return Missing("the recording does not hold it any more")
        segment.looked_at(stop - offset)
        return segment.data[offset + PREFIX.size : stop]
