"""Frames that no file takes: the newest are in memory, and all are counted."""

from __future__ import annotations

from etaoi_collector.recording.chunks import Chunk, Cursor
from etaoi_collector.recording.frame_ring_buffer import FrameRingBuffer, StoredFrame
from etaoi_collector.wire.event_ref import pack_event_ref, unpack_event_ref
from etaoi_collector.wire.trace_records import FRAME, PREFIX, TraceWriter, read_prefix


class Unwritten:
    """What arrives while a file cannot be written. Its places follow those of the file that failed.

    Args:
        most: Bytes of frames to keep.
    """

    def __init__(self, most: int) -> None:
        self.frames = 0
        """How many there were, ever."""
        self.next = 0
        """Offset at which the next one will be said to lie."""
        self._ring = FrameRingBuffer(most)
        self._since = 0
        self._bytes = 0

    @property
    def since(self) -> tuple[int, int]:
        """Frames and bytes since `begin`."""
        return self._since, self._bytes

    def begin(self, number: int, writer: TraceWriter | None) -> int:
        """Take over what a file did not take; returns the event reference of the last of its frames, or -1.

        Args:
            number: The file's segment.
            writer: Has what is missing there; None when there is no file.
        """
        self._since = self._bytes = 0
        event_ref = -1
        if writer is None:
            return event_ref
        self.next = writer.size
        for offset, prefix, body in writer.unwritten():
            if prefix and prefix[1] == FRAME:
                _, at, connection, _ = read_prefix(prefix, 0) or (0, 0.0, 0, 0)
                event_ref = pack_event_ref(number, offset)
                self._put(event_ref, at, connection, body)
        return event_ref

    def append(self, number: int, received: float, connection: int, frame: bytes) -> int:
        """Keep a frame; returns its event reference."""
        event_ref = pack_event_ref(number, self.next)
        self.next += PREFIX.size + len(frame)
        self._put(event_ref, received, connection, frame)
        return event_ref

    def get(self, event_ref: int) -> StoredFrame | None:
        """Return the frame at an event reference, if it is still there."""
        return self._ring.get(event_ref)

    def contains(self, event_ref: int, frame: bytes) -> bool:
        """Tell whether exactly this object is kept at an event reference."""
        return self._ring.contains(event_ref, frame)

    def next_after(self, event_ref: int) -> int | None:
        """Return the event reference of the first frame after ``event_ref``."""
        return self._ring.next_after(event_ref)

    def chunk(self, number: int, offset: int) -> Chunk | None:
        """Return the first frame of a segment at an offset or after it, as the record that no file holds."""
        wanted = pack_event_ref(number, offset)
        event_ref = wanted if self._ring.get(wanted) is not None else self._ring.next_after(wanted)
        record = None if event_ref is None else self._ring.get(event_ref)
        if event_ref is None or record is None:
            return None
        segment_number, frame_offset, _ = unpack_event_ref(event_ref)
        if segment_number != number:
            return None
        received, connection, frame = record
        prefix = PREFIX.pack(0x94, FRAME, 0xCB, received, 0xCE, connection, 0xC6, len(frame))
        data = b"".join((prefix, frame))
        return Chunk(
            Cursor(number, frame_offset),
            data,
            Cursor(number, frame_offset + len(data)),
            frame_offset - offset,
        )

    def _put(self, event_ref: int, received: float, connection: int, frame: bytes | memoryview) -> None:
        self.frames += 1
        self._since += 1
        self._bytes += len(frame)
        self._ring.put(event_ref, received, connection, frame)
