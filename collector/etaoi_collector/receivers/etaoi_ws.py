"""The WebSocket shell: one `ServerProtocol` per connection, and the HTTP answers for everybody else."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import socket
from collections.abc import Collection
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from etaoi_collector.ingest.fanout import TOO_SLOW, TooSlow, send_recording
from etaoi_collector.ingest.pipeline import Ingest
from etaoi_collector.ingest.server_protocol import Answer, ServerProtocol
from etaoi_collector.wire.handshake import FANOUT, After, Hello, describe_client
from etaoi_collector.wire.versions import SCHEMA_VERSION

INGEST_PATH = "/ingest"
HEALTH_PATH = "/healthz"
APP = "etaoi-tui"

HELLO_WITHIN = 10.0
"""Seconds a client has for its Hello."""
CLOSE_WITHIN = 0.25
"""Seconds a client has to answer a close; the library's ten would be felt when quitting."""
LAST_WORDS_WITHIN = 10.0
"""Seconds that a viewer which did not read on has to read why it is sent away."""

_TOO_BIG = 1009
_LARGE = 8 << 20
"""Bytes of a message that is worth a round trip to be forgotten."""
_log = logging.getLogger("etaoi_collector.websockets")
_log.addHandler(logging.NullHandler())


class Gate:
    """Decides who may connect.

    Args:
        token: What clients must bring; None when nobody must.
        check_host: Take only requests whose Host header names this machine's loopback, against pages that
            point a name of theirs to it (DNS rebinding).
        allow_hosts: Further names that the Host header may have.
    """

    def __init__(self, *, token: str | None, check_host: bool, allow_hosts: Collection[str] = ()) -> None:
        self._token = None if token is None else token.encode()
        self._check_host = check_host
        self._allowed = {name.lower().rstrip(".") for name in allow_hosts}

    def objection(self, headers: Headers) -> str | None:
        """Return why a request is refused outright, or None."""
        if headers.get_all("Origin"):
            return "Web pages may not connect to this collector; agents send no Origin header.\n"
        if self._check_host and not all(map(self._is_known, headers.get_all("Host") or [""])):
            return "This collector takes requests to localhost only; --allow-host NAME allows others.\n"
        return None

    def admits(self, headers: Headers) -> bool:
        """Tell whether a request brings the token, in any of the forms that etaoi clients know."""
        if self._token is None:
            return True
        brought = list(headers.get_all("X-Etaoi-Project-Token"))
        if headers.get_all("X-Etaoi-Public-Key"):
            brought += headers.get_all("X-Etaoi-Secret-Key")
        for value in headers.get_all("Authorization"):
            scheme, _, rest = value.partition(" ")
            if scheme.lower() == "bearer":
                brought.append(rest.strip())
        # Each is compared, so that the time taken does not tell which one was right.
        return (
            sum(
                hmac.compare_digest(value.encode("utf-8", "surrogateescape"), self._token)
                for value in brought
            )
            > 0
        )

    def _is_known(self, host: str) -> bool:
        name = host_name(host)
        return name in self._allowed or is_loopback_name(name)


def host_name(host: str) -> str:
    """Return a Host header's name or address without its port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def is_loopback_name(name: str) -> bool:
    """Tell whether a name or address means this machine only."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def listen(
    bound: socket.socket,
    *,
    intake: Ingest,
    gate: Gate,
    version: str,
    max_frame: int,
    loopback: bool,
    patience: float,
) -> Endpoint:
    """Serve on a socket that is bound already.

    Args:
        bound: The socket.
        intake: Gets what clients send.
        gate: Decides who may connect.
        version: This program's version.
        max_frame: Bytes of the largest message taken, also after inflating.
        loopback: The socket is reachable from this machine only. Then compression is declined, which makes
            both sides several times faster, and clients are not pinged, so that an agent that stands in a
            debugger stays connected.
        patience: Seconds after which a viewer that does not read on is sent away.
    """
    shell = _Shell(intake, gate, version, patience)
    server = await serve(
        shell.handle,
        sock=bound,
        process_request=shell.process_request,
        compression=None if loopback else "deflate",
        max_size=max_frame,
        ping_interval=None if loopback else 20,
        ping_timeout=None if loopback else 20,
        close_timeout=CLOSE_WITHIN,
        server_header=f"{APP}/{version}",
        logger=_log,
    )
    return Endpoint(server, shell.viewers)


