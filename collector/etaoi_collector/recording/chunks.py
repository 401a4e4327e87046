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


class Checkpoints(msgspec.Struct):
    """Where in a recording which event lies, roughly: finds the newest so many without reading all."""

    every: int = 1024
    _known: list[tuple[int, Cursor]] = []

    def note(self, events: int, position: Cursor) -> None:
        """Remember that ``events`` were recorded before the frame at a position, if it is worth it."""
        if not self._known or events - self._known[-1][0] >= self.every:
            self._known.append((events, position))

    def before(self, events: int) -> tuple[int, Cursor]:
        """Return the newest remembered position with at most so many events before it, and their number."""
        return next((known for known in reversed(self._known) if known[0] <= events), (0, Cursor()))


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
    whole = sum(PREFIX.size + len(body) for *_, body in records_in(data))
    if whole or len(data) < PREFIX.size:
        return data[:whole]
    prefix = read_prefix(data, 0)
    if prefix is None or PREFIX.size + prefix[3] > end - offset:
        return b""
    return read_at(descriptor, offset, PREFIX.size + prefix[3])


def records_between(
    stretches: Iterator[Chunk], end: Cursor
) -> Iterator[tuple[Cursor, int, float, int, memoryview]]:
    """Walk over the records of stretches up to a position.

    Yields:
        ``(position, kind, time, connection, body)``.
    """
    for stretch in stretches:
        for offset, kind, at, connection, body in records_in(stretch.data):
            position = Cursor(stretch.start.segment, stretch.start.offset + offset)
            if position >= end:
                return
            yield position, kind, at, connection, body
