"""Finds the events of a frame without decoding them, whatever the frame holds.

A MessagePack item can be skipped without a stack: it is enough to count the items that are still to come. So
nesting of any depth, counts that lie and bytes that mean nothing cost a reject each and never an exception.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.limits import MAX_EVENTS_PER_FRAME, MAX_SCAN_TOKENS

try:
    import msgpack
except ImportError:  # an agent's environment has none: there `skip` finds the same, more slowly
    msgpack = None

_READ_AHEAD = 1 << 20
_FAST_FAILURES = 16


class BreaksOff(ValueError):
    """The bytes end before the item does."""


class TooManyItems(ValueError):
    """The item consists of more parts than the scan may walk."""


def _fixed_sizes() -> list[int]:
    """Bytes that items take which neither hold others nor tell a length, by first byte; 0 for the rest."""
    sizes = [1] * 128 + [0] * 32 + [1 + n for n in range(32)] + [0] * 32 + [1] * 32
    for byte, size in (
        (0xC0, 1), (0xC1, 1), (0xC2, 1), (0xC3, 1), (0xCA, 5), (0xCB, 9), (0xCC, 2), (0xCD, 3), (0xCE, 5),
        (0xCF, 9), (0xD0, 2), (0xD1, 3), (0xD2, 5), (0xD3, 9), (0xD4, 3), (0xD5, 4), (0xD6, 6), (0xD7, 10),
        (0xD8, 18),
    ):  # fmt: skip
        sizes[byte] = size
    return sizes


_FIXED = _fixed_sizes()
_COUNTED = {0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0), 0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0)}
_COUNTED |= {0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
"""First byte of strings, bytes and extensions: (width of the length, bytes between length and content)."""
_HOLDERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""First byte of long arrays and maps: (width of the count, items for each counted)."""


class Budget:
    """How many more items a scan may walk."""

    __slots__ = ("left",)

    def __init__(self, tokens: int = MAX_SCAN_TOKENS) -> None:
        self.left = tokens


def skip(data: memoryview, position: int, budget: Budget) -> tuple[int, bool]:
    """Return where the item at ``position`` ends, and whether it holds a byte that MessagePack does not know.

    Raises:
        BreaksOff: The data ends first.
        TooManyItems: The budget is used up.
    """
    end = len(data)
    left = budget.left
    pending = 1
    unknown = False
    while pending:
        if position >= end:
            budget.left = left
            raise BreaksOff
        if left <= 0:
            budget.left = 0
            raise TooManyItems
        left -= 1
        pending -= 1
        first = data[position]
        size = _FIXED[first]
        if size:
            position += size
            if first == 0xC1:
                unknown = True
        elif first <= 0x8F:
            pending += (first & 15) << 1
            position += 1
        elif first <= 0x9F:
            pending += first & 15
            position += 1
        elif first in _COUNTED:
            width, gap = _COUNTED[first]
            content = position + 1 + width
            position = content + gap + int.from_bytes(data[position + 1 : content], "big")
            if content > end:
                position = content
        else:
            width, factor = _HOLDERS[first]
            content = position + 1 + width
            pending += factor * int.from_bytes(data[position + 1 : content], "big")
            position = content
    budget.left = left
    if position > end:
        raise BreaksOff
    return position, unknown


def depth(data: memoryview, most: int) -> int:
    """Return how deep the one whole item in ``data`` is nested; counting stops at ``most + 1``."""
    position = 0
    open_items: list[int] = []
    deepest = 0
    end = len(data)
    while position < end:
        first = data[position]
        size = _FIXED[first]
        held = 0
        if size:
            position += size
        elif first <= 0x9F:
            held = (first & 15) << 1 if first <= 0x8F else first & 15
            position += 1
        elif first in _COUNTED:
            width, gap = _COUNTED[first]
            position += 1 + width + gap + int.from_bytes(data[position + 1 : position + 1 + width], "big")
        else:
            width, factor = _HOLDERS[first]
            held = factor * int.from_bytes(data[position + 1 : position + 1 + width], "big")
            position += 1 + width
        if open_items:
            open_items[-1] -= 1
        if held:
            open_items.append(held)
            deepest = max(deepest, len(open_items))
            if deepest > most:
                return deepest
            continue
        while open_items and open_items[-1] == 0:
            open_items.pop()
    return deepest


def holder(data: memoryview, position: int) -> tuple[str, int, int]:
    """Read an array's or map's head.

    Returns:
        Its shape (``"array"``, ``"map"``, or another item's name), its count, and where its content begins.

    Raises:
        BreaksOff: The data ends within the head.
    """
    if position >= len(data):
        raise BreaksOff
    first = data[position]
    if 0x80 <= first <= 0x8F:
        return "map", first & 15, position + 1
    if 0x90 <= first <= 0x9F:
        return "array", first & 15, position + 1
    if first in _HOLDERS:
        width, factor = _HOLDERS[first]
        content = position + 1 + width
        if content > len(data):
            raise BreaksOff
        return "map" if factor == 2 else "array", int.from_bytes(data[position + 1 : content], "big"), content
    return _name(first), 0, position


def _name(first: int) -> str:
    """Name the type of a plain item by its first byte."""
    if first < 0x80 or first >= 0xE0 or 0xCC <= first <= 0xD3:
        return "number"
    if 0xA0 <= first <= 0xBF or 0xD9 <= first <= 0xDB:
        return "string"
    names = {
        0xC0: "nil",
        0xC1: "stray byte",
        0xC2: "boolean",
        0xC3: "boolean",
        0xCA: "number",
        0xCB: "number",
    }
    return names.get(first, "binary value")