class Endpoint:
    """A server that runs.

    Args:
        server: The library's.
        viewers: Connections that may be stuck in sending.
    """

    def __init__(self, server: Server, viewers: set[ServerConnection]) -> None:
        self._server = server
        self._viewers = viewers

    async def close(self) -> None:
        """Close it with all its connections, those of clients that do not read included."""
        known = self._server.connections | self._viewers
        self._server.close()
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._server.wait_closed()
        except TimeoutError:
            for connection in known:
                connection.transport.abort()
            await self._server.wait_closed()


class _Shell:
    def __init__(self, intake: Ingest, gate: Gate, version: str, patience: float) -> None:
        self._intake = intake
        self._gate = gate
        self._version = version
        self._patience = patience
        self.viewers: set[ServerConnection] = set()

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer plain HTTP, refuse whom we must; None lets the WebSocket handshake go on."""
        path = request.path.partition("?")[0]
        if path == HEALTH_PATH:
            text = json.dumps(
                {"status": "ok", "app": APP, "version": self._version, "schema_version": SCHEMA_VERSION}
            )
            response = connection.respond(HTTPStatus.OK, text + "\n")
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json"
            return response
        if path.rstrip("/") != INGEST_PATH:
            return connection.respond(
                HTTPStatus.NOT_FOUND,
                f"Nothing is here: etaoi clients connect to {INGEST_PATH}; {HEALTH_PATH} tells the status.\n",
            )
        objection = self._gate.objection(request.headers)
        if objection is not None:
            self._intake.turn_away(objection.strip())
            return connection.respond(HTTPStatus.FORBIDDEN, objection)
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """Run one connection from its Hello to its end."""
        headers = connection.request.headers if connection.request is not None else Headers()
        session = ServerProtocol(
            server_version=self._version,
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
                if session.hello is not None:
                    client = describe_client(session.hello, headers.get("User-Agent", ""))
                    number = self._intake.open(_peer(connection), client, _bytes(message))
            await self._obey(connection, answer)
            while answer.close is None:
                message = await connection.recv()
                answer = session.receive(message)
                if answer.frame is not None:
                    self._intake.frame(number, answer.frame)
                    large = len(message) >= _LARGE
                    del message, answer  # a large frame must not stay while the next one arrives
                    answer = _GO_ON
                    if large:
                        # The library keeps the last frame until the next one comes. The pong is one, it is
                        # answered below the client's own code, and nobody waits for it.
                        await connection.ping()
                else:
                    self._intake.refuse(number, len(message), answer.refused)
                    await self._obey(connection, answer)
        except TimeoutError:
            self._intake.turn_away("it said nothing")
            await connection.close(1008, "No hello: an etaoi client says hello first.")
        except ConnectionClosed:
            pass
        except Exception as error:
            self._intake.trouble = f"a connection failed within etaoi-tui: {error or type(error).__name__}"
            raise
        finally:
            if number:
                self._note_too_big(connection, number)
                self._intake.close(number, connection.close_code, connection.close_reason or "")

    def _recording_end(self) -> After:
        recorder = self._intake.recorder
        return After(recorder.recording, *recorder.end())

    async def _fan_out(self, connection: ServerConnection, session: ServerProtocol, hello: Hello) -> None:
        """Send a viewer what is recorded until either side ends it."""
        self._intake.viewer_came()
        self.viewers.add(connection)
        try:
            sending = asyncio.create_task(send_recording(connection, self._intake, hello, self._patience))
            listening = asyncio.create_task(connection.recv())
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
            for task in (sending, listening):
                task.cancel()
            ended = await asyncio.gather(sending, listening, return_exceptions=True)
            if isinstance(ended[0], TooSlow):
                self._intake.viewer_dropped(f"{_peer(connection)} did not read on")
                await _close_unread(connection, TOO_SLOW, str(ended[0]))
            elif isinstance(ended[1], str | bytes):
                await self._obey(connection, session.receive(ended[1]))
            elif isinstance(ended[0], Exception) and not isinstance(ended[0], ConnectionClosed):
                raise ended[0]
        finally:
            self.viewers.discard(connection)
            self._intake.viewer_left()

    async def _obey(self, connection: ServerConnection, answer: Answer) -> None:
        if answer.send is not None:
            await connection.send(answer.send)
        if answer.close is not None:
            self._intake.turn_away(answer.close.reason)
            await connection.close(answer.close.code, answer.close.reason)

    def _note_too_big(self, connection: ServerConnection, number: int) -> None:
        """Count a message that the library refused, because it was larger than we take."""
        sent = connection.protocol.close_sent
        if sent is not None and sent.code == _TOO_BIG:
            size = _size_of(connection)
            self._intake.refuse(number, size, "larger than --max-frame allows")


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
