"""Encoded events that wait to be sent, bounded in bytes and in number.

Under pressure the least telling goes first: streamed text, payloads of spans and deltas, deltas, payloads of
roots, starts and ends, roots, and agent snapshots last; within one of these the oldest. A start and its end
go together.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from enum import IntEnum
from typing import Any

import msgspec

from etaoi_collector.wire.encode import EVENT_OVERHEAD, FRAME_OVERHEAD
from etaoi_tui.sdk.limits import (
    BUFFER_BYTES,
    BUFFER_EVENTS,
    FRAME_BYTES,
    FRAME_EVENTS,
    OPEN_BYTES,
    PAYLOAD_BYTES,
)
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.losses import Losses, book, tell_dropped

_ENTRY_MEMORY = 1_000
"""What one entry takes beside its bytes, in CPython on 64 bits, rounded up."""
_SMALL_PAYLOAD = 128
_PERSISTENT = 64
_NEARLY = 0.75


class Priority(IntEnum):
    """How much a reader would miss an event; lower ones go first."""

    TEXT = 0
    DELTA = 1
    SPAN = 2
    ROOT = 3
    CONTEXT = 4


_TEXT, _ROOT, _CONTEXT = int(Priority.TEXT), int(Priority.ROOT), int(Priority.CONTEXT)


class EncodedEvent(msgspec.Struct, eq=False):
    """One encoded event."""

    head: bytes
    metadata: bytes
    payload: bytes | None
    rank: int
    span: Any = None
    """The `SpanWire` it belongs to; entries of one span know each other through it."""
    is_start: bool = False
    is_end: bool = False
    values: tuple[bytes, ...] | None = None
    """Digests of the values that its payload refers to."""
    size: int = 0
    is_removed: bool = False
    sent: bool = False


class SpanWire(msgspec.Struct, eq=False):
    """What the sender knows about a span: what its events share, its entries, its text under way."""

    span_id: Hashable
    trace_id: Hashable
    node_kind: str
    shared: bytes
    """See `etaoi_collector.wire.encode.span_part`."""
    rank: int
    persistent: bool = False
    start: EncodedEvent | None = None
    end: EncodedEvent | None = None
    text: Any = None


class _Ranks:
    """Where entries of a line are found by what they are worth, when something has to go."""

    def __init__(self, line: Iterable[EncodedEvent]) -> None:
        self.by_rank: tuple[deque[EncodedEvent], ...] = tuple(deque() for _ in Priority)
        self.payloads: deque[EncodedEvent] = deque()
        self.root_payloads: deque[EncodedEvent] = deque()
        for entry in line:
            if not entry.is_removed:
                self.add(entry)

    def add(self, entry: EncodedEvent) -> None:
        """Take an entry that has come last."""
        self.by_rank[entry.rank].append(entry)
        if _has_payload(entry):
            (self.root_payloads if entry.rank == _ROOT else self.payloads).append(entry)

    def leave(self, entry: EncodedEvent) -> None:
        """Forget the entry that has come first."""
        for entries in (self.by_rank[entry.rank], self.payloads, self.root_payloads):
            if entries and (entries[0] is entry or entries[0].is_removed):
                _drop_first(entries, entry)


class SendQueue:
    """The bounded buffer between the encoding thread and the one that sends.

    Its lock is held for short steps by those two threads only, never by a thread of the host.
    """

    def __init__(
        self,
        stats: Stats,
        *,
        max_bytes: int = BUFFER_BYTES,
        max_events: int = BUFFER_EVENTS,
        max_payloads: int = PAYLOAD_BYTES,
    ) -> None:
        self.changed = threading.Condition(threading.Lock())
        """Notified when there is something to send, or something to do about it."""
        self._stats = stats
        self._max_bytes = max_bytes
        self._max_events = max_events
        self._max_payloads = max_payloads
        self._line: deque[EncodedEvent] = deque()
        self._ranks: _Ranks | None = None
        """Kept from the moment when something has to go until all has left."""
        self._payload_bytes = 0
        self._open: dict[Hashable, SpanWire] = {}
        self._open_bytes = 0
        self._persistent: deque[SpanWire] = deque(maxlen=_PERSISTENT)
        self._removed_count = 0
        self.bytes = 0
        self.unreported: dict[Hashable, int] = {}
        """Dropped events that no sent event has told about yet, by their trace."""
        self.in_hand = 0
        """Events that `take_frame` handed out; whoever has sent them sets it to 0."""
        self.is_closed = False

    def __len__(self) -> int:
        return len(self._line) - self._removed_count

    def add(self, entries: list[EncodedEvent]) -> None:
        """Take entries in order; drop what is worth least if they do not fit. A closed outbox takes none."""
        with self.changed:
            if self.is_closed:
                return
            for entry in entries:
                self._add(entry)
            while self._is_full() and self._relieve():
                pass
            if self._removed_count > 1024 and self._removed_count * 2 > len(self._line):
                self._line = deque(entry for entry in self._line if not entry.is_removed)
                self._removed_count = 0
            self.changed.notify_all()

    def _is_full(self) -> bool:
        return (
            self.bytes > self._max_bytes
            or self._payload_bytes > self._max_payloads
            or len(self) > self._max_events
        )

    def _add(self, entry: EncodedEvent) -> None:
        payload = entry.payload
        size = 0 if payload is None else len(payload)
        entry.size = len(entry.head) + len(entry.metadata) + size + _ENTRY_MEMORY
        self.bytes += entry.size
        self._line.append(entry)
        if size > _SMALL_PAYLOAD and _TEXT < entry.rank < _CONTEXT:
            self._payload_bytes += size
        if self._ranks is not None:
            self._ranks.add(entry)
        wire: SpanWire | None = entry.span
        if wire is None:
            return
        if entry.is_start:
            wire.start = entry
            if wire.persistent:
                self._persistent.append(wire)
            else:
                self._keep_open(wire)
        elif entry.is_end:
            wire.end = entry

    def _keep_open(self, wire: SpanWire) -> None:
        previous = self._open.get(wire.span_id)
        if previous is not None:  # the host used its id once more
            self._close(previous)
        self._open[wire.span_id] = wire
        self._open_bytes += wire.start.size if wire.start else 0
        while self._open_bytes > OPEN_BYTES and len(self._open) > 1:
            self._close(next(iter(self._open.values())))

    def _close(self, wire: SpanWire) -> None:
        if not self._is_open(wire):
            return
        del self._open[wire.span_id]
        if wire.start is not None:
            self._open_bytes -= wire.start.size
            if wire.start.sent:
                wire.start = None

    def _is_open(self, wire: SpanWire) -> bool:
        return self._open.get(wire.span_id) is wire

    def _relieve(self) -> bool:
        """Give up the one thing that is worth least; False when there is nothing left."""
        if self._ranks is None:
            self._ranks = _Ranks(self._line)
        ranks = self._ranks
        if self._drop_oldest(ranks.by_rank[Priority.TEXT]):
            self._stats.dropped_text += 1
        elif self._strip_oldest(ranks.payloads):
            self._stats.dropped_payloads += 1
        elif self._drop_oldest(ranks.by_rank[Priority.DELTA]):
            self._stats.dropped_deltas += 1
        elif self._strip_oldest(ranks.root_payloads):
            self._stats.dropped_payloads += 1
        else:
            return any(
                self._drop_oldest(ranks.by_rank[rank])
                for rank in (Priority.SPAN, Priority.ROOT, Priority.CONTEXT)
            )
        return True

    def _drop_oldest(self, entries: deque[EncodedEvent]) -> bool:
        while entries:
            entry = entries.popleft()
            if entry.is_removed:
                continue
            self._drop(entry)
            if entry.is_start or entry.is_end:
                self._stats.dropped_spans += 1
                wire: SpanWire | None = entry.span
                if wire is not None:
                    other = wire.end if entry.is_start else None
                    if other is not None and not other.is_removed and not other.sent:
                        self._drop(other)
                        self._stats.dropped_spans += 1
            return True
        return False

    def _drop(self, entry: EncodedEvent) -> None:
        self._uncount_payload(entry)
        entry.is_removed = True
        self._removed_count += 1
        self.bytes -= entry.size
        wire: SpanWire | None = entry.span
        book(self.unreported, None if wire is None else wire.trace_id, 1)
        if wire is not None:
            if entry.is_end:
                self._close(wire)
                wire.end = None
            elif entry.is_start:
                self._close(wire)
                wire.start = None
        entry.head = entry.metadata = b""
        entry.payload = entry.values = None

    def _strip_oldest(self, entries: deque[EncodedEvent]) -> bool:
        while entries:
            entry = entries.popleft()
            if entry.is_removed or entry.payload is None:
                continue
            self._uncount_payload(entry)
            size_before = len(entry.payload)
            entry.values = None
            entry.payload = _note(f"left out: the buffer was full ({size_before} bytes)")
            saved = size_before - len(entry.payload)
            entry.size -= saved
            self.bytes -= saved
            if entry.is_start and entry.span is not None and self._is_open(entry.span):
                self._open_bytes -= saved
            return True
        return False

    def _uncount_payload(self, entry: EncodedEvent) -> None:
        if entry.payload is not None and _has_payload(entry):
            self._payload_bytes -= len(entry.payload)

    def drop_before(self, losses: Losses) -> None:
        """Count what was dropped before it came here."""
        with self.changed:
            losses.count_in(self._stats)
            for trace, count in losses.by_trace.items():
                book(self.unreported, trace, count)

    @property
    def is_nearly_full(self) -> bool:
        """Whether what comes next may have to be dropped."""
        return (
            self.bytes > self._max_bytes * _NEARLY
            or self._payload_bytes > self._max_payloads * _NEARLY
            or len(self) > self._max_events * _NEARLY
        )

    def renew_lock(self) -> None:
        """Make the lock anew, of the kind that threads have now. Nobody may be waiting."""
        self.changed = threading.Condition(threading.Lock())

    def take_frame(self) -> list[EncodedEvent]:
        """Take the next entries for one frame, at most 256 events or 1 MiB; empty when nothing waits.

        A start or end among them tells how many events of its trace were dropped before it.
        """
        entries: list[EncodedEvent] = []
        size = FRAME_OVERHEAD
        with self.changed:
            line = self._line
            while line and len(entries) < FRAME_EVENTS:
                entry = line[0]
                if entry.is_removed:
                    line.popleft()
                    self._removed_count -= 1
                    continue
                adds = entry.size - _ENTRY_MEMORY + EVENT_OVERHEAD
                if entries and size + adds > FRAME_BYTES:
                    break
                line.popleft()
                size += adds
                self._leave(entry)
                entries.append(entry)
            if not line:
                self._ranks = None
            if self.unreported:
                tell_dropped(self.unreported, entries, self._unfinished_traces(entries))
            self.in_hand = len(entries)
        return entries

    def _leave(self, entry: EncodedEvent) -> None:
        self.bytes -= entry.size
        payload = entry.payload
        if payload is not None and len(payload) > _SMALL_PAYLOAD and _TEXT < entry.rank < _CONTEXT:
            self._payload_bytes -= len(payload)
        if self._ranks is not None:
            self._ranks.leave(entry)
        entry.sent = True
        wire: SpanWire | None = entry.span
        if wire is None:
            return
        if entry.is_end and not wire.persistent:
            self._close(wire)
            wire.end = None
        elif entry.is_start and not wire.persistent and not self._is_open(wire):
            wire.start = None

    def _unfinished_traces(self, entries: list[EncodedEvent]) -> set[Hashable] | None:
        """Return the traces of which a start or end is still to come; None while that takes long to tell."""
        if self._line:
            return None
        return {wire.trace_id for wire in self._open.values()}

    def preface(self) -> list[EncodedEvent]:
        """Return what a new viewer has to know first: snapshots and open spans that have left already."""
        with self.changed:
            entries = [
                entry
                for wire in self._persistent
                for entry in (wire.start, wire.end)
                if entry is not None and entry.sent and not entry.is_removed
            ]
            entries += [
                wire.start for wire in self._open.values() if wire.start is not None and wire.start.sent
            ]
            return entries

    @property
    def has_preface(self) -> bool:
        """Whether there is anything that a new viewer would be told first."""
        return bool(self._open or self._persistent)

    def close(self) -> None:
        """Forget everything, and what comes later, too: nobody will ever take it."""
        with self.changed:
            self.is_closed = True
            self._line.clear()
            self._ranks = None
            self._open.clear()
            self._persistent.clear()
            self._removed_count = self.bytes = self._open_bytes = self._payload_bytes = self.in_hand = 0

    def wait(self, timeout: float | None, until: Callable[[], bool]) -> bool:
        """Wait until ``until()`` holds, asked whenever something changes; returns whether it does."""
        with self.changed:
            return self.changed.wait_for(until, timeout)

    def notify(self) -> None:
        """Wake whoever waits."""
        with self.changed:
            self.changed.notify_all()


def _has_payload(entry: EncodedEvent) -> bool:
    """Whether an entry's payload is worth leaving out."""
    payload = entry.payload
    return payload is not None and len(payload) > _SMALL_PAYLOAD and _TEXT < entry.rank < _CONTEXT


def _drop_first(entries: deque[EncodedEvent], entry: EncodedEvent) -> None:
    while entries and entries[0].is_removed:
        entries.popleft()
    if entries and entries[0] is entry:
        entries.popleft()


def _note(text: str) -> bytes:
    return msgspec.msgpack.encode({"etaoi_tui.note": text})
