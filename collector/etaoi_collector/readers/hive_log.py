"""Hive's ``events.jsonl``: the log of a session or worker, and what ``HIVE_DEBUG_EVENTS`` writes.

Each line is an event as its bus published it. A session's log merges the deltas of a model call into one,
with the time of the first, and writes it when the turn is complete; so lines are put in order of time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from etaoi_collector.readers.door import ForeignReader
from etaoi_collector.translation.hive_events import HiveEvents, time_of

_SWITCHES = frozenset({"", "0", "1", "true", "false", "full"})
"""Values of ``HIVE_DEBUG_EVENTS`` that name no folder."""
_DEEPEST_SESSION = 6
"""Folders below Hive's own, down to which logs of sessions are looked for."""
_FOLDERS_LOOKED_AT = 1_000


class _Line(msgspec.Struct):
    type: str
    stream_id: str
    timestamp: str
    data: dict[str, msgspec.Raw] | None = None


_line = msgspec.json.Decoder(_Line)
_event = msgspec.json.Decoder(dict[str, Any])


class HiveLog(ForeignReader):
    """All events of a log, in the order of time."""

    name = "Hive events"
    by_lines = False

    def offered(self) -> Iterator[Path]:
        """Yield the logs below Hive's folder, and where ``HIVE_DEBUG_EVENTS`` puts them."""
        home = Path(os.environ.get("HIVE_HOME") or Path.home() / ".hive")
        yield from home.glob("event_logs/*.jsonl")
        debug = os.environ.get("HIVE_DEBUG_EVENTS", "").strip()
        if debug.lower() not in _SWITCHES:
            yield from Path(debug).glob("*.jsonl")
        for folder, folders, files in os.walk(home):
            depth = len(Path(folder).relative_to(home).parts)
            folders[:] = [] if depth >= _DEEPEST_SESSION else sorted(folders)[:_FOLDERS_LOOKED_AT]
            if "events.jsonl" in files:
                yield Path(folder) / "events.jsonl"

    def sniff(self, start: bytes) -> bool:
        """Tell whether a file that begins like this is one of Hive's logs."""
        first = start.lstrip().split(b"\n", 1)[0]
        if not first.startswith(b"{"):
            return False
        try:
            _line.decode(first)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    def translation(self) -> _Log:
        """Begin to translate a file."""
        return _Log()


class _Log:
    def take(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the events that an agent would have sent, in the order of time.

        Lines that cannot be read are left out; the last event says how many.
        """
        events: list[tuple[int, int, dict[str, Any]]] = []
        unreadable = 0
        for number, line in enumerate(b"".join(pieces).split(b"\n")):
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
        events.sort(key=lambda item: item[:2])
        fold = HiveEvents(coalesced=True)
        for at, _, event in events:
            fold.take(event, at)
        if unreadable and events:
            data = {"custom_type": "unreadable lines", "lines": unreadable}
            fold.take({"type": "custom", "stream_id": "log", "data": data}, events[-1][0])
        return fold.poll()


READER = HiveLog