def string(data: memoryview, position: int) -> tuple[bytes | None, int]:
    """Read the string at ``position`` as bytes: (content, where it ends), or (None, position) for others."""
    first = data[position]
    if 0xA0 <= first <= 0xBF:
        start, size = position + 1, first & 31
    elif 0xD9 <= first <= 0xDB:
        width = _COUNTED[first][0]
        start = position + 1 + width
        size = int.from_bytes(data[position + 1 : start], "big")
    else:
        return None, position
    if start + size > len(data):
        raise BreaksOff
    return bytes(data[start : start + size]), start + size


class Skipper:
    """Skips items one after the other: with msgpack's C code while that copes, else with `skip`."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._budget = Budget()
        self._fast: Any = None
        self._base = 0
        self._failures = _FAST_FAILURES if msgpack is None else 0

    def over(self, position: int) -> tuple[int, bool]:
        """Like `skip`; positions must grow from call to call."""
        if self._failures < _FAST_FAILURES:
            try:
                return self._over_fast(position), False
            except Exception:  # msgpack has a class for each way to fail, and some are plain ValueErrors
                self._failures += 1
                self._fast = None
        return skip(self._data, position, self._budget)

    def _over_fast(self, position: int) -> int:
        if self._fast is None:
            self._base = position
            self._fast = msgpack.Unpacker(
                _Feed(self._data, position), read_size=_READ_AHEAD, max_buffer_size=(1 << 32) - 1
            )
        gap = position - self._base - self._fast.tell()
        if gap:
            self._fast.read_bytes(gap)
        self._fast.skip()
        return int(self._base + self._fast.tell())


class _Feed:
    """A file-like view that hands the frame to the unpacker piece by piece, so that no second copy exists."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position

    def read(self, size: int) -> bytes:
        start = self._position
        self._position = min(len(self._data), start + size)
        return bytes(self._data[start : self._position])


ByteRange = tuple[int, int]
"""Where an event begins and ends in its frame, in bytes."""


def scan_frame(frame: bytes | bytearray | memoryview) -> list[Raw | Reject]:
    """Split a frame into its events, as `scan_byte_ranges` finds them; the raws share the frame's memory."""
    data = memoryview(frame)
    return [
        part if isinstance(part, Reject) else Raw(data[part[0] : part[1]]) for part in scan_byte_ranges(data)
    ]


def scan_byte_ranges(frame: bytes | bytearray | memoryview) -> list[ByteRange | Reject]:
    """Find the events of a frame. What cannot be one becomes a `Reject`; never raises.

    Returns:
        One item per event in order, over all envelopes; an item's index is its ordinal.
    """
    data = memoryview(frame)
    parts: list[ByteRange | Reject] = []
    try:
        end = _envelopes(data, parts)
    except BreaksOff:
        parts.append(Reject(len(parts), f"the frame breaks off after {len(data):,} bytes, within this event"))
    except TooManyItems:
        parts.append(
            Reject(len(parts), "the rest of the frame is too finely divided to be searched for events")
        )
    except _Full:
        parts.append(Reject(len(parts), f"only the first {len(parts):,} events of one frame are taken"))
    else:
        if end < len(data):
            parts.append(Reject(len(parts), f"{len(data) - end:,} bytes follow after the frame's own end"))
    return parts


class _Full(Exception):
    """The frame holds more events than are taken from one."""


def _envelopes(data: memoryview, parts: list[ByteRange | Reject]) -> int:
    shape, count, position = holder(data, 0)
    if shape != "array":
        parts.append(Reject(0, f"the frame is a {shape}, not a list of envelopes"))
        return len(data)
    skipper = Skipper(data)
    for number in range(count):
        shape, keys, content = holder(data, position)
        if shape != "map":
            position, _ = skipper.over(position)
            _append(parts, Reject(len(parts), f"envelope {number} is a {shape}, not a map"))
            continue
        position = _envelope(data, content, keys, number, skipper, parts)
    return position


def _envelope(
    data: memoryview, position: int, keys: int, number: int, skipper: Skipper, parts: list[ByteRange | Reject]
) -> int:
    first_of_envelope = len(parts)
    found = False
    for _ in range(keys):
        if position >= len(data):
            raise BreaksOff
        key, position = string(data, position)
        if key is None:
            position, _ = skipper.over(position)
        if key != b"batch":
            position, _ = skipper.over(position)
            continue
        found = True
        del parts[first_of_envelope:]  # of a key that occurs twice the last value counts, as msgspec has it
        shape, count, content = holder(data, position)
        if shape != "array":
            position, _ = skipper.over(position)
            _append(parts, Reject(len(parts), f"the batch of envelope {number} is a {shape}, not a list"))
            continue
        position = content
        for _ in range(count):
            start = position
            position, unknown = skipper.over(start)
            if unknown:
                _append(parts, Reject(len(parts), "it holds the byte 0xc1, which MessagePack does not know"))
            else:
                _append(parts, (start, position))
    if not found:
        _append(parts, Reject(len(parts), f"envelope {number} has no batch"))
    return position


def _append(parts: list[ByteRange | Reject], part: ByteRange | Reject) -> None:
    if len(parts) >= MAX_EVENTS_PER_FRAME - 1:
        raise _Full
    parts.append(part)
