"""The port: looks at the first bytes of a connection, and hands it to the receiver that knows them.

A WebSocket stays what it is, in the library's own hands, as fast as without a front; every other request of
HTTP/1.1 goes to the endpoints of the receivers; wires of their own go to the receiver that recognises them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import weakref
from collections.abc import Iterable
from typing import Any, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from etaoi_collector.receivers.agent_connection import AgentConnection
from etaoi_collector.receivers.bounded_deflate import bounded_deflate
from etaoi_collector.receivers.door import Receiver, ReceiverContext
from etaoi_collector.receivers.etaoi_ws import CLOSE_WITHIN, EtaoiWebSocket
from etaoi_collector.receivers.http_connection import MAX_HEAD, BodyBudget, HttpConnection
from etaoi_collector.receivers.registry import find_receivers
from etaoi_collector.receivers.routes import Routes

FIRST_BYTES_WITHIN = 10.0
"""Seconds that a connection has to say what it is."""
MAX_UNDECIDED = 1_024
"""Connections that may wait for their first bytes."""

_log = logging.getLogger("etaoi_collector.websockets")
_log.addHandler(logging.NullHandler())


class Front:
    """The receivers behind the ports of one collector.

    Args:
        context: What receivers use.
        max_frame: Bytes of the largest WebSocket message taken, also after inflating.
        loopback: The port is reachable from this machine only. Then compression is declined, which makes
            both sides several times faster, and WebSocket clients are not pinged, so that an agent that
            stands in a debugger stays connected.
        receivers: Those to use; all that are found if None.
    """

    def __init__(
        self,
        context: ReceiverContext,
        *,
        max_frame: int,
        loopback: bool,
        receivers: Iterable[type[Receiver]] | None = None,
    ) -> None:
        self._context = context
        self._max_frame = max_frame
        self._loopback = loopback
        self.receivers = [
            receiver(context) for receiver in (find_receivers() if receivers is None else receivers)
        ]
        self.websocket = next(
            candidate for candidate in self.receivers if isinstance(candidate, EtaoiWebSocket)
        )
        self.routes = Routes(context, self.receivers)
        self.budget = BodyBudget()
        self.undecided: set[FrontConnection] = set()
        self.others: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()
        """Connections that receivers have taken over."""
        self._servers: list[Server] = []

    async def listen(self, bound: socket.socket) -> None:
        """Serve on a socket that is bound already."""

        def connect(*args: Any, **options: Any) -> ServerConnection:
            return FrontConnection(self, *args, **options)

        server = await serve(
            self.websocket.handle,
            sock=bound,
            process_request=self._process_request,
            compression=None,
            extensions=None if self._loopback else bounded_deflate(self._max_frame),
            max_size=self._max_frame,
            ping_interval=None if self._loopback else 20,
            ping_timeout=None if self._loopback else 20,
            close_timeout=CLOSE_WITHIN,
            server_header=self.routes.server_header,
            logger=_log,
            create_connection=cast(type[ServerConnection], connect),
        )
        self._servers.append(server)

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        return self.websocket.process_request(connection, request)

    async def close(self) -> None:
        """Close all ports with all connections, those of clients that do not read included."""
        for undecided in list(self.undecided):
            undecided.abort()
        for connection in list(self.routes.connections):
            connection.abort()
        for transport in list(self.others):
            cast(asyncio.Transport, transport).abort()
        self._context.clients.close()
        connections = self.websocket.viewers.union(*(server.connections for server in self._servers))
        for server in self._servers:
            server.close()
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                for server in self._servers:
                    await server.wait_closed()
        except TimeoutError:
            for websocket in connections:
                websocket.transport.abort()
            for server in self._servers:
                await server.wait_closed()


class FrontConnection(AgentConnection):
    """A connection of which nothing is known until its first bytes came; then a WebSocket, or another's.

    Args:
        front: Where it came in.
    """

    def __init__(self, front: Front, *args: Any, **options: Any) -> None:
        super().__init__(front.routes.context.ingest.recorder.flush, *args, **options)
        self._front = front
        self._is_websocket = False
        self._first = b""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes."""
        self.transport = cast(asyncio.Transport, transport)
        if len(self._front.undecided) >= MAX_UNDECIDED:
            self.transport.abort()
            return
        self._front.undecided.add(self)
        self._waiting = self.loop.call_later(FIRST_BYTES_WITHIN, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Decide on the first bytes; later ones go straight to the library."""
        self._first += data
        first = self._first
        for receiver in self._front.receivers:
            recognised = receiver.recognises(first)
            if recognised:
                self._front.others.add(self.transport)
                self._hand_over(receiver.take_over(_peer(self.transport)))
                return
            if recognised is None:
                return
        if first.startswith(b"PRI * HTTP/2.0"):
            self._refuse(
                "a client speaks gRPC: install etaoi-tui[grpc], or set "
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
            )
            return
        if first[:1] == b"\x16":
            self._refuse("a client speaks TLS: this port is for http:// and ws://")
            return
        end = first.find(b"\r\n\r\n")
        if end < 0 and len(first) <= MAX_HEAD:
            return
        if end >= 0 and _is_websocket(first[:end]):
            self._become_websocket()
        else:
            front = self._front
            self._hand_over(HttpConnection(front.routes, front.budget, _peer(self.transport)))

    def connection_lost(self, error: Exception | None) -> None:
        """Pass the end on to the library, if the connection is one of its own."""
        if self._is_websocket:
            del self.data_received  # it refers to this connection
            super().connection_lost(error)
        else:
            self._decided()

    def eof_received(self) -> None:
        """Pass on that the client sends no more; a connection that said nothing is closed."""
        if self._is_websocket:
            super().eof_received()

    def pause_writing(self) -> None:
        """Pass on to the library; before that nothing is written."""
        if self._is_websocket:
            super().pause_writing()

    def resume_writing(self) -> None:
        """Pass on to the library; before that nothing is written."""
        if self._is_websocket:
            super().resume_writing()

    def abort(self) -> None:
        """Close at once: the collector stops."""
        self.transport.abort()

    def _become_websocket(self) -> None:
        first, self._first = self._first, b""
        self._decided()
        self._is_websocket = True
        super().connection_made(self.transport)
        # From now on the transport calls the library itself: nothing of the front is in the way of a message.
        self.data_received = super().data_received  # type: ignore[method-assign]
        self.data_received(first)

    def _hand_over(self, protocol: asyncio.Protocol) -> None:
        first, self._first = self._first, b""
        self._decided()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(first)

    def _refuse(self, why: str) -> None:
        self._front.routes.context.ingest.turn_away(why)
        self.transport.close()

    def _give_up(self) -> None:
        self._refuse("it said nothing")

    def _decided(self) -> None:
        self._front.undecided.discard(self)
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def _is_websocket(head: bytes) -> bool:
    """Tell whether a head asks to become a WebSocket (RFC 6455, section 4.1)."""
    lines = head.lower().split(b"\r\n")
    return lines[0].startswith(b"get ") and any(
        line.startswith(b"upgrade:") and b"websocket" in line for line in lines[1:]
    )


def _peer(transport: asyncio.BaseTransport) -> str:
    address = transport.get_extra_info("peername")
    if not isinstance(address, tuple) or len(address) < 2:
        return "unknown"
    return f"[{address[0]}]:{address[1]}" if ":" in str(address[0]) else f"{address[0]}:{address[1]}"
