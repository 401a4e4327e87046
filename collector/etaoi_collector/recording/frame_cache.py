"""Keeps the newest split frames, so that looking at event after event splits their frame only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Raw

from etaoi_collector.lru import Lru
from etaoi_collector.recording.random_access_file import let_go
from etaoi_collector.recording.shared_values import SharedValues
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.codec import split_frame
from etaoi_collector.wire.event_ref import frame_of, unpack_event_ref
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.frame_scan import scan_byte_ranges
from etaoi_collector.wire.limits import SMALL_FRAME
from etaoi_collector.wire.references import Resolver

_PER_PART = 128
_PER_RANGE = 8
_MOST_BYTES = 32 << 20

ReadFrame = Callable[[int], "bytes | memoryview | Missing"]


class LargeFrame:
    """A frame of which never more is in memory than the events that are asked for, beside where they lie."""

    def __init__(self, frame: bytes | memoryview) -> None:
        self.spans = scan_byte_ranges(frame)
        let_go(frame)

    def raw(self, frame: bytes | memoryview, ordinal: int) -> bytes | Reject:
        """Return the bytes of one event out of the frame, or why it is none."""
        span = self.spans[ordinal]
        return span if isinstance(span, Reject) else bytes(frame[span[0] : span[1]])


class FrameCache:
    """Reads events by reference out of frames.

    Args:
        read_frame: Returns the bytes of the frame at a place whose ordinal is 0, or why there are none.
        value_refs: Returns where frames lie that bring values for others; see `SharedValues`.
    """

    def __init__(self, read_frame: ReadFrame, value_refs: Callable[[], Sequence[int]]) -> None:
        self._read_frame = read_frame
        self._resolver = Resolver(SharedValues(value_refs, read_frame).find)
        self._splits: Lru[int, list[Raw | Reject] | LargeFrame] = Lru(most_cost=_MOST_BYTES)

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had.

        What the event refers to is in them: this is the one door to what was sent once for many events.
        """
        part = self._read(event_ref)
        return part if isinstance(part, Missing) else self._resolver.resolve(part)

    def _read(self, event_ref: int) -> bytes | Missing:
        if event_ref < 0:
            return Missing("not kept: nothing was recording")
        frame_ref = frame_of(event_ref)
        ordinal = unpack_event_ref(event_ref)[2]
        split = self._split(frame_ref)
        if isinstance(split, Missing):
            return split
        if ordinal >= len(split.spans if isinstance(split, LargeFrame) else split):
            return Missing("the recording holds no such event")
        if isinstance(split, LargeFrame):
            frame = self._read_frame(frame_ref)
            if isinstance(frame, Missing):
                return frame
            part = split.raw(frame, ordinal)
            return Missing(part.reason) if isinstance(part, Reject) else part
        raw = split[ordinal]
        return Missing(raw.reason) if isinstance(raw, Reject) else bytes(raw)

    def clear(self) -> None:
        """Let go of everything."""
        self._splits.clear()

    def _split(self, frame_ref: int) -> list[Raw | Reject] | LargeFrame | Missing:
        """Return a frame's events, from memory when they were looked at lately."""
        cached = self._splits.get(frame_ref)
        if cached is not None:
            return cached
        frame = self._read_frame(frame_ref)
        if isinstance(frame, Missing):
            return frame
        if len(frame) > SMALL_FRAME:
            large = LargeFrame(frame)
            self._splits.put(frame_ref, large, len(large.spans) * _PER_RANGE)
            return large
        parts = split_frame(frame)
        self._splits.put(frame_ref, parts, len(parts) * _PER_PART + len(frame))
        return parts
