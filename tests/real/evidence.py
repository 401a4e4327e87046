"""What a store holds, compared with what a client says that it sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import Closed, Ended, EventBatch, Missing, Opened, SourceItem
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span

Read = Callable[[int], bytes | Missing]
Shape = tuple[str, str, str, str, tuple[Any, ...]]
"""Span id, kind, name, status, and the same of its children in order."""


@dataclass(frozen=True)
class Sent:
    """One event as the client's log has it."""

    at: float
    event_id: str
    kind: str
    span_id: str | None
    trace_id: str | None
    parent_span_id: str | None


def logged(path: Path, what: str = "sent") -> dict[str, Sent]:
    """Read a log of `drivers/tap.py`: events by id. One that was sent again counts once."""
    events: dict[str, Sent] = {}
    for line in path.read_text().splitlines():
        at, name, *ids = json.loads(line)
        if name == what:
            events.setdefault(ids[0], Sent(at, *ids))
    return events


def fold(store: Store, arrivals: Iterator[SourceItem]) -> None:
    """Apply what a recording holds, as a viewer does that replays it."""
    for item in arrivals:
        if isinstance(item, EventBatch):
            ref = item.base_ref if item.base_ref < 0 else item.base_ref + item.first_ordinal
            store.apply(item.events, ref, item.connection)
        elif isinstance(item, Opened):
            store.connection_opened(item.connection)
        elif isinstance(item, Closed):
            store.connection_closed(item.connection, item.at, item.code, item.reason)
        elif isinstance(item, Ended):
            store.finish()


def all_spans(store: Store) -> Iterator[Span]:
    """Every span, without recursion."""
    waiting = [span for trace in store.traces.values() for span in trace.roots]
    numbers: set[int] = set()
    while waiting:
        span = waiting.pop()
        if span.number in numbers:
            continue
        numbers.add(span.number)
        yield span
        waiting += span.children or []


def stored_event_ids(store: Store, read: Read) -> set[str]:
    """Ids of the span events that the store can find again in the recording, each read from its place."""
    ids: set[str] = set()
    for span in all_spans(store):
        for ref in (span.start_ref, span.end_ref, *(span.deltas or ())):
            if ref >= 0:
                raw = read(ref)
                assert not isinstance(raw, Missing), f"the event at {ref} cannot be read: {raw}"
                event = msgpack.unpackb(raw, strict_map_key=False)
                assert event["span_id"] == span.span_id
                ids.add(event["event_id"])
    return ids


def parents(store: Store) -> dict[str, str | None]:
    """Each span's parent in the tree that is shown."""
    return {span.span_id: span.parent.span_id if span.parent else None for span in all_spans(store)}


def shapes(store: Store) -> dict[str, tuple[Shape, ...]]:
    """All trees by trace id: equal for two stores that show the same."""

    def shape(span: Span) -> Shape:
        below = tuple(shape(child) for child in span.children or ())
        return span.span_id, span.kind, span.name, str(span.status), below

    return {trace_id: tuple(shape(root) for root in trace.roots) for trace_id, trace in store.traces.items()}


def recorded_event_ids(path: Path) -> set[str]:
    """Ids of all events of a recording, read from it alone."""
    ids: set[str] = set()
    reader = TraceReader(path)
    try:
        for item in reader.arrivals():
            if isinstance(item, EventBatch):
                for ordinal in range(item.first_ordinal, item.first_ordinal + len(item.events)):
                    raw = reader.read(item.base_ref + ordinal)
                    assert not isinstance(raw, Missing)
                    ids.add(msgpack.unpackb(raw, strict_map_key=False)["event_id"])
    finally:
        reader.close()
    return ids


def listed(recording: Path) -> list[dict[str, Any]]:
    """Return the traces of a recording as ``etaoi-tui ls`` lists them."""
    command = [sys.executable, "-m", "etaoi_tui", "ls", str(recording), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
