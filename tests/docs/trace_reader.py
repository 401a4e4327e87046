"""A reader of trace files that is written from ``docs/trace-file.md`` alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

OPENED, FRAME, REFUSED, CLOSED = 1, 2, 3, 4
PREFIX = struct.Struct(">BBBdBIBI")


class Record(NamedTuple):
    """One record of a file."""

    kind: int
    at: float
    connection: int
    body: bytes


def read_header(data: bytes) -> tuple[dict[str, Any], int]:
    """Return the header and the offset of the first record."""
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(data[: 64 << 10])
    header = unpacker.unpack()
    if header.get("format") != "etaoi-trace" or int(header["version"].split(".")[0]) > 1:
        raise ValueError("no trace file, or one of a newer version")
    return header, unpacker.tell()


def read_records(data: bytes, offset: int) -> Iterator[Record]:
    """Yield the whole records; a torn last one is left out."""
    while offset + PREFIX.size <= len(data):
        array, kind, float64, at, uint32, connection, bin32, length = PREFIX.unpack_from(data, offset)
        if (array, float64, uint32, bin32) != (0x94, 0xCB, 0xCE, 0xC6) or not 0 < kind < 128:
            raise ValueError(f"damaged at byte {offset}")
        start = offset + PREFIX.size
        if start + length > len(data):
            return
        yield Record(kind, at, connection, data[start : start + length])
        offset = start + length


def read_events(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each event of a file with the number of its connection."""
    data = path.read_bytes()
    _, offset = read_header(data)
    for record in read_records(data, offset):
        if record.kind == FRAME:
            for envelope in msgpack.unpackb(record.body, raw=False, strict_map_key=False):
                for event in envelope["batch"]:
                    yield record.connection, event
