"""Publishing into a viewer that runs elsewhere: what a bus says, sent as any agent's events are."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import deque
from time import monotonic
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from etaoi_collector.sources.viewer_connection import Refused, RemoteError, connect_to_viewer, sentence
from etaoi_collector.translation.hive_events import HiveEvents
from etaoi_collector.wire.handshake import INGEST, WRITTEN, HandshakeError, encode_hello
from etaoi_collector.wire.versions import PROGRAM_VERSION

MOST_WAITING = 32 << 20
"""Bytes that may wait while the viewer is away, before what is published is lost and counted."""
SENT_AT_ONCE = 64
"""Frames that are sent before they are waited for."""
TAKEN_WITHIN = 10.0
"""Seconds in which a viewer has to say that it took what was sent, before it is connected to again."""
RETRY_FIRST = 0.1
RETRY_MOST = 5.0
"""Seconds between two attempts to connect, growing."""


class RemotePublisher:
    """Sends on a thread of its own, in order; what a viewer has not taken is sent again when it is back.

    Args:
        url: The viewer's WebSocket address.
        token: The secret that it wants, if any.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self.failure = ""
        """Why nothing is sent any more; empty while all is well, or while that is tried."""
        self.lost = 0
        """Frames that were published while too much was waiting."""
        self._url = url
        self._token = token
        self._events = HiveEvents()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="etaoi-publish", daemon=True)
        self._thread.start()

    def publish(self, event: Any) -> None:
        """Take an event of a bus; from any thread, without waiting.

        Raises:
            RemoteError: The viewer does not want it, or this was closed.
        """
        with self._changed:
            if self.failure or self._stopping:
                raise RemoteError(self.failure or f"{self._url} was left already.")
            for frame in self._events.publish(event):
                if self._bytes + len(frame) > MOST_WAITING:
                    self.lost += 1
                    continue
                self._waiting.append(frame)
                self._bytes += len(frame)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until the viewer has all that was published; False when it has not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting or bool(self.failure), timeout) and (
                not self.failure
            )

    def close(self, timeout: float) -> None:
        """Send what waits, for a while at most, and leave."""
        self.flush(timeout)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._connection is not None:
            self._connection.close()
        self._thread.join(timeout)

    def _run(self) -> None:
        wait = RETRY_FIRST
        while not self._stopping:
            try:
                hello = encode_hello(PROGRAM_VERSION, role=INGEST)
                self._connection, _ = connect_to_viewer(self._url, self._token, hello)
                wait = RETRY_FIRST
                self._send_all(self._connection)
            except Refused as refused:
                self._fail(sentence(self._url, refused))
                return
            except (OSError, WebSocketException, HandshakeError):
                if self._connection is not None:
                    self._connection.close_socket()
                self._sleep(wait * random.uniform(0.5, 1.0))
                wait = min(RETRY_MOST, wait * 2)
            except Exception as error:  # nobody else would ever hear of it
                self._fail(f"publishing to {self._url} failed: {error or type(error).__name__}")
                return

    def _send_all(self, connection: ClientConnection) -> None:
        """Send what is published until this is closed.

        Raises:
            OSError, WebSocketException: The connection broke.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._stopping)
                if self._stopping:
                    return
                frames = [self._waiting[n] for n in range(min(len(self._waiting), SENT_AT_ONCE))]
            for frame in frames:
                connection.send(frame)
            # A viewer answers such a ping once it has written what came before it.
            if not connection.ping(WRITTEN).wait(TAKEN_WITHIN):
                raise TimeoutError
            with self._changed:
                for frame in frames:
                    self._waiting.popleft()
                    self._bytes -= len(frame)
                self._changed.notify_all()

    def _fail(self, why: str) -> None:
        with self._changed:
            self.failure = why
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()

    def _sleep(self, seconds: float) -> None:
        until = monotonic() + seconds
        with self._changed, contextlib.suppress(RuntimeError):
            self._changed.wait_for(lambda: self._stopping, max(0.0, until - monotonic()))
