"""The file formats that a recording may have: each finds the next record, none decodes what is in it."""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from etaoi_collector.wire.scan import BreaksOff, Skipper, TooManyItems
from etaoi_collector.wire.trace_records import CLOSED, FRAME, OPENED, PREFIX, REFUSED, read_prefix

__all__ = [
    "CLOSED",
    "FRAME",
    "HELLO",
    "OPENED",
    "REFUSED",
    "NativeFormat",
    "PlainStream",
    "RecordHeader",
    "RecordingFormat",
    "TimedStream",
]

HELLO = -1
"""Kind of a record of a foreign stream that is a client's Hello."""


class RecordHeader(NamedTuple):
    """Where a record is and what it says before its body; offsets count from the start of the data given."""

    kind: int
    at: float | None
    """Seconds since the epoch; None when the format does not tell."""
    connection: int | None
    """None when the format does not tell."""
    body: int
    end: int


class CorruptRecord(ValueError):
    """No record begins there, and none can be found by counting on."""


class RecordingFormat(Protocol):
    """How a file's records are spelled."""

    def head(self, data: bytes | memoryview, position: int) -> RecordHeader | None:
        """Read what precedes the body of the record at ``position``.

        Returns:
            None when ``data`` is too short to tell. The record's body may end beyond the data.

        Raises:
            Broken: Something else than a record is there.
        """


class NativeFormat:
    """Our own trace file."""

    def head(self, data: bytes | memoryview, position: int) -> RecordHeader | None:
        """Read a record's prefix; see `RecordingFormat`."""
        body = position + PREFIX.size
        if body > len(data):
            return None
        prefix = read_prefix(data, position)
        if prefix is None:
            raise CorruptRecord
        kind, at, connection, length = prefix
        return RecordHeader(kind, at, connection, body, body + length)


class TimedStream:
    """A stream of ``[time, frame]``; a frame that is a map is a client's Hello."""

    def head(self, data: bytes | memoryview, position: int) -> RecordHeader | None:
        """Read the time and the length of the frame; see `RecordingFormat`."""
        try:
            if data[position] != 0x92:
                raise CorruptRecord
            form = _NUMBERS.get(data[position + 1])
            if form is None:
                raise CorruptRecord
            (at,) = struct.unpack_from(form, data, position + 2)
            position += 2 + struct.calcsize(form)
            first = data[position]
            if not 0xC4 <= first <= 0xC6:
                raise CorruptRecord
            body = position + 1 + (1 << (first - 0xC4))
            length = int.from_bytes(data[position + 1 : body], "big")
            is_hello = length > 0 and _is_map(data[body])
        except (IndexError, struct.error):
            return None
        return RecordHeader(HELLO if is_hello else FRAME, float(at), None, body, body + length)


class PlainStream:
    """A stream of frames, one after the other, with or without the client's Hello among them."""

    def __init__(self) -> None:
        self._data: bytes | memoryview = b""
        self._skipper = Skipper(memoryview(b""))

    def head(self, data: bytes | memoryview, position: int) -> RecordHeader | None:
        """Find the end of a frame by skipping over it; see `RecordingFormat`."""
        if position >= len(data):
            return None
        first = data[position]
        is_map = _is_map(first)
        if not is_map and not _is_array(first):
            raise CorruptRecord
        if data is not self._data:
            self._data = data
            self._skipper = Skipper(memoryview(data))
        try:
            end, _ = self._skipper.over(position)
        except BreaksOff:
            return None
        except TooManyItems:
            raise CorruptRecord from None
        return RecordHeader(HELLO if is_map else FRAME, None, None, position, end)


_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCE: ">I", 0xCF: ">Q"}


def _is_map(first: int) -> bool:
    return 0x80 <= first <= 0x8F or first in (0xDE, 0xDF)


def _is_array(first: int) -> bool:
    return 0x90 <= first <= 0x9F or first in (0xDC, 0xDD)


def detect_format(data: bytes | memoryview) -> RecordingFormat | None:
    """Tell which of the foreign formats a file has, from its first bytes; None for none of them."""
    if not data:
        return None
    try:
        if TimedStream().head(data, 0) is not None:
            return TimedStream()
    except CorruptRecord:
        pass
    if _is_map(data[0]) and b"\xa4kind\xa5hello" in bytes(data[:256]):
        return PlainStream()
    if _is_array(data[0]) and b"\xa5batch" in bytes(data[:256]):
        return PlainStream()
    return None
