"""A reader of trace files that is written from ``docs/trace-file.md`` alone."""

from __future__ import annotations

import json
import struct
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack

OPENED, FRAME, REFUSED, CLOSED, REFERENCE, TEXT = 1, 2, 3, 4, 101, 102
PREFIX = struct.Struct(">BBBdBIBI")
Record = namedtuple("Record", "kind at connection body")


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
        offset += PREFIX.size + length
        if offset > len(data):
            return
        yield Record(kind, at, connection, data[offset - length : offset])


def read_events(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each event of a file with the number of its connection."""
    data = path.read_bytes()
    values: dict[bytes, bytes] = {}

    def decode(packed: bytes) -> Any:
        return msgpack.unpackb(packed, raw=False, strict_map_key=False, ext_hook=stand_in)

    def stand_in(code: int, body: bytes) -> Any:
        if code == REFERENCE:
            return decode(values[body]) if body in values else {"note": "it is not there"}
        if code == TEXT:
            return "".join(part if isinstance(part, str) else json.dumps(part) for part in decode(body))
        return [item for part in decode(body) for item in (part if isinstance(part, list) else [part])]

    for record in read_records(data, read_header(data)[1]):
        for envelope in decode(record.body) if record.kind == FRAME else ():
            values.update(envelope.get("values", {}))
            for event in envelope["batch"]:
                yield record.connection, event
