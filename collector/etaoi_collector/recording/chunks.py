"""A recording read on and on as the bytes it consists of: for whoever follows it from its beginning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from etaoi_collector.recording.random_access_file import read_at
from etaoi_collector.wire.limits import MAX_TRACE_HEADER
from etaoi_collector.wire.trace_records import PREFIX, read_header, read_prefix, records_in


class Cursor(NamedTuple):
    """Where a record begins; positions compare in the order of recording."""

    segment: int = 0
    offset: int = 0


class Chunk(NamedTuple):
    """Bytes of a recording as they lie: a segment's header, or whole records."""

    start: Cursor
    data: bytes | memoryview
    end: Cursor
    """Where reading goes on."""
    gap: int = 0
    """Bytes before ``start`` that were to be read and that nothing holds any more."""
    why: str = "neither the file nor the memory held them any more"
    """Why nothing does."""


class Checkpoints(msgspec.Struct):
    """Where in a recording which event lies, roughly: finds the newest so many without reading all."""

    every: int = 1024
    _positions: list[tuple[int, Cursor]] = []

    def note(self, events: int, position: Cursor) -> bool:
        """Remember that ``events`` were recorded before the frame at a position, if it is worth it.

        Returns:
            Whether it is the first frame of a segment.
        """
        last = self._positions[-1] if self._positions else None
        if last is None or events - last[0] >= self.every or position.segment != last[1].segment:
            self._positions.append((events, position))
        return last is None or position.segment != last[1].segment

    def newest_before(self, events: int) -> tuple[int, Cursor]:
        """Return the newest remembered position with at most so many events before it, and their number."""
        return next(
            (checkpoint for checkpoint in reversed(self._positions) if checkpoint[0] <= events), (0, Cursor())
        )

    def forget_before(self, oldest: Cursor) -> tuple[int, Cursor] | None:
        """Forget the positions before one; return the first that is left, with the events before it."""
        if self._positions and self._positions[0][1] < oldest:
            self._positions = [checkpoint for checkpoint in self._positions if checkpoint[1] >= oldest]
        return self._positions[0] if self._positions else None


def read_records(descriptor: int, offset: int, end: int, most: int) -> bytes | memoryview:
    """Read a segment's header or whole records from its file.

    Args:
        descriptor: The open file.
        offset: Where a record begins; 0 for the header.
        end: How much of the file is written.
        most: Bytes to return, roughly; a record that is larger comes alone.

    Returns:
        Nothing when there is less than one record.
    """
    if offset == 0:
        head = read_header(read_at(descriptor, 0, min(MAX_TRACE_HEADER, end)))
        return b"" if head is None else read_at(descriptor, 0, head[1])
    data = read_at(descriptor, offset, min(most, end - offset))
    complete_bytes = sum(PREFIX.size + len(body) for *_, body in records_in(data))
    if complete_bytes or len(data) < PREFIX.size:
        return data[:complete_bytes]
    prefix = read_prefix(data, 0)
    if prefix is None or PREFIX.size + prefix[3] > end - offset:
        return b""
    return read_at(descriptor, offset, PREFIX.size + prefix[3])


def records_between(
    chunks: Iterator[Chunk], end: Cursor
) -> Iterator[tuple[Cursor, int, float, int, memoryview]]:
    """Walk over the records of chunks up to a position.

    Yields:
        ``(position, kind, time, connection, body)``.
    """
    for chunk in chunks:
        for offset, kind, at, connection, body in records_in(chunk.data):
            position = Cursor(chunk.start.segment, chunk.start.offset + offset)
            if position >= end:
                return
            yield position, kind, at, connection, body
