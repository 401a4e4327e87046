"""The newest frames in memory, for when they cannot be written to a file."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict

StoredFrame = tuple[float, int, "bytes | memoryview"]
"""Time of arrival in seconds since the epoch, number of the connection, the frame."""


class FrameRingBuffer:
    """Frames by reference, bounded by bytes: the oldest go first. The newest one stays whatever its size.

    Args:
        most: Bytes of frames to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: OrderedDict[int, StoredFrame] = OrderedDict()
        self._bytes = 0

    def put(self, event_ref: int, received: float, connection: int, frame: bytes | memoryview) -> None:
        """Keep a frame; places must grow from call to call."""
        self._frames[event_ref] = (received, connection, frame)
        self._bytes += len(frame)
        while self._bytes > self._most and len(self._frames) > 1:
            _, (_, _, oldest) = self._frames.popitem(last=False)
            self._bytes -= len(oldest)

    def get(self, event_ref: int) -> StoredFrame | None:
        """Return the frame at an event reference, if it is still there."""
        return self._frames.get(event_ref)

    def contains(self, event_ref: int, frame: bytes) -> bool:
        """Tell whether exactly this object is kept at an event reference."""
        entry = self._frames.get(event_ref)
        return entry is not None and entry[2] is frame

    def next_after(self, event_ref: int) -> int | None:
        """Return the event reference of the first kept frame after ``event_ref``."""
        event_refs = list(self._frames)
        index = bisect_right(event_refs, event_ref)
        return event_refs[index] if index < len(event_refs) else None
