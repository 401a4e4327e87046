"""A WebSocket server that stands in for a viewer, to break in ways that a real one does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from etaoi_collector.wire.handshake import Hello, decode_hello, encode_welcome

TIMEOUT = 60.0


class Viewer:
    """Takes connections on a free port and keeps every event; each step can be replaced.

    Args:
        port: 0 for a free one, or the port of one that was stopped.
        greet: what to do after the Hello; by default a Welcome. False ends the connection.
        status: answer the upgrade with this HTTP status instead.
        keep: called with each frame's events; by default they are kept.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        greet: Callable[[ServerConnection, Hello], bool] | None = None,
        keep: Callable[[ServerConnection, list[dict[str, Any]]], None] | None = None,
        compression: str | None = None,
        status: int | None = None,
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.frames: list[bytes] = []
        self.hellos: list[Hello] = []
        self.requests: list[dict[str, str]] = []
        self.connections: list[ServerConnection] = []
        self.changed = threading.Condition()
        self._greet = greet or _welcome
        self._keep = keep
        self._server: Server = serve(
            self._serve,
            "127.0.0.1",
            port,
            compression=compression,
            max_size=None,
            close_timeout=0.2,
            process_request=None if status is None else lambda c, _: c.respond(status, "no\n"),
        )
        self.port = int(self._server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ingest"

    def _serve(self, connection: ServerConnection) -> None:
        try:
            hello = decode_hello(connection.recv(timeout=TIMEOUT))
            with self.changed:
                self.requests.append(dict(connection.request.headers.raw_items()))
                self.hellos.append(hello)
                self.connections.append(connection)
                self.changed.notify_all()
            if not self._greet(connection, hello):
                return
            for frame in connection:
                assert isinstance(frame, bytes)
                events = [event for envelope in msgspec.msgpack.decode(frame) for event in envelope["batch"]]
                if self._keep is not None:
                    self._keep(connection, events)
                with self.changed:
                    self.frames.append(frame)
                    self.events.extend(events)
                    self.changed.notify_all()
        except ConnectionClosed:
            return

    def wait(self, until: Callable[[], object], timeout: float = TIMEOUT) -> None:
        """Wait until something holds; fails the test when it does not come."""
        with self.changed:
            assert self.changed.wait_for(until, timeout), f"{len(self.events)} events came"

    def wait_events(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many events."""
        self.wait(lambda: len(self.events) >= count)
        return self.events

    def break_off(self) -> None:
        """Cut every connection without a word."""
        for connection in self.connections:
            connection.close_socket()

    def stop(self) -> None:
        """Go away; a second time does nothing."""
        self.break_off()
        self._server.shutdown()
        self._thread.join(TIMEOUT)

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _welcome(connection: ServerConnection, hello: Hello) -> bool:
    connection.send(encode_welcome(hello.schema_version, "test"))
    return True
