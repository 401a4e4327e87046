"""What a server says when it does not want us, as sentences that are fit for a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.wire.handshake import Mismatch, Welcome, decode_answer, encode_hello
from etaoi_collector.wire.versions import PROGRAM_VERSION

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_ANSWER_TIMEOUT = 5.0
_SHOWN_TEXT = 300
_REFUSALS = {4400: "schema version", 4401: "credentials"}
_REFUSED = {
    401: "the credentials",
    403: "the credentials",
    421: "this host name; --allow-host allows it there",
}
"""What is wrong by statuses of HTTP that another attempt would not change."""


def harmless(text: str) -> str:
    """Make a server's words fit for a log or a terminal: one line, printable, bounded."""
    printable = "".join(char if char.isprintable() else "\ufffd" for char in text[:_SHOWN_TEXT])
    return printable if len(text) <= _SHOWN_TEXT else f"{printable}..."


class Refused(Exception):
    """The server will never take us; its text is a sentence."""


def greet(connection: ClientConnection, address: str) -> Welcome:
    """Say who we are, and wait for the answer.

    Args:
        connection: New, and open.
        address: The server, for people.

    Returns:
        What the server said.

    Raises:
        Refused: The server speaks another version.
        HandshakeError: Its answer is none.
        TimeoutError: It does not answer.
    """
    connection.send(encode_hello(PROGRAM_VERSION))
    answer = decode_answer(connection.recv(timeout=_ANSWER_TIMEOUT))
    if isinstance(answer, Mismatch):
        raise Refused(f"{address}: {answer.message}.")
    return answer


def refusal(error: Exception, address: str) -> Refused | None:
    """Return what a failure to connect says, when it says that trying again is of no use."""
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in _REFUSED:
            return Refused(f"{address} refused {_REFUSED[status]} (HTTP {status}).")
    elif isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code in _REFUSALS:
        code, reason = error.rcvd.code, error.rcvd.reason
        suffix = f": {reason}" if reason else ""
        return Refused(f"{address} refused our {_REFUSALS[code]} (close {code}{suffix}).")
    return None
