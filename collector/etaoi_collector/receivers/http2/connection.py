"""One connection of gRPC over HTTP/2."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import H2Error

from etaoi_collector.receivers.door import Headers
from etaoi_collector.receivers.http2.status import (
    DENIED,
    EXHAUSTED,
    INVALID,
    OK,
    UNAUTHENTICATED,
    UNIMPLEMENTED,
)

if TYPE_CHECKING:
    from etaoi_collector.receivers.door import ReceiverContext
    from etaoi_collector.receivers.gate import Gate

MAX_MESSAGE = 64 << 20
"""Bytes of one message; exporters stay far below."""
MAX_STREAMS = 128
"""Requests of one connection that may be under way."""
IDLE_AFTER = 900.0
STALLED_AFTER = 30.0
"""Seconds without a byte after which a connection is closed: without a request, and within one."""

_EMPTY_MESSAGE = bytes(5)


class MessageReceiver(Protocol):
    """What a connection needs of the receiver that it serves."""

    name: ClassVar[str]
    services: ClassVar[Mapping[str, object]]
    """Methods that it serves; None for those whose messages are dropped."""
    context: ReceiverContext

    def take(self, path: str, headers: Headers, message: bytes, compressed: bool, peer: str) -> int:
        """Take the message of a request; returns a gRPC status."""


class _Stream:
    """One request that is under way."""

    def __init__(self, path: str, headers: Headers) -> None:
        self.path = path
        self.headers = headers
        self.body = bytearray()


class GrpcConnection(asyncio.Protocol):
    """Serves one HTTP/2 connection.

    Args:
        receiver: Takes the messages.
        peer: Address of the client.
    """

    def __init__(self, receiver: MessageReceiver, peer: str) -> None:
        self._receiver = receiver
        self._peer = peer
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Stream] = {}
        self._buffered = 0
        self._agent: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = cast(asyncio.Transport, transport)
        self._http.initiate_connection()
        self._flush()
        self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget what was begun."""
        self._streams.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._agent is not None:
            self._receiver.context.clients.disconnected(self._receiver.name, self._peer, self._agent)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and answer every request that they complete."""
        self._wait()
        try:
            for event in self._http.receive_data(data):
                if isinstance(event, RequestReceived):
                    self._begin(event)
                elif isinstance(event, DataReceived):
                    self._take(event)
                elif isinstance(event, StreamEnded):
                    self._complete(event.stream_id)
                elif isinstance(event, StreamReset):
                    self._forget(event.stream_id)
                elif isinstance(event, ConnectionTerminated):
                    self._close()
            self._flush()
        except H2Error:
            self._flush()
            self._close()

    def _begin(self, event: RequestReceived) -> None:
        stream_id = event.stream_id
        fields = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
        pseudo = {name: value.decode("latin-1") for name, value in fields if name.startswith(b":")}
        named = [(name, value) for name, value in fields if not name.startswith(b":")]
        if b":authority" in pseudo and not any(name == b"host" for name, _ in named):
            named.append((b"host", pseudo[b":authority"].encode("latin-1")))
        headers = Headers(named)
        path = pseudo.get(b":path", "")
        context = self._receiver.context
        gate: Gate = context.gate
        objection = gate.objection(headers)
        if objection is not None:
            context.ingest.turn_away(objection.reason.strip())
            self._answer(stream_id, DENIED, objection.reason.strip())
        elif path not in self._receiver.services:
            context.ingest.turn_away(f"a client asked for {path[:80]!a} over gRPC, which is not served")
            self._answer(stream_id, UNIMPLEMENTED, "not served")
        elif not gate.admits(headers):
            context.ingest.turn_away("a client without the token of --token")
            self._answer(stream_id, UNAUTHENTICATED, "wrong or missing token")
        elif len(self._streams) >= MAX_STREAMS:
            self._answer(stream_id, EXHAUSTED, "too many requests at once")
        else:
            self._streams[stream_id] = _Stream(path, headers)
            if self._agent is None and self._receiver.services[path] is not None:
                self._agent = headers.get("user-agent")
                context.clients.connected(self._receiver.name, self._peer, self._agent)

    def _take(self, event: DataReceived) -> None:
        stream_id = event.stream_id
        size = event.flow_controlled_length or 0
        if size:
            self._http.acknowledge_received_data(size, stream_id)
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        data = event.data or b""
        stream.body += data
        self._buffered += len(data)
        if len(stream.body) > MAX_MESSAGE or self._buffered > 2 * MAX_MESSAGE:
            self._forget(stream_id)
            self._answer(stream_id, EXHAUSTED, "the message is too large")

    def _complete(self, stream_id: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        self._forget(stream_id)
        body = stream.body
        if len(body) < 5 or int.from_bytes(body[1:5], "big") != len(body) - 5 or body[0] > 1:
            self._answer(stream_id, INVALID, "the body is not one gRPC message")
            return
        status = self._receiver.take(
            stream.path, stream.headers, bytes(memoryview(body)[5:]), body[0] == 1, self._peer
        )
        self._answer(stream_id, status, "" if status == OK else "the message cannot be taken")

    def _answer(self, stream_id: int, status: int, message: str) -> None:
        trailers = [(b"grpc-status", str(status).encode())]
        if message:
            trailers.append((b"grpc-message", message.encode("ascii", "replace").replace(b"\n", b" ")))
        head = [(b":status", b"200"), (b"content-type", b"application/grpc")]
        try:
            if status == OK:
                self._http.send_headers(stream_id, head)
                self._http.send_data(stream_id, _EMPTY_MESSAGE)
                self._http.send_headers(stream_id, trailers, end_stream=True)
            else:
                self._http.send_headers(stream_id, [*head, *trailers], end_stream=True)
        except H2Error:
            return  # the client has given the request up

    def _forget(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._buffered -= len(stream.body)

    def _flush(self) -> None:
        data = self._http.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        seconds = STALLED_AFTER if self._streams else IDLE_AFTER
        self._timer = asyncio.get_running_loop().call_later(seconds, self._close)
