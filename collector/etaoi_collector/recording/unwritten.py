"""Frames that no file takes: the newest are in memory, and all are counted."""

from __future__ import annotations

from etaoi_collector.recording.chunks import Chunk, Cursor
from etaoi_collector.recording.frame_ring_buffer import FrameRingBuffer, Kept
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
        """Take over what a file did not take; returns the place of the last of its frames, or -1.

        Args:
            number: The file's segment.
            writer: Has what is missing there; None when there is no file.
        """
        self._since = self._bytes = 0
        place = -1
        if writer is None:
            return place
        self.next = writer.size
        for offset, prefix, body in writer.unwritten():
            if prefix and prefix[1] == FRAME:
                _, at, connection, _ = read_prefix(prefix, 0) or (0, 0.0, 0, 0)
                place = pack_event_ref(number, offset)
                self._put(place, at, connection, body)
        return place

    def append(self, number: int, received: float, connection: int, frame: bytes) -> int:
        """Keep a frame; returns its place."""
        place = pack_event_ref(number, self.next)
        self.next += PREFIX.size + len(frame)
        self._put(place, received, connection, frame)
        return place

    def get(self, place: int) -> Kept | None:
        """Return the frame at a place, if it is still there."""
        return self._ring.get(place)

    def holds(self, place: int, frame: bytes) -> bool:
        """Tell whether exactly this object is kept at a place."""
        return self._ring.holds(place, frame)

    def next_after(self, place: int) -> int | None:
        """Return the place of the first frame after ``place``."""
        return self._ring.next_after(place)

    def chunk(self, number: int, offset: int) -> Chunk | None:
        """Return the first frame of a segment at an offset or after it, as the record that no file holds."""
        wanted = pack_event_ref(number, offset)
        place = wanted if self._ring.get(wanted) is not None else self._ring.next_after(wanted)
        kept = None if place is None else self._ring.get(place)
        if place is None or kept is None:
            return None
        found_in, found, _ = unpack_event_ref(place)
        if found_in != number:
            return None
        received, connection, frame = kept
        prefix = PREFIX.pack(0x94, FRAME, 0xCB, received, 0xCE, connection, 0xC6, len(frame))
        data = b"".join((prefix, frame))
        return Chunk(Cursor(number, found), data, Cursor(number, found + len(data)), found - offset)

    def _put(self, place: int, received: float, connection: int, frame: bytes | memoryview) -> None:
        self.frames += 1
        self._since += 1
        self._bytes += len(frame)
        self._ring.put(place, received, connection, frame)
