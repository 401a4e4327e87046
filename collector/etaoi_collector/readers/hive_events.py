"""Hive's ``events.jsonl``: the log of a session or worker, and what ``HIVE_DEBUG_EVENTS`` writes.

Each line is an event as its bus published it. A session's log merges the deltas of a model call into one,
with the time of the first, and writes it when the turn is complete; so lines are put in order of time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.hive_events import HiveEvents, time_of

SNIFFED = 65_536
"""Bytes from the start of a file that are looked at to tell what it is."""

EVENTS_A_FRAME = 1_000
"""Bus events whose spans are written at a time."""


class _Line(msgspec.Struct):
    type: str
    stream_id: str
    timestamp: str
    data: dict[str, msgspec.Raw] | None = None


_line = msgspec.json.Decoder(_Line)
_event = msgspec.json.Decoder(dict[str, Any])


def sniff(start: bytes) -> bool:
    """Whether a file that begins like this is one of Hive's logs."""
    first = start.lstrip().split(b"\n", 1)[0]
    if not first.startswith(b"{"):
        return False
    try:
        _line.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def read_events(path: Path) -> Iterator[bytes]:
    """Yield the frames that an agent would have sent, in the order of time.

    Lines that cannot be read are left out; the last one says how many.
    """
    events: list[tuple[int, int, dict[str, Any]]] = []
    unreadable = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            try:
                event = _event.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                unreadable += 1
                continue
            at = time_of(event)
            if at is None:
                unreadable += 1
                continue
            events.append((at, number, event))
    events.sort(key=lambda told: told[:2])
    fold = HiveEvents(coalesced=True)
    for first in range(0, len(events), EVENTS_A_FRAME):
        for at, _, event in events[first : first + EVENTS_A_FRAME]:
            fold.take(event, at)
        yield from pack_frames(fold.poll())
    if unreadable and events:
        at = events[-1][0]
        data = {"custom_type": "unreadable lines", "lines": unreadable}
        fold.take({"type": "custom", "stream_id": path.name, "data": data}, at)
        yield from pack_frames(fold.poll())


def as_recording(path: Path) -> BinaryIO | None:
    """Return a recording of what a log of Hive holds, private and gone once closed; None for other files."""
    try:
        with path.open("rb") as file:
            if not sniff(file.read(SNIFFED)):
                return None
    except OSError:
        return None  # who opens it as a recording says why it cannot be read
    spool = tempfile.NamedTemporaryFile(prefix="etaoi-hive-", suffix=".msgpack")
    try:
        for frame in read_events(path):
            spool.write(frame)
        spool.flush()
    except BaseException:
        spool.close()
        raise
    return spool  # type: ignore[return-value]
