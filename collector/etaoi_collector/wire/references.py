"""Values that are sent once and referred to afterwards: the messages of a long thread, mostly.

A *value* is the MessagePack of something in a payload. It travels once for each connection or file, in a
frame without events (`encode_values`), and is called by the digest of its bytes. In payloads three extension
types of MessagePack stand for it:

- ``REFERENCE``, 16 bytes: the value with this digest, in its place.
- ``TEXT``, an array of texts and references to texts: the texts in a row, as one text. JSON, mostly: what is
  no text stands in it as JSON.
- ``LIST``, an array of items and references: a list. A list among them stands for its items.

A value may itself be a ``TEXT`` or a ``LIST``, so a long list is a few references to lists of lists. A
reference is never wrong, because a value is taken by its digest: it is there, or a note says that it is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.msgpack import Ext

from etaoi_collector.wire.versions import SCHEMA_VERSION

REFERENCE, TEXT, LIST = 101, 102, 103
"""Codes of the extension types."""

CAPABILITY = "+references"
"""Ends the ``server_version`` of servers that understand all this."""

MARK = b"\xd8e"
"""How every reference begins. In text these two bytes never stand side by side, in numbers seldom."""

VALUES_BEGIN = b"\x91\x83\xa6values"
"""How every frame of values begins."""

DIGEST_BYTES = 16
MOST_RESOLVED = 64 << 20
"""Bytes of values that one event may stand for; beyond it they are left out, with a note."""
MOST_DEEP = 12
"""How deep lists of lists may lie."""

NOTE = "etaoi_tui.note"
SENT_EARLIER = "sent before this recording began"
TOO_MUCH = "left out: this event stands for too much"

_encode = msgspec.msgpack.Encoder().encode
_FAILURES = (msgspec.MsgspecError, ValueError, TypeError, LookupError, RecursionError, OverflowError)
_KEY = _encode("values")
_BEHIND = _encode("schema_version") + _encode(SCHEMA_VERSION) + _encode("batch") + b"\x90"


class _Values(msgspec.Struct, gc=False):
    values: dict[bytes, bytes]


_values = msgspec.msgpack.Decoder(list[_Values]).decode


def digest_of(content: bytes) -> bytes:
    """Return what a value is called."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def stand_in(why: str) -> dict[str, str]:
    """Return what stands where a value is not there: mostly in a list of messages, and so readable as one."""
    return {NOTE: why, "role": "unknown", "text": why}


def reference_to(digest: bytes) -> bytes:
    """Return what stands for a value."""
    return MARK + digest


def text_of(parts: list[bytes]) -> bytes:
    """Return the text that encoded texts and references make together."""
    return _encode(Ext(TEXT, _array(parts)))


def list_of(parts: list[bytes]) -> bytes:
    """Return the list of encoded items and references."""
    return _encode(Ext(LIST, _array(parts)))


def _array(parts: list[bytes]) -> bytes:
    return b"\xdd" + len(parts).to_bytes(4, "big") + b"".join(parts)


def encode_values(values: Mapping[bytes, bytes]) -> bytes:
    """Return the frame that brings values, by their digests."""
    return b"\x91\x83" + _KEY + _encode(values) + _BEHIND


def decode_values(frame: bytes | bytearray | memoryview) -> dict[bytes, bytes]:
    """Return the values that a frame brings; none when it is another frame, or broken."""
    try:
        return {key: value for envelope in _values(frame) for key, value in envelope.values.items()}
    except _FAILURES:
        return {}


class Resolver:
    """Puts values in the place of references.

    Args:
        find: Returns the bytes of the value with a digest; None when nobody has it.
        most: Bytes of values that one event may stand for.
    """

    def __init__(self, find: Callable[[bytes], bytes | None], most: int = MOST_RESOLVED) -> None:
        self._find = find
        self._most = most
        self._bytes_left = 0
        self._depth = 0
        self._has_references = False
        self._decode = msgspec.msgpack.Decoder(ext_hook=self._value).decode

    def resolve(self, raw: bytes) -> bytes:
        """Return an encoded event or payload with all its values in it. Never raises for any bytes."""
        if MARK not in raw:
            return raw
        self._bytes_left, self._depth, self._has_references = self._most, 0, False
        try:
            value = self._decode(raw)
            return _encode(value) if self._has_references else raw
        except _FAILURES:
            return raw

    def _value(self, code: int, data: memoryview) -> Any:
        if code == REFERENCE:
            self._has_references = True
            return self._referred(bytes(data))
        if code == TEXT:
            return "".join(part if type(part) is str else _json(part) for part in self._decode(data))
        if code == LIST:
            items: list[Any] = []
            for part in self._decode(data):
                if type(part) is list:
                    items += part
                else:
                    items.append(part)
            return items
        return Ext(code, bytes(data))

    def _referred(self, digest: bytes) -> Any:
        """Return a value, or what stands in its place."""
        content = self._find(digest)
        if content is None:
            return stand_in(SENT_EARLIER)
        self._bytes_left -= len(content)
        if self._bytes_left < 0 or self._depth >= MOST_DEEP:
            return stand_in(TOO_MUCH)
        self._depth += 1
        try:
            return self._decode(content)
        finally:
            self._depth -= 1


def _json(value: Any) -> str:
    """Return what is no text, where a piece of JSON text is expected: mostly a note."""
    return msgspec.json.encode(value, enc_hook=repr).decode()
