"""Keeps the newest split frames, so that looking at event after event splits their frame only once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from msgspec import Raw

from etaoi_collector.arrivals import Missing
from etaoi_collector.wire.codec import split_frame
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.places import frame_of, unpack_place

_PER_PART = 128
_MOST_BYTES = 32 << 20

ReadFrame = Callable[[int], "bytes | memoryview | Missing"]


class Splits:
    """Reads events by place out of frames.

    Args:
        read_frame: Returns the bytes of the frame at a place whose ordinal is 0, or why there are none.
    """

    def __init__(self, read_frame: ReadFrame) -> None:
        self._read_frame = read_frame
        self._kept: OrderedDict[int, tuple[list[Raw | Reject], int]] = OrderedDict()
        self._bytes = 0

    def read(self, place: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``place``, or why they cannot be had."""
        if place < 0:
            return Missing("not kept: nothing was recording")
        frame_place = frame_of(place)
        kept = self._kept.get(frame_place)
        if kept is None:
            frame = self._read_frame(frame_place)
            if isinstance(frame, Missing):
                return frame
            parts = split_frame(frame)
            self._keep(frame_place, parts, len(frame))
        else:
            parts = kept[0]
            self._kept.move_to_end(frame_place)
        _, _, ordinal = unpack_place(place)
        if ordinal >= len(parts):
            return Missing("the recording holds no such event")
        part = parts[ordinal]
        return Missing(part.reason) if isinstance(part, Reject) else bytes(part)

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()
        self._bytes = 0

    def _keep(self, frame_place: int, parts: list[Raw | Reject], size: int) -> None:
        cost = len(parts) * _PER_PART + size
        self._kept[frame_place] = (parts, cost)
        self._bytes += cost
        while self._bytes > _MOST_BYTES and len(self._kept) > 1:
            _, (_, freed) = self._kept.popitem(last=False)
            self._bytes -= freed
