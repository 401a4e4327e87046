"""Decodes one event completely for somebody who looks at it: whatever its bytes, the result is readable."""

from __future__ import annotations

import contextlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from etaoi_collector.wire.limits import MAX_SHOWN_DEPTH

try:
    import msgpack
except ImportError:  # an agent's environment has none: there everything is read item by item
    msgpack = None

_TOO_DEEP = f"… nested deeper than {MAX_SHOWN_DEPTH} levels"
_CUT = "… the data breaks off here"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode_lossless(raw_event: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Decode everything in one event (or in any other MessagePack map, such as a payload).

    Returns:
        A dict of JSON-like values: text, numbers, booleans, None, lists and dicts with text keys, nested at
        most `MAX_SHOWN_DEPTH` deep. Invalid UTF-8 is replaced, bytes and extensions become text that says
        what they are, keys that are no text become text. Something other than a map is returned under the
        key ``value``. Never raises for any bytes.
    """
    value = None
    if msgpack is not None:
        # msgpack has many ways to fail, and every one means: read it item by item.
        with contextlib.suppress(Exception):
            value = msgpack.unpackb(
                raw_event, unicode_errors="replace", strict_map_key=True, ext_hook=_extension
            )
    if value is None or not _is_plain(value):
        value = _Reader(bytes(raw_event)).read()
    return value if isinstance(value, dict) else {"value": value}


def _is_plain(value: Any) -> bool:
    """Tell whether a decoded value holds only what the caller was promised."""
    level: list[Any] = [value]
    for _ in range(MAX_SHOWN_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                if any(type(key) is not str for key in item):
                    return False
                below.extend(item.values())
            elif kind is list:
                below.extend(item)
            elif kind is bytes or kind is msgpack.Timestamp:
                return False
        if not below:
            return True
        level = below
    return False


def _extension(code: int, data: bytes) -> str:
    return f"<extension {code}: {_hex(data)}>"


def _hex(data: bytes) -> str:
    hex_text = data[:32].hex(" ")
    return f"{len(data):,} bytes: {hex_text} …" if len(data) > 32 else hex_text or "empty"


def _text_of_bytes(data: bytes) -> str:
    """Bytes are mostly text in the wrong clothes; show them as text where they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"<bytes {_hex(data)}>"


def _timestamp(data: bytes) -> str | None:
    """Read MessagePack's timestamp extension as RFC 3339 text, or return None."""
    if len(data) == 4:
        seconds, nanos = int.from_bytes(data, "big"), 0
    elif len(data) == 8:
        both = int.from_bytes(data, "big")
        seconds, nanos = both & ((1 << 34) - 1), both >> 34
    elif len(data) == 12:
        nanos, seconds = struct.unpack(">Iq", data)
    else:
        return None
    try:
        return (
            (_EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000))
            .isoformat()
            .replace("+00:00", "Z")
        )
    except OverflowError:
        return None


class _Cut(Exception):
    """The data ended."""


class _Open:
    """A map or list that still waits for items."""

    __slots__ = ("key", "remaining", "target")

    def __init__(self, target: dict[str, Any] | list[Any], remaining: int) -> None:
        self.target = target
        self.remaining = remaining
        self.key: str | None = None


class _Reader:
    """An iterative reader that turns every MessagePack item into something readable."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self) -> Any:
        """Read the first item of the data."""
        stack: list[_Open] = []
        while True:
            try:
                value, count = self._item()
            except _Cut:
                value, count = _CUT, -1
            opened = _Open(value, count) if count > 0 else None
            if opened is not None and len(stack) >= MAX_SHOWN_DEPTH:
                value, opened = self._pass_over(count), None
            if stack:
                self._put(stack[-1], value)
            if opened is not None:
                stack.append(opened)
            if count == -1 and value == _CUT:
                return _root(stack, value)
            while stack and stack[-1].remaining == 0:
                done = stack.pop()
                if not stack:
                    return done.target
            if not stack:
                return value

    def _put(self, holder: _Open, value: Any) -> None:
        target = holder.target
        if isinstance(target, list):
            target.append(value)
            holder.remaining -= 1
        elif holder.key is None:
            holder.key = value if isinstance(value, str) else _key(value)
            holder.remaining -= 1
            if holder.remaining == 0:
                target[holder.key] = _CUT
        else:
            target[holder.key] = value
            holder.key = None
            holder.remaining -= 1

    def _pass_over(self, count: int) -> str:
        while count:
            count -= 1
            try:
                _, child_count = self._item()
            except _Cut:
                break
            count += max(child_count, 0)
        return _TOO_DEEP

    def _take(self, size: int) -> bytes:
        chunk = self._data[self._position : self._position + size]
        self._position += size
        if len(chunk) < size:
            raise _Cut
        return chunk

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _item(self) -> tuple[Any, int]:
        """Read one item: (value, items that it waits for); 0 for everything that is complete."""
        first = self._number(1)
        if first <= 0x7F:
            return first, 0
        if first <= 0x8F:
            return {}, (first & 15) * 2
        if first <= 0x9F:
            return [], first & 15
        if first <= 0xBF:
            return self._text(first & 31), 0
        if first >= 0xE0:
            return first - 256, 0
        return self._long_item(first)

    def _long_item(self, first: int) -> tuple[Any, int]:
        if first in (0xDC, 0xDD):
            return [], self._number(2 if first == 0xDC else 4)
        if first in (0xDE, 0xDF):
            return {}, self._number(2 if first == 0xDE else 4) * 2
        if first in (0xD9, 0xDA, 0xDB):
            return self._text(self._number(1 << (first - 0xD9))), 0
        if first in (0xC4, 0xC5, 0xC6):
            return _text_of_bytes(self._take(self._number(1 << (first - 0xC4)))), 0
        if 0xCC <= first <= 0xCF:
            return self._number(1 << (first - 0xCC)), 0
        if 0xD0 <= first <= 0xD3:
            return int.from_bytes(self._take(1 << (first - 0xD0)), "big", signed=True), 0
        if first in (0xCA, 0xCB):
            packed = self._take(4 if first == 0xCA else 8)
            return struct.unpack(">f" if first == 0xCA else ">d", packed)[0], 0
        if 0xC7 <= first <= 0xC9:
            return self._any_extension(self._number(1 << (first - 0xC7))), 0
        if 0xD4 <= first <= 0xD8:
            return self._any_extension(1 << (first - 0xD4)), 0
        return {0xC0: None, 0xC2: False, 0xC3: True}.get(first, "<byte c1>"), 0

    def _text(self, size: int) -> str:
        return self._take(size).decode("utf-8", "replace")

    def _any_extension(self, size: int) -> str:
        code = int.from_bytes(self._take(1), "big", signed=True)
        data = self._take(size)
        return (_timestamp(data) if code == -1 else None) or _extension(code, data)


def _key(value: Any) -> str:
    return repr(value) if isinstance(value, (dict, list)) else str(value)


def _root(stack: list[_Open], value: Any) -> Any:
    return stack[0].target if stack else value
