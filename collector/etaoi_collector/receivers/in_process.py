"""What the program of the collector says itself, without a socket: it is recorded like any agent's events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from etaoi_collector.translation.hive_events import HiveEvents
from etaoi_collector.wire.handshake import INGEST, encode_hello

if TYPE_CHECKING:
    from etaoi_collector.ingest.pipeline import Ingest

CLIENT = "this program"


class InProcess:
    """Takes what is published, from any thread, and hands it to the collector's own thread.

    Args:
        ingest: Where events come in.
        loop: The collector's event loop.
    """

    def __init__(self, ingest: Ingest, loop: asyncio.AbstractEventLoop) -> None:
        self._ingest = ingest
        self._loop = loop
        self._events = HiveEvents()
        self._lock = threading.Lock()
        self._number = 0

    def publish(self, event: Any) -> None:
        """Take an event of a bus."""
        with self._lock:
            self._loop.call_soon_threadsafe(self._take, self._events.publish(event))

    def _take(self, frames: list[bytes]) -> None:
        if not self._number:
            self._number = self._ingest.open("", CLIENT, encode_hello(CLIENT, role=INGEST))
        for frame in frames:
            self._ingest.frame(self._number, frame)


class Published:
    """What publishing returns: it is done already, and may be awaited all the same."""

    __slots__ = ()

    def __await__(self) -> Iterator[None]:
        """Return at once."""
        return iter(())


PUBLISHED = Published()
