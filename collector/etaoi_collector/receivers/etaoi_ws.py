"""The etaoi protocol over WebSocket: one `ServerProtocol` per connection."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from etaoi_collector.ingest.doctor_samples import CLIENT as DOCTOR
from etaoi_collector.ingest.doctor_samples import is_sample
from etaoi_collector.ingest.fanout import TOO_SLOW, TooSlow, send_recording
from etaoi_collector.ingest.server_protocol import Answer, ServerProtocol
from etaoi_collector.receivers.agent_connection import AgentConnection
from etaoi_collector.receivers.door import (
    Endpoint,
    HttpAnswer,
    HttpRequest,
    Receiver,
    ReceiverContext,
    endpoint,
)
from etaoi_collector.wire.handshake import FANOUT, After, Hello, describe_client
from etaoi_collector.wire.references import CAPABILITY

INGEST_PATH = "/ingest"

HELLO_WITHIN = 10.0
"""Seconds a client has for its Hello."""
CLOSE_WITHIN = 0.25
"""Seconds a client has to answer a close; the library's ten would be felt when quitting."""
LAST_WORDS_WITHIN = 10.0
"""Seconds that a viewer which did not read on has to read why it is sent away."""

_TOO_BIG = 1009


class EtaoiWebSocket(Receiver):
    """Takes frames of agents, and sends what is recorded to other viewers.

    Args:
        context: What it may use.
    """

    name = "etaoi"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (endpoint("GET", r"^/ingest/*$"),)
    open_to_all = True  # a WebSocket without the token is told so in a close

    def __init__(self, context: ReceiverContext) -> None:
        super().__init__(context)
        self._ingest = context.ingest
        self._gate = context.gate
        self._version = context.version
        self._patience = context.patience
        self._free_memory = context.free_memory
        self.viewers: set[ServerConnection] = set()
        """Connections that may be stuck in sending."""

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request that does not ask for a WebSocket."""
        return HttpAnswer(
            426,
            b"Upgrade to a WebSocket: etaoi clients connect to ws://HOST:PORT/ingest.\n",
            "text/plain; charset=utf-8",
            [("Upgrade", "websocket")],
        )

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse whom we must; None lets the WebSocket handshake go on."""
        path = request.path.partition("?")[0]
        if path.rstrip("/") != INGEST_PATH:
            self._ingest.turn_away(f"a WebSocket client asked for {path[:80]!a}")
            return connection.respond(
                HTTPStatus.NOT_FOUND, f"Nothing is here: etaoi clients connect to {INGEST_PATH}.\n"
            )
        objection = self._gate.objection(request.headers)
        if objection is not None:
            self._ingest.turn_away(objection.reason.strip())
            return connection.respond(objection.status, objection.reason)
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """Run one connection from its Hello to its end."""
        headers = connection.request.headers if connection.request is not None else Headers()
        session = ServerProtocol(
            server_version=f"{self._version}{CAPABILITY}",
            authorised=self._gate.admits(headers),
            recording_end=self._recording_end,
        )
        number = 0
        try:
            answer = session.begin()
            if answer is None:
                async with asyncio.timeout(HELLO_WITHIN):
                    message = await connection.recv()
                answer = session.receive(message)
                if session.hello is not None and session.hello.role == FANOUT:
                    await self._obey(connection, answer)
                    await self._fan_out(connection, session, session.hello)
                    return
                is_doctor = session.hello is not None and session.hello.sdk_version.startswith(DOCTOR)
                if session.hello is not None and not is_doctor:
                    client = describe_client(session.hello, headers.get("User-Agent", ""))
                    number = self._ingest.open(_peer(connection), client, _bytes(message))
            await self._obey(connection, answer)
            while answer.close is None:
                if isinstance(connection, AgentConnection):
                    connection.frame_processed()
                message = await connection.recv()
                answer = session.receive(message)
                if answer.frame is not None and is_sample(answer.frame):
                    self._ingest.sample(answer.frame)
                elif answer.frame is not None and number:
                    for _ in self._ingest.frame_steps(number, answer.frame):
                        await asyncio.sleep(0)  # other clients' turn
                    size = len(message)
                    del message, answer  # a large frame must not stay while the next one arrives
                    self._free_memory.handled(size)
                    answer = _GO_ON
                else:
                    if number:
                        self._ingest.refuse(number, len(message), answer.refused)
                    await self._obey(connection, answer)
        except TimeoutError:
            self._ingest.turn_away("it said nothing")
            await connection.close(1008, "No hello: an etaoi client says hello first.")
        except ConnectionClosed:
            pass
        except Exception as error:
            self._ingest.trouble = f"a connection failed within etaoi-tui: {error or type(error).__name__}"
            raise
        finally:
            if number:
                self._note_refused(connection, number)
                self._ingest.close(number, connection.close_code, connection.close_reason or "")

    def _recording_end(self) -> After:
        recorder = self._ingest.recorder
        return After(recorder.recording, *recorder.end())

    async def _fan_out(self, connection: ServerConnection, session: ServerProtocol, hello: Hello) -> None:
        """Send a viewer what is recorded until either side ends it."""
        self._ingest.viewer_connected()
        self.viewers.add(connection)
        try:
            sending = asyncio.create_task(send_recording(connection, self._ingest, hello, self._patience))
            listening = asyncio.create_task(connection.recv())
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
            for task in (sending, listening):
                task.cancel()
            ended = await asyncio.gather(sending, listening, return_exceptions=True)
            if isinstance(ended[0], TooSlow):
                self._ingest.viewer_dropped(f"{_peer(connection)} did not read on")
                await _close_unread(connection, TOO_SLOW, str(ended[0]))
            elif isinstance(ended[1], str | bytes):
                await self._obey(connection, session.receive(ended[1]))
            elif isinstance(ended[0], Exception) and not isinstance(ended[0], ConnectionClosed):
                raise ended[0]
        finally:
            self.viewers.discard(connection)
            self._ingest.viewer_disconnected()

    async def _obey(self, connection: ServerConnection, answer: Answer) -> None:
        if answer.send is not None:
            await connection.send(answer.send)
        if answer.close is not None:
            self._ingest.turn_away(answer.close.reason)
            await connection.close(answer.close.code, answer.close.reason)

    def _note_refused(self, connection: ServerConnection, number: int) -> None:
        """Count a message that cost its connection: larger than we take, or not to be inflated."""
        if isinstance(connection, AgentConnection) and connection.given_up is not None:
            self._ingest.refuse(number, *connection.given_up)
            return
        sent = connection.protocol.close_sent
        if sent is not None and sent.code == _TOO_BIG:
            size = _size_of(connection)
            self._ingest.refuse(number, size, "larger than --max-frame allows")


_GO_ON = Answer()


async def _close_unread(connection: ServerConnection, code: int, reason: str) -> None:
    """Close a connection whose other end does not read, and leave it some time to find out why."""
    try:
        async with asyncio.timeout(LAST_WORDS_WITHIN):
            await connection.close(code, reason)  # waits until everything before it is read
    except TimeoutError:
        connection.transport.abort()


def _size_of(connection: ServerConnection) -> int:
    """Return how large the refused message was, as far as the library tells; 0 when it does not."""
    error = getattr(connection.protocol, "parser_exc", None)
    size = getattr(error, "size", None)
    return size if isinstance(size, int) else 0


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


def _peer(connection: ServerConnection) -> str:
    address = connection.remote_address
    if not isinstance(address, tuple) or len(address) < 2:
        return "unknown"
    return f"[{address[0]}]:{address[1]}" if ":" in str(address[0]) else f"{address[0]}:{address[1]}"


RECEIVER = EtaoiWebSocket
