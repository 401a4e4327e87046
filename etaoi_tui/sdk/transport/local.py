"""Outlets inside the process: for tests, for measuring, and for sinks of a user's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import msgspec

from etaoi_collector.wire.encode import encode_frame
from etaoi_tui.sdk.known_values import KnownValues, SentValues
from etaoi_tui.sdk.limits import FRAME_EVENTS
from etaoi_tui.sdk.serialize import error_sentence
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.losses import Losses, book, tell_dropped
from etaoi_tui.sdk.transport.send_queue import EncodedEvent

_decode = msgspec.msgpack.decode

_PATIENCE = 30.0
"""Seconds that a look into memory waits for the sender: on a busy machine its turn may come late."""


class Sink(Protocol):
    """What a user may pass as ``sink=``: gets one envelope at a time, on the sender's thread."""

    def emit(self, envelope: dict[str, Any]) -> None:
        """Take ``{"schema_version": str, "batch": [event]}``, plain data of one event."""
        ...


class InMemorySink:
    """Keeps every envelope in a list, for tests of one's own agent.

    ``envelopes`` and ``events`` wait for what was recorded so far, so a test can look right after its run.
    """

    def __init__(self) -> None:
        self._envelopes: list[dict[str, Any]] = []
        self._flush: Callable[[float], object] | None = None

    def emit(self, envelope: dict[str, Any]) -> None:
        """Keep an envelope."""
        self._envelopes.append(envelope)

    def bind(self, flush: Callable[[float], object]) -> None:
        """Learn how to wait for the sender, for a number of seconds at most."""
        self._flush = flush

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        """All envelopes so far, oldest first."""
        if self._flush is not None:
            self._flush(_PATIENCE)
        return list(self._envelopes)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events so far, oldest first."""
        return [event for envelope in self.envelopes for event in envelope["batch"]]

    def clear(self) -> None:
        """Forget what was kept."""
        if self._flush is not None:
            self._flush(_PATIENCE)
        self._envelopes.clear()


class MsgpackDropSink:
    """Encodes everything as for the wire and throws it away: what the SDK costs without a network."""

    def __init__(self) -> None:
        self.packed_bytes = 0
        """Bytes of all frames so far."""


class LocalOutlet:
    """Common part of outlets that are never away: frames are made and handed over at once."""

    def __init__(self, sink: Any, stats: Stats, values: KnownValues | None = None) -> None:
        self.sink = sink
        self.values = values
        self._sent_values = SentValues(values) if values is not None else None
        self._stats = stats
        self._unreported: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """No thread of its own."""

    def deliver(self, entries: list[EncodedEvent]) -> None:
        """Hand entries over, in frames."""
        with self._lock:
            for first in range(0, len(entries), FRAME_EVENTS):
                part = entries[first : first + FRAME_EVENTS]
                if self._unreported:
                    tell_dropped(self._unreported, part, None)
                frame = encode_frame(part)
                part_values = self._values_for(part)
                try:
                    for values in part_values:
                        self._write(values, 0)
                    self._write(frame, len(part))
                except Exception as error:
                    if self._sent_values is not None:
                        self._sent_values.forget()
                    self._stats.failed += len(part)
                    self._stats.state = "failed"
                    if not isinstance(error, OSError) or not self._stats.problem:
                        self._stats.problem = error_sentence(error)
                    for entry in part:
                        book(self._unreported, None if entry.span is None else entry.span.trace_id, 1)
                    continue
                self._stats.sent += len(part)
                self._stats.acknowledged += len(part)
                self._stats.frames += 1
                self._stats.bytes_sent += len(frame) + sum(map(len, part_values))

    def _values_for(self, part: list[EncodedEvent]) -> list[bytes]:
        """Return the frames that bring what events refer to and the receiver does not have yet."""
        if self._sent_values is None:
            return []
        return self._sent_values.frames_for(
            digest for entry in part if entry.values for digest in entry.values
        )

    def _write(self, frame: bytes, events: int) -> None:
        raise NotImplementedError

    def idle(self) -> float | None:
        """Nothing is ever due."""
        return None

    def await_room(self) -> None:
        """Nothing waits here."""

    def dropped(self, losses: Losses) -> None:
        """Count what was dropped before it was encoded."""
        losses.count_in(self._stats)
        for trace, count in losses.by_trace.items():
            book(self._unreported, trace, count)

    def settle(self, timeout: float) -> bool:
        """What was delivered has left."""
        del timeout
        return True

    def close(self) -> None:
        """Nothing to let go of."""

    def after_fork(self) -> None:
        """Nothing belongs to the parent but the lock."""
        self._lock = threading.Lock()
        if self.values is not None and self._sent_values is not None:
            self.values.clear()
            self._sent_values.forget()

    def fill(self, stats: Stats) -> None:
        """Say that it works."""
        if stats.state == "idle" and stats.sent:
            stats.state = "writing"


class EmitOutlet(LocalOutlet):
    """Calls a sink's ``emit`` with one envelope per event."""

    def _write(self, frame: bytes, events: int) -> None:
        for envelope in _decode(frame):
            version = envelope["schema_version"]
            for event in envelope["batch"]:
                self.sink.emit({"schema_version": version, "batch": [event]})


class DropOutlet(LocalOutlet):
    """Counts bytes and drops them."""

    sink: MsgpackDropSink

    def __init__(self, sink: MsgpackDropSink, stats: Stats) -> None:
        super().__init__(sink, stats, KnownValues())

    def _write(self, frame: bytes, events: int) -> None:
        self.sink.packed_bytes += len(frame)


class TimedOutlet(LocalOutlet):
    """An outlet that flushes some time after it was written to."""

    flush_every = 0.1

    def __init__(self, sink: Any, stats: Stats, values: KnownValues | None = None) -> None:
        super().__init__(sink, stats, values)
        self._dirty_since: float | None = None

    def deliver(self, entries: list[EncodedEvent]) -> None:
        """Hand entries over; they are flushed within `flush_every` seconds."""
        super().deliver(entries)
        if self._dirty_since is None:
            self._dirty_since = time.monotonic()

    def idle(self) -> float | None:
        """Flush when it is time."""
        if self._dirty_since is None:
            return None
        remaining = self._dirty_since + self.flush_every - time.monotonic()
        if remaining > 0:
            return remaining
        self._flush()
        return None

    def settle(self, timeout: float) -> bool:
        """Flush now."""
        del timeout
        self._flush()
        return self._stats.state != "failed"

    def _flush(self) -> None:
        self._dirty_since = None
