"""One HTTP/1.1 connection: reads requests within bounds, asks the front for answers, writes them."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import h11

from etaoi_collector.receivers.door import AnswerStream, Headers, HttpAnswer, HttpRequest, json_answer

if TYPE_CHECKING:
    from etaoi_collector.receivers.routes import Route, Routes

MAX_HEAD = 64 << 10
"""Bytes of a request's head."""
MAX_BODY = 64 << 20
"""Bytes of a request's body as it comes; exporters stay below 20 MiB."""
MAX_BODIES = 256 << 20
"""Bytes of all bodies that are being received."""
MAX_UNREAD = 4 << 20
"""Bytes of a stream that a client may leave unread."""
STALLED_AFTER = 30.0
"""Seconds without a byte after which an unfinished request is given up."""
IDLE_AFTER = 900.0
"""Seconds after which a connection without requests is closed; exporters open a new one."""

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class BodyBudget:
    """Bytes of bodies that all connections together are receiving."""

    def __init__(self, most: int = MAX_BODIES) -> None:
        self.most = most
        self.used = 0


class HttpConnection(asyncio.Protocol):
    """Serves one connection.

    Args:
        routes: Finds who answers.
        budget: Bounds what all connections hold together.
        peer: Address of the client.
    """

    def __init__(self, routes: Routes, budget: BodyBudget, peer: str) -> None:
        self._routes = routes
        self._budget = budget
        self._peer = peer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._transport: asyncio.Transport | None = None
        self._head: h11.Request | None = None
        self._headers = Headers()
        self._route: Route | None = None
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._carried: set[tuple[str, str]] = set()
        self._stream: AnswerStream | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = cast(asyncio.Transport, transport)
        self._routes.connections.add(self)
        self._wait(STALLED_AFTER)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget what was begun."""
        self._drop_body()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.closed()
        if self._timer is not None:
            self._timer.cancel()
        self._routes.connections.discard(self)
        for receiver, agent in self._carried:
            self._routes.context.clients.disconnected(receiver, self._peer, agent)
        self._carried.clear()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and answer every request that they complete."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._stream is not None:
            return  # the answer goes on; there will be no other
        self._wait(STALLED_AFTER)
        try:
            self._http.receive_data(data)
            self._advance()
        except h11.RemoteProtocolError as error:
            self._refuse(json_answer(error.error_status_hint or 400, {"error": str(error)}))

    def eof_received(self) -> bool:
        """The client will send no more; answers have been written already."""
        return False

    def abort(self) -> None:
        """Close at once: the collector stops."""
        if self._transport is not None:
            self._transport.abort()

    # the protocol

    def _advance(self) -> None:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._take(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._complete()
            elif isinstance(event, h11.ConnectionClosed):
                self._close()
                return
            if self._transport is None or self._transport.is_closing():
                return

    def _begin(self, head: h11.Request) -> None:
        """Look at a head: whoever may not come in, or asks for nothing that is served, need not send more."""
        self._head = head
        self._headers = headers = Headers(head.headers)
        path = head.target.partition(b"?")[0].decode("latin-1")
        route = self._routes.find(head.method.decode("latin-1"), path, headers, self._peer)
        if isinstance(route, HttpAnswer):
            self._refuse(route)
            return
        self._route = route
        length = headers.get("content-length")
        if length.isdecimal() and int(length) > MAX_BODY:
            self._refuse(json_answer(413, {"error": f"a body may have {MAX_BODY >> 20} MiB at most"}))
        elif self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))

    def _take(self, data: bytes | bytearray) -> None:
        self._body += data
        self._budget.used += len(data)
        if len(self._body) > MAX_BODY:
            self._refuse(json_answer(413, {"error": f"a body may have {MAX_BODY >> 20} MiB at most"}))
        elif self._budget.used > self._budget.most:
            self._refuse(json_answer(503, {"error": "too much at once"}, ("Retry-After", "1")))

    def _complete(self) -> None:
        head, route = self._head, self._route
        if head is None or route is None:
            return
        body = bytes(self._body)
        self._drop_body()
        agent = self._headers.get("user-agent")
        request = HttpRequest(
            head.method.decode("latin-1"),
            head.target.partition(b"?")[0].decode("latin-1"),
            self._headers,
            body,
            self._peer,
            route.groups,
        )
        answer = self._routes.respond(route, request)
        if route.receiver.keeps_clients and 200 <= answer.status < 300:
            key = (route.receiver.name, agent)
            if key not in self._carried:
                self._carried.add(key)
                self._routes.context.clients.connected(route.receiver.name, self._peer, agent)
        self._head = self._route = None
        if answer.stream is not None:
            self._answer_with_stream(answer, answer.stream)
            return
        self._answer(answer)
        if self._http.our_state is h11.MUST_CLOSE or self._http.their_state is h11.MUST_CLOSE:
            self._close()
            return
        self._http.start_next_cycle()
        self._wait(IDLE_AFTER)

    def _answer(self, answer: HttpAnswer) -> None:
        body = b"" if self._http.their_state is h11.ERROR else answer.body
        headers = [
            ("Server", self._routes.server_header),
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(body))),
            *answer.headers,
        ]
        self._write(
            h11.Response(
                status_code=answer.status,
                headers=[(name.encode(), value.encode("latin-1", "replace")) for name, value in headers],
                reason=_PHRASES.get(answer.status, "").encode(),
            )
        )
        if body:
            self._write(h11.Data(data=body))
        self._write(h11.EndOfMessage())

    def _answer_with_stream(self, answer: HttpAnswer, stream: AnswerStream) -> None:
        headers = [("Server", self._routes.server_header), ("Content-Type", answer.content_type)]
        self._write(
            h11.Response(
                status_code=answer.status,
                headers=[(name.encode(), value.encode()) for name, value in [*headers, *answer.headers]],
                reason=_PHRASES.get(answer.status, "").encode(),
            )
        )
        if self._timer is not None:
            self._timer.cancel()
        self._stream = stream
        stream.opened(self._send_piece)

    def _send_piece(self, data: bytes) -> bool:
        """Send a piece of a stream; a client that does not read on is cut off."""
        transport = self._transport
        if self._stream is None or transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > MAX_UNREAD:
            transport.abort()
            return False
        self._write(h11.Data(data=data))
        return True

    def _refuse(self, answer: HttpAnswer) -> None:
        """Answer before the request is complete, and close."""
        self._drop_body()
        self._head = self._route = None
        answer.headers = [*answer.headers, ("Connection", "close")]
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            try:
                self._answer(answer)
            except h11.LocalProtocolError:
                pass  # the client's bytes left nothing that could be answered
        self._close()

    def _write(self, event: h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage) -> None:
        data = self._http.send(event)
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _drop_body(self) -> None:
        self._budget.used -= len(self._body)
        self._body = bytearray()

    def _wait(self, seconds: float) -> None:
        """Close the connection unless something happens on it within this time."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._close)
