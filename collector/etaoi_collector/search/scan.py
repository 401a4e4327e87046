"""Finds the records of a segment in which some bytes stand, the newest first, without decoding any."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from etaoi_collector.recording.run_reader import SegmentBytes, TornRecord

AT_ONCE = 256 << 10
"""Bytes that are looked through in one go: about what the processor's cache holds."""


def records_with(
    segment: SegmentBytes,
    forms: Sequence[bytes],
    starts: Sequence[int],
    *,
    is_done: Callable[[int, int], bool] = lambda begin, end: False,
) -> Iterator[tuple[int, int]]:
    """Yield offset and end of every record in which one of the forms stands, whatever its case.

    Args:
        segment: Where to look.
        forms: Bytes of lower case.
        starts: Offsets at which records are known to begin, in order; the more, the quicker.
        is_done: Tells of the bytes between two offsets that nothing more is wanted of them.

    Raises:
        CorruptRecord: What stands around the bytes is no record.
    """
    data = segment.data
    overlap = max(map(len, forms)) - 1
    end = len(data)
    newest_left = end
    while end > segment.start:
        begin = max(segment.start, end - AT_ONCE)
        if not is_done(begin, end):
            piece = bytes(data[begin : end + overlap]).lower()
            segment.looked_at(len(piece))
            extents: dict[int, int] = {}
            for form in forms:
                offset = stop = -1
                at = piece.find(form)
                while at >= 0:
                    offset = max(offset, _record_start(segment, starts, begin + at))
                    try:
                        stop = segment.record(offset)[3]
                        while stop <= begin + at:
                            offset, stop = stop, segment.record(stop)[3]
                    except TornRecord:
                        break
                    extents[offset] = stop
                    at = piece.find(form, stop - begin)
            for offset in sorted(extents, reverse=True):
                if offset < newest_left:
                    newest_left = offset
                    yield offset, extents[offset]
        end = begin


def _record_start(segment: SegmentBytes, starts: Sequence[int], offset: int) -> int:
    at = bisect_right(starts, offset)
    return starts[at - 1] if at else segment.start
