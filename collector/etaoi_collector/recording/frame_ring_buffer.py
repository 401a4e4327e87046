"""The newest frames in memory, for when they cannot be written to a file."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict

Kept = tuple[float, int, "bytes | memoryview"]
"""Time of arrival in seconds since the epoch, number of the connection, the frame."""


class FrameRingBuffer:
    """Frames by place, bounded by their bytes: the oldest go first. The newest one stays whatever its size.

    Args:
        most: Bytes of frames to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: OrderedDict[int, Kept] = OrderedDict()
        self._bytes = 0

    def put(self, place: int, received: float, connection: int, frame: bytes | memoryview) -> None:
        """Keep a frame; places must grow from call to call."""
        self._frames[place] = (received, connection, frame)
        self._bytes += len(frame)
        while self._bytes > self._most and len(self._frames) > 1:
            _, (_, _, oldest) = self._frames.popitem(last=False)
            self._bytes -= len(oldest)

    def get(self, place: int) -> Kept | None:
        """Return the frame at a place, if it is still there."""
        return self._frames.get(place)

    def holds(self, place: int, frame: bytes) -> bool:
        """Tell whether exactly this object is kept at a place."""
        kept = self._frames.get(place)
        return kept is not None and kept[2] is frame

    def next_after(self, place: int) -> int | None:
        """Return the place of the first kept frame after ``place``."""
        places = list(self._frames)
        index = bisect_right(places, place)
        return places[index] if index < len(places) else None
