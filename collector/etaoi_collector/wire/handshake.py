"""The handshake: Hello from the client, then Welcome or Mismatch from the server, each one msgpack map."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from etaoi_collector.wire.errors import EtaoiError
from etaoi_collector.wire.limits import MAX_HELLO
from etaoi_collector.wire.versions import SCHEMA_VERSION, SUPPORTED, advice

WRITTEN = b"written "
"""How a ping begins that is to be answered when all messages before it are in the recording's file; any other
server answers it like every ping. At most 117 bytes follow, which tell it from others."""

INGEST = "ingest"
FANOUT = "fanout"


class HandshakeError(EtaoiError, ValueError):
    """A first message that is no Hello; its text is a sentence for the person at the other end."""


class After(msgspec.Struct):
    """How far a viewer has read a recording, so that a second connection goes on there."""

    recording: str
    """Id out of the recording's header."""
    segment: Annotated[int, Meta(ge=0, lt=1 << 32)] = 0
    offset: Annotated[int, Meta(ge=0, lt=1 << 40)] = 0
    """Where the next record begins in that segment."""


class Hello(msgspec.Struct, tag="hello", tag_field="kind"):
    """What a client says first. Keys beyond these are not refused."""

    schema_version: str
    sdk_version: str = ""
    role: str = INGEST
    after: After | UnsetType = msgspec.field(name="etaoi_tui.after", default=UNSET)
    """Only in the role of a viewer, and only between programs of this project."""


class Welcome(msgspec.Struct, tag="welcome", tag_field="kind"):
    """The server's consent: to an agent exactly two keys, because the reference client dies of any other."""

    schema_version: str
    server_version: str = ""
    """Always told by us; other servers may leave it out."""
    end: After | UnsetType = msgspec.field(name="etaoi_tui.end", default=UNSET)
    """Only to a viewer: where the recording ends now, so that it knows when it has read all of that."""


class Mismatch(msgspec.Struct, tag="mismatch", tag_field="kind"):
    """The server's refusal of a schema version."""

    client: str
    server: str
    message: str
    code: str = "schema_version_mismatch"


_encode = msgspec.msgpack.encode
_hello = msgspec.msgpack.Decoder(Hello)
_answer = msgspec.msgpack.Decoder(Welcome | Mismatch)


def encode_hello(
    sdk_version: str,
    schema_version: str = SCHEMA_VERSION,
    role: str = INGEST,
    after: After | None = None,
) -> bytes:
    """Encode a client's Hello."""
    return _encode(Hello(schema_version, sdk_version, role, UNSET if after is None else after))


def decode_hello(message: bytes | bytearray | memoryview | str) -> Hello:
    """Read a client's first message.

    Raises:
        HandshakeError: It is none; the text says what arrived instead, in at most a close reason's length.
    """
    if isinstance(message, str):
        raise HandshakeError("Text message received; this is an etaoi collector and speaks binary msgpack.")
    if len(message) > MAX_HELLO:
        raise HandshakeError("The first message is no etaoi hello: it is too long.")
    try:
        return _hello.decode(message)
    except msgspec.ValidationError:
        raise HandshakeError(
            "The first message is no etaoi hello; upgrade the client's etaoi package."
        ) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise HandshakeError(
            "The first message is not msgpack; etaoi clients say hello in msgpack."
        ) from None


def encode_welcome(schema_version: str, server_version: str, end: After | None = None) -> bytes:
    """Encode the server's Welcome; ``end`` is for viewers only."""
    return _encode(Welcome(schema_version, server_version, UNSET if end is None else end))


def encode_mismatch(client_version: str) -> bytes:
    """Encode the refusal of a client that speaks ``client_version``."""
    return _encode(Mismatch(client_version, SCHEMA_VERSION, mismatch_message(client_version)))


def mismatch_message(client_version: str) -> str:
    """Say which versions met and what to upgrade, short enough for a close reason."""
    quoted = ascii(client_version)
    shortened = quoted if len(quoted) <= 24 else f"{quoted[:20]}..."
    return f"schema {shortened} is not supported (etaoi-tui takes {SUPPORTED}): {advice(client_version)}"


def decode_answer(message: bytes | bytearray | memoryview | str) -> Welcome | Mismatch:
    """Read the server's answer to a Hello.

    Raises:
        HandshakeError: It is neither a Welcome nor a Mismatch.
    """
    if isinstance(message, str):
        raise HandshakeError("The server answered with text: it is no etaoi server.")
    try:
        answer: Welcome | Mismatch = _answer.decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise HandshakeError("The server's answer is no etaoi handshake.") from None
    return answer


def describe_client(hello: Hello, user_agent: str = "") -> str:
    """Name a client for people, from what it says about itself."""
    schema = f"schema {hello.schema_version[:20]}"
    return f"{user_agent[:80]} ({schema})" if user_agent else schema
