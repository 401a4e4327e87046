"""Connecting to a viewer that runs elsewhere, in whatever role, and saying why that does not work."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from etaoi_collector.ingest.server_protocol import BAD_TOKEN, MISMATCH, POLICY, UNSUPPORTED_DATA
from etaoi_collector.wire.addresses import is_loopback
from etaoi_collector.wire.errors import EtaoiError
from etaoi_collector.wire.handshake import Mismatch, Welcome, decode_answer
from etaoi_collector.wire.versions import PROGRAM_VERSION

OPEN_WITHIN = 10.0
"""Seconds that connecting and the handshake may take each."""
CLOSE_WITHIN = 0.5
"""Seconds that the other side has to answer a close."""

_FOR_GOOD = frozenset({BAD_TOKEN, MISMATCH, POLICY, UNSUPPORTED_DATA})
"""Close codes that another attempt would only get again."""


class RemoteError(EtaoiError):
    """A viewer cannot be followed or spoken to; the text is a sentence for a person."""


class Refused(WebSocketException):
    """The other side does not want this connection; the text says why."""


def connect_to_viewer(url: str, token: str | None, hello: bytes) -> tuple[ClientConnection, Welcome]:
    """Connect and shake hands.

    Args:
        url: Its WebSocket address.
        token: The secret that it wants, if any.
        hello: What is said first, encoded.

    Raises:
        OSError, WebSocketException, HandshakeError: It did not work; `Refused` if it never will.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    local = is_loopback(urlsplit(url).hostname or "")
    connection = connect(
        url,
        additional_headers=headers,
        compression=None if local else "deflate",
        proxy=None if local else True,
        max_size=None,  # a message holds at least one whole record, however large
        open_timeout=OPEN_WITHIN,
        close_timeout=CLOSE_WITHIN,
        ssl=ssl.create_default_context() if url.startswith("wss:") else None,
        user_agent_header=f"etaoi-tui/{PROGRAM_VERSION}",
    ).__enter__()  # what websockets 17 wants to see; it is left by `close`
    try:
        connection.send(hello)
        answer = decode_answer(connection.recv(OPEN_WITHIN))
        if isinstance(answer, Mismatch):
            raise Refused(answer.message)
    except ConnectionClosed as closed:
        if closed.rcvd is not None and closed.rcvd.code in _FOR_GOOD:
            raise Refused(closed.rcvd.reason) from None
        raise
    except BaseException:
        connection.close_socket()
        raise
    return connection, answer


def sentence(url: str, error: Exception) -> str:
    """Say why a viewer cannot be reached."""
    if isinstance(error, Refused):
        return f"{url} does not let itself be followed: {error}"
    if isinstance(error, InvalidURI):
        return f"{url!a} is no address of a viewer; write something like ws://127.0.0.1:8787."
    if isinstance(error, InvalidStatus):
        return f"{url} answers, but not as a viewer does (HTTP {error.response.status_code})."
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens on {url}; start etaoi-tui there, or name another address."
    if isinstance(error, TimeoutError):
        return f"{url} does not answer."
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{url} cannot be followed: {words}"
