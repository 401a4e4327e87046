"""The server's half of the protocol for one connection, without any I/O: messages in, answers and frames out.

To an agent a session says one thing only, the answer to the Hello. The reference client never reads again
after that: anything more would fill its socket and end the connection. A viewer, of the role ``fanout``, is
sent what is recorded, and has nothing more to say itself.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from etaoi_collector.wire.handshake import (
    FANOUT,
    INGEST,
    After,
    HandshakeError,
    Hello,
    decode_hello,
    encode_mismatch,
    encode_welcome,
    mismatch_message,
)
from etaoi_collector.wire.limits import MAX_CLOSE_REASON
from etaoi_collector.wire.versions import accepted

UNSUPPORTED_DATA = 1003
"""Close code: a message of a type that is not understood (RFC 6455, section 7.4.1)."""
POLICY = 1008
MISMATCH = 4400
BAD_TOKEN = 4401


class Close(msgspec.Struct, frozen=True):
    """How a connection is to be closed."""

    code: int
    reason: str
    """At most 123 bytes of UTF-8."""


class Answer(msgspec.Struct, frozen=True):
    """What is to be done about a message."""

    send: bytes | None = None
    """A message to send."""
    close: Close | None = None
    """Close the connection then."""
    frame: bytes | None = None
    """An event frame, to be recorded and decoded."""
    refused: str = ""
    """Why the message was not taken."""


class ServerProtocol:
    """One connection.

    Args:
        server_version: What the Welcome names.
        recording_end: Returns where the recording ends now: viewers are told.
        authorised: The client brought the token, or none is wanted.
    """

    def __init__(
        self,
        *,
        server_version: str,
        authorised: bool = True,
        recording_end: Callable[[], After] | None = None,
    ) -> None:
        self.hello: Hello | None = None
        """The client's Hello, once it was accepted."""
        self._server_version = server_version
        self._authorised = authorised
        self._recording_end = recording_end

    def begin(self) -> Answer | None:
        """Answer the connection itself, before any message."""
        if self._authorised:
            return None
        return Answer(close=_close(BAD_TOKEN, "Wrong or missing token: give the client the one of --token."))

    def receive(self, message: bytes | str) -> Answer:
        """Take one message of the client."""
        if not self._authorised:
            return Answer(close=_close(BAD_TOKEN, "Wrong or missing token."), refused="no token")
        if self.hello is None:
            return self._greet(message)
        if self.hello.role == FANOUT:
            return Answer(
                close=_close(POLICY, "Viewers (role fanout) only read here; agents use the role ingest.")
            )
        if isinstance(message, str):
            return Answer(refused="a text message; frames are binary msgpack")
        return Answer(frame=message)

    def _greet(self, message: bytes | str) -> Answer:
        try:
            hello = decode_hello(message)
        except HandshakeError as error:
            return Answer(close=_close(UNSUPPORTED_DATA, str(error)), refused=str(error))
        version = accepted(hello.schema_version)
        if version is None:
            text = mismatch_message(hello.schema_version)
            return Answer(
                send=encode_mismatch(hello.schema_version), close=_close(MISMATCH, text), refused=text
            )
        if hello.role not in (INGEST, FANOUT):
            text = f"Unknown role {hello.role[:20]!a}; agents have the role ingest, viewers the role fanout."
            return Answer(close=_close(POLICY, text), refused=text)
        self.hello = hello
        end = self._recording_end() if self._recording_end is not None and hello.role == FANOUT else None
        return Answer(send=encode_welcome(version, self._server_version, end))


def _close(code: int, reason: str) -> Close:
    """Build a close whose reason surely fits: cut between characters, never within one."""
    fitting = reason.encode()[:MAX_CLOSE_REASON].decode(errors="ignore")
    return Close(code, fitting)
