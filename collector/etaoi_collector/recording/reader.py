"""Reads recordings, lazily and in order: what a collector would have handed over while they were made.

Three formats, each plain or compressed with gzip or zstd: our own trace file with its following segments, a
stream of frames, and a stream of ``[time, frame]``. A torn or damaged part costs that part and leaves a
notice.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator

from etaoi_collector.recording.formats import (
    FRAME,
    HELLO,
    CorruptRecord,
    NativeFormat,
    PlainStream,
    RecordHeader,
)
from etaoi_collector.recording.frame_cache import FrameCache
from etaoi_collector.recording.random_access_file import RandomAccessFile
from etaoi_collector.recording.record_items import EVENTS_PER_BATCH, connection_item, event_batches
from etaoi_collector.recording.segment import Segment, TraceFileError, open_segment
from etaoi_collector.source_items import (
    Closed,
    Ended,
    EventBatch,
    Missing,
    Opened,
    SourceItem,
)
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.event_ref import pack_event_ref, unpack_event_ref
from etaoi_collector.wire.events import Event, Reject
from etaoi_collector.wire.handshake import HandshakeError, decode_hello, describe_client
from etaoi_collector.wire.references import VALUES_BEGIN
from etaoi_collector.wire.trace_records import (
    PREFIX,
    first_segment_path,
    next_segment,
    read_prefix,
    segment_path,
)

__all__ = ["TraceFileError", "TraceReader"]

_CHUNK = 256 << 10
_RECORD_START = re.compile(rb"\x94[\x01-\x04]\xcb.{8}\xce.{4}\xc6.{4}", re.DOTALL)


class TraceReader:
    """Reads one recording with all its segments.

    Args:
        path: The recording's file; of one in several segments the first.
        events_per_item: Events that one `EventBatch` item holds at most.
        follow: Wait for more at the end even if nobody is known to write the file.

    Raises:
        TraceFileError: The file cannot be read as a recording.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, events_per_item: int = EVENTS_PER_BATCH, follow: bool = False
    ) -> None:
        first = open_segment(path)
        self.path = first.path
        self.header = first.header
        """The trace file's header; None for other formats."""
        self.ended = False
        """The end was reached and nobody writes any more."""
        self._own_notices: list[str] = []
        if first.header is not None and (part := first.header.segment):
            previous_segment = segment_path(first_segment_path(first.path, part), part - 1)
            where = "are in other files" if previous_segment.exists() else "were not kept"
            self._own_notices.append(f"This is part {part + 1} of a recording; earlier parts {where}.")
        self._segments = [first]
        self._by_number = {first.number: first}
        self._follow = follow
        self._untimed = isinstance(first.format, PlainStream)
        self._per_item = events_per_item
        self._value_refs: list[int] = []
        self._splits = FrameCache(self._frame, lambda: self._value_refs)
        self._chunk: bytes | memoryview = b""
        self._chunk_at = 0
        self._offset = first.start
        self._queue: deque[SourceItem] = deque()
        self._batches: Iterator[EventBatch] = iter(())
        """What is left of the frame that was met last."""
        self._connections: dict[int, Connection] = {}
        self._number = 0
        self._last_time = first.header.created if first.header else 0.0
        self._records = 0

    @property
    def size(self) -> int:
        """Bytes of all segments that are known, on disk."""
        return sum(segment.file.total() for segment in self._segments)

    @property
    def position(self) -> int:
        """Bytes of them that were read."""
        earlier_bytes = sum(segment.file.total() for segment in self._segments[:-1])
        return earlier_bytes + self._segments[-1].file.consumed(self._offset)

    @property
    def notices(self) -> list[str]:
        """Sentences about what is odd with the recording; grows while it is read."""
        return self._own_notices + [notice for segment in self._segments for notice in segment.file.notices]

    @property
    def growing(self) -> bool:
        """More may come: somebody writes the file, or it is being followed."""
        return not self.ended and (self._follow or self._segments[-1].file.growing())

    def follow(self, on: bool = True) -> None:
        """Wait for more at the end, or stop doing so; for a writer that does not lock its file."""
        self._follow = on

    def arrivals(self) -> Iterator[SourceItem]:
        """Iterate over what follows, and stop when nothing more is there for now.

        Reading goes on where the last iterator stopped, so a caller may leave it after any item, and ask
        again when the file has grown. After `Ended` there is nothing more.
        """
        while (item := self.next_arrival()) is not None:
            yield item

    def next_arrival(self) -> SourceItem | None:
        """Return the next item; None when nothing more is there for now."""
        if self._queue:
            return self._queue.popleft()
        while not self.ended:
            batch = next(self._batches, None)
            if batch is not None:
                if self._untimed:
                    self._read_time(batch.events)
                    batch.received = self._last_time
                return batch
            head = self._next_head()
            if head is None:
                if not self._at_end():
                    return None
            elif not self._is_damaged(head):
                self._take(head)
            if self._queue:
                return self._queue.popleft()
        return None

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had."""
        return self._splits.read(event_ref)

    def close(self) -> None:
        """Release all files."""
        self.ended = True
        self._splits.clear()
        self._chunk = b""
        self._batches = iter(())
        for segment in self._segments:
            segment.file.close()

    def _frame(self, event_ref: int) -> bytes | memoryview | Missing:
        number, offset, _ = unpack_event_ref(event_ref)
        segment = self._by_number.get(number)
        try:
            frame = segment.frame_at(offset) if segment is not None else None
        except (OSError, ValueError) as error:
            return Missing(f"the file cannot be read: {error}")
        return Missing("the file does not hold it any more") if frame is None else frame

    def _next_head(self) -> RecordHeader | None:
        """Find the next whole record; its head counts from the chunk's start. None at the end of the data."""
        segment = self._segments[-1]
        while True:
            at = self._offset - self._chunk_at
            try:
                head = segment.format.head(self._chunk, at) if 0 <= at < len(self._chunk) else None
            except CorruptRecord:
                if not self._resynchronise(segment):
                    return None
                continue
            if head is not None and head.end <= len(self._chunk):
                return head
            size = max(_CHUNK, head.end - at) if head is not None else _CHUNK
            if head is None and at == 0:
                size = max(_CHUNK, len(self._chunk) * 4)
            chunk = segment.file.view(self._offset, size)
            if at == 0 and len(chunk) <= len(self._chunk):
                return None
            self._chunk, self._chunk_at = chunk, self._offset
            if not chunk:
                return None

    def _take(self, head: RecordHeader) -> None:
        """Turn a record into items of the queue."""
        at = self._last_time if head.at is None else head.at
        if at == at and abs(at) < 1e12:  # neither NaN nor a number that no clock shows
            self._last_time = at
        self._records += 1
        body = memoryview(self._chunk)[head.body : head.end]
        event_ref = pack_event_ref(self._segments[-1].number, self._offset)
        self._offset = self._chunk_at + head.end
        number = self._number if head.connection is None else head.connection
        if head.kind == FRAME:
            if body[: len(VALUES_BEGIN)] == VALUES_BEGIN:
                self._value_refs.append(event_ref)
            if number not in self._connections:
                self._number = max(self._number, number)
                self._open(Connection(number, "unknown", self._last_time))
            self._batches = event_batches(body, event_ref, number, self._last_time, most=self._per_item)
        elif head.kind == HELLO:
            self._take_hello(body)
        else:
            self._take_connection_record(head.kind, head.connection or 0, body)

    def _take_connection_record(self, kind: int, number: int, body: memoryview) -> None:
        parsed = connection_item(kind, self._last_time, number, body)
        if parsed is None:
            return
        item, again = parsed
        if isinstance(item, Opened):
            if not (again and number in self._connections):
                self._open(item.connection)
        elif not isinstance(item, Closed) or self._connections.pop(number, None) is not None:
            self._queue.append(item)

    def _read_time(self, events: list[Event | Reject]) -> None:
        """Take the time from events in a format that does not tell when they arrived."""
        for event in reversed(events):
            if not isinstance(event, Reject):
                self._last_time = max(self._last_time, event.timestamp.timestamp())
                return

    def _take_hello(self, body: memoryview) -> None:
        try:
            hello = decode_hello(body)
        except HandshakeError:
            self._own_notices.append("A message that is neither a frame nor a client's hello was left out.")
            return
        self._number += 1
        self._open(Connection(self._number, "recorded", self._last_time, describe_client(hello)))

    def _open(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        self._queue.append(Opened(connection))

    def _at_end(self) -> bool:
        """Handle the end of the data; True when there is something to go on with."""
        segment = self._segments[-1]
        following, not_kept = _following(segment, self._segments[0])
        growing = self.growing
        if self._next_head() is not None:  # written between the two looks
            return True
        if following is None and growing:
            return False
        if self._skip_to_record(segment, self._offset + 1, None):
            return True
        trailing_bytes = self._rest(segment)
        if trailing_bytes:
            self._own_notices.append(
                f"{segment.path.name} breaks off within a record: "
                f"its last {trailing_bytes:,} bytes were left out."
            )
        if following is not None:
            self._own_notices += not_kept
            self._segments.append(following)
            self._by_number[following.number] = following
            self._chunk, self._chunk_at, self._offset = b"", 0, following.start
            return True
        if self._records == 0:
            self._own_notices.append("Nothing was recorded.")
        for number in self._connections:
            self._queue.append(Closed(number, self._last_time, None, "the recording ends here"))
        self._connections.clear()
        self._queue.append(Ended(self._last_time))
        self.ended = True
        return True

    def _rest(self, segment: Segment) -> int:
        """Count the bytes after the last whole record."""
        trailing_bytes = 0
        while piece := segment.file.view(self._offset + trailing_bytes, _CHUNK):
            trailing_bytes += len(piece)
        self._offset += trailing_bytes
        return trailing_bytes

    def _resynchronise(self, segment: Segment) -> bool:
        """Find the next record after bytes that are none; False when no more follow."""
        start = self._offset
        if not isinstance(segment.format, NativeFormat):
            self._rest(segment)
            self._own_notices.append(
                f"{segment.path.name} cannot be read from byte {start:,} on; everything before is shown."
            )
            self._chunk, self._chunk_at = b"", self._offset
            return False
        if not self._skip_to_record(segment, start + 1, None):
            trailing_bytes = self._rest(segment)
            self._chunk, self._chunk_at = b"", self._offset
            self._own_notices.append(_left_out(segment, start, trailing_bytes))
        return True

    def _is_damaged(self, head: RecordHeader) -> bool:
        """Whether a record is none: nothing follows it, but records are within it. They come next then."""
        segment = self._segments[-1]
        if not isinstance(segment.format, NativeFormat):
            return False
        end = self._chunk_at + head.end
        after = segment.file.view(end, PREFIX.size)
        if len(after) < PREFIX.size or read_prefix(after, 0) is not None:
            return False
        return self._skip_to_record(segment, self._offset + 1, end)

    def _skip_to_record(self, segment: Segment, offset: int, end: int | None) -> bool:
        """Go on with the first record from an offset on; False when there is none before ``end``."""
        if not isinstance(segment.format, NativeFormat):
            return False
        start = self._offset
        while (end is None or offset < end) and (piece := segment.file.view(offset, _CHUNK)):
            record_offset = _plausible_record(segment.file, piece, offset)
            if record_offset is not None:
                offset += record_offset
                if end is not None and offset >= end:
                    return False
                self._chunk, self._chunk_at, self._offset = b"", offset, offset
                self._own_notices.append(_left_out(segment, start, offset - start))
                return True
            if len(piece) <= PREFIX.size:
                return False
            offset += len(piece) - PREFIX.size
        return False


def _following(segment: Segment, first: Segment) -> tuple[Segment | None, list[str]]:
    """Open the file in which a recording goes on, if there is one; say which parts in between are gone."""
    if segment.header is None or first.header is None or segment.header.segment < 0:
        return None, []
    base = first_segment_path(first.path, first.header.segment)
    expected = segment.header.segment + 1
    number = expected
    if not segment_path(base, number).exists():
        number = 0 if segment.file.growing() else next_segment(base, number)
    if not number:
        return None, []
    try:
        following = open_segment(segment_path(base, number))
    except TraceFileError:
        return None, []
    header = following.header
    if header is None or header.recording != first.header.recording or header.segment != number:
        following.file.close()
        return None, []
    if number == expected:
        return following, []
    lost = f"Part {number} was" if number == expected + 1 else f"Parts {expected + 1} to {number} were"
    return following, [f"{lost} not kept."]


def _left_out(segment: Segment, start: int, size: int) -> str:
    return f"{segment.path.name} is damaged: {size:,} bytes at byte {start:,} were left out."


def _plausible_record(file: RandomAccessFile, piece: bytes | memoryview, offset: int) -> int | None:
    """Find bytes in ``piece`` that look like a record and that another one or the file's end follows."""
    for match in _RECORD_START.finditer(piece):
        prefix = read_prefix(piece, match.start())
        if prefix is not None:
            after = file.view(offset + match.start() + PREFIX.size + prefix[3], PREFIX.size)
            if len(after) < PREFIX.size or read_prefix(after, 0) is not None:
                return match.start()
    return None
