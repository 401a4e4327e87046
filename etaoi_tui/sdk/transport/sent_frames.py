"""Frames that were sent and that nobody confirmed yet: kept, and sent again when the connection breaks."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from etaoi_collector.wire.handshake import WRITTEN
from etaoi_tui.sdk.limits import UNACKNOWLEDGED_BYTES
from etaoi_tui.sdk.stats import Stats

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from etaoi_tui.sdk.transport.dialect import Dialect

PING_EVERY = 0.1
"""Seconds between two pings while anything is unconfirmed."""
_PONG_TIMEOUT = 30.0
_QUICK_PONG = 0.005


class _Frame:
    __slots__ = ("data", "events", "values")

    def __init__(self, data: bytes, events: int, values: tuple[bytes, ...]) -> None:
        self.data = data
        self.events = events
        self.values = values
        """Digests of what its events refer to."""


class SentFrames:
    """Bounded in bytes; the pong that answers a ping confirms every frame that was sent before it.

    For the link's thread; others may look at its size.
    """

    def __init__(self, stats: Stats) -> None:
        self.bytes = 0
        self._stats = stats
        self._frames: deque[_Frame] = deque()
        self._pong: threading.Event | None = None
        self._covered = 0
        """Frames that the pong will confirm."""
        self._pinged_at = 0.0
        self._ping_count = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def is_full(self) -> bool:
        """As much is under way as may be."""
        return self.bytes >= UNACKNOWLEDGED_BYTES

    @property
    def is_overdue(self) -> bool:
        """A ping was not answered for 30 s."""
        return self._pong is not None and time.monotonic() - self._pinged_at > _PONG_TIMEOUT

    def add(self, data: bytes, events: int, values: tuple[bytes, ...] = ()) -> None:
        """Keep a frame that is about to be sent; ``values`` are digests of what its events refer to."""
        self._frames.append(_Frame(data, events, values))
        self.bytes += len(data)

    def clear(self) -> None:
        """Give all up."""
        self._frames.clear()
        self.bytes = 0

    def resend(self, connection: ClientConnection, dialect: Dialect) -> None:
        """Send all of them on a new connection, as the receiver there understands them."""
        self._pong = None
        self._pinged_at = 0.0
        for frame in self._frames:
            for data in dialect.again(frame.data, frame.values):
                connection.send(data)
            self._stats.resent += frame.events

    def confirm(self) -> bool:
        """Let go of what a pong confirms; False when none has come."""
        if self._pong is None or not self._pong.is_set():
            return False
        self._pong = None
        for _ in range(min(self._covered, len(self._frames))):
            frame = self._frames.popleft()
            self.bytes -= len(frame.data)
            self._stats.acknowledged += frame.events
        return True

    def ask(self, connection: ClientConnection, *, hurried: bool) -> bool:
        """Send a ping when it is time for one; returns whether an answer came within a moment.

        Args:
            connection: Where they were sent.
            hurried: Somebody waits for the answer.
        """
        now = time.monotonic()
        urgent = hurried or self.bytes > UNACKNOWLEDGED_BYTES // 4
        if self._pong is None and self._frames and (urgent or now - self._pinged_at > PING_EVERY):
            self._ping_count += 1
            self._pong = connection.ping(WRITTEN + b"%d" % self._ping_count)
            self._covered, self._pinged_at = len(self._frames), now
        return self._pong is not None and urgent and self._pong.wait(_QUICK_PONG)
