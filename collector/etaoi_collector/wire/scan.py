"""Skips MessagePack items without decoding them, whatever they hold.

A MessagePack item can be skipped without a stack: it is enough to count the items that are still to come. So
nesting of any depth, counts that lie and bytes that mean nothing cost a reject each and never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, TypeVar

from etaoi_collector.wire.limits import MAX_SCAN_TOKENS

try:
    import msgpack
except ImportError:  # an agent's environment has none: there `skip` finds the same, more slowly
    msgpack = None

_Result = TypeVar("_Result")
Steps = Generator[None, None, _Result]
"""Work that may be left alone after any of its slices, each some milliseconds long."""

_AT_ONCE = 256 << 10
"""Bytes that msgpack skips in one slice: two milliseconds when each is an item."""
_LOW = 32 << 10
"""Bytes that msgpack should have at hand for the next item; it is given more when there are fewer."""
_TOKENS_AT_ONCE = 16_384
RUN = 1 << 20
"""Items of one byte that are skipped in one go."""
_FEW = 8
_FAST_FAILURES = 16

_ONES = re.compile(rb"[\x00-\x7f\xc0\xc2\xc3\xe0-\xff]+").match
"""Items of one byte, as many as there are in a row."""


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

    __slots__ = ("tokens_left",)

    def __init__(self, tokens: int = MAX_SCAN_TOKENS) -> None:
        self.tokens_left = tokens


def skip(data: memoryview, position: int, budget: Budget) -> tuple[int, bool]:
    """Return where the item at ``position`` ends, and whether it holds a byte that MessagePack does not know.

    Raises:
        BreaksOff: The data ends first.
        TooManyItems: The budget is used up.
    """
    return _finish(skip_steps(data, position, budget))


def skip_steps(data: memoryview, position: int, budget: Budget) -> Steps[tuple[int, bool]]:
    """Do as `skip` does, a slice at a time."""
    end = len(data)
    tokens_left = budget.tokens_left
    pending = 1
    unknown = False
    rest_at = tokens_left - _TOKENS_AT_ONCE
    while pending:
        if position >= end:
            budget.tokens_left = tokens_left
            raise BreaksOff
        if tokens_left <= 0:
            budget.tokens_left = 0
            raise TooManyItems
        if tokens_left < rest_at:
            rest_at = tokens_left - _TOKENS_AT_ONCE
            yield
        tokens_left -= 1
        pending -= 1
        first = data[position]
        size = _FIXED[first]
        if size:
            position += size
            if first == 0xC1:
                unknown = True
            elif (
                size == 1 and pending > _FEW and (run := _ONES(data, position, position + min(pending, RUN)))
            ):
                width = run.end() - position
                position += width
                pending -= width
                tokens_left -= width >> 5
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
    budget.tokens_left = tokens_left
    if position > end:
        raise BreaksOff
    return position, unknown


def _finish(steps: Steps[_Result]) -> _Result:
    """Do all slices at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: _Result = done.value
            return result


def depth(data: memoryview, most: int) -> int:
    """Return how deep the one whole item in ``data`` is nested; counting stops at ``most + 1``."""
    position = 0
    open_items: list[int] = []
    deepest = 0
    end = len(data)
    while position < end:
        first = data[position]
        size = _FIXED[first]
        item_count = 0
        if size:
            position += size
        elif first <= 0x9F:
            item_count = (first & 15) << 1 if first <= 0x8F else first & 15
            position += 1
        elif first in _COUNTED:
            width, gap = _COUNTED[first]
            position += 1 + width + gap + int.from_bytes(data[position + 1 : position + 1 + width], "big")
        else:
            width, factor = _HOLDERS[first]
            item_count = factor * int.from_bytes(data[position + 1 : position + 1 + width], "big")
            position += 1 + width
        if open_items:
            open_items[-1] -= 1
        if item_count:
            open_items.append(item_count)
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
    """Skips items one after the other: with msgpack's C code while that copes, else with `skip_steps`."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._budget = Budget()
        self._fast: Any = None
        self._base = 0
        self._fed = 0
        """Bytes that msgpack was given, from `_base` on."""
        self._failures = _FAST_FAILURES if msgpack is None else 0

    @property
    def has_failed(self) -> bool:
        """msgpack did not cope with an item: it is nested very deep, or none."""
        return self._failures > 0

    def over(self, position: int) -> tuple[int, bool]:
        """Like `skip`; positions must grow from call to call."""
        return _finish(self.steps(position))

    def quick(self, position: int) -> int:
        """Return where a small item ends; -1 when that takes longer: then ask `steps`."""
        if self._failures >= _FAST_FAILURES:
            return -1
        try:
            return self._over_fast(position)
        except Exception as error:  # msgpack has a class for each way to fail, and some are plain ValueErrors
            if not isinstance(error, msgpack.OutOfData):
                self._failures += 1
            self._fast = None
            return -1

    def steps(self, position: int) -> Steps[tuple[int, bool]]:
        """Skip an item, a slice at a time."""
        again = False
        while self._failures < _FAST_FAILURES:
            try:
                return self._over_fast(position, again), False
            except msgpack.OutOfData:
                if self._base + self._fed >= len(self._data):
                    raise BreaksOff from None
                self._feed()
                again = True
                yield
            except Exception:
                self._failures += 1
                self._fast = None
                break
        return (yield from skip_steps(self._data, position, self._budget))

    def _over_fast(self, position: int, again: bool = False) -> int:
        """Let msgpack skip an item as far as it has the bytes; ``again`` goes on within one."""
        fast = self._fast
        if not again:
            gap = -1 if fast is None else position - self._base - fast.tell()
            if gap < 0 or position - self._base + _LOW > self._fed:
                self._base, self._fed = position, 0
                # Room for all that is left: a buffer that grows is there twice, and what is not used is free.
                fast = self._fast = msgpack.Unpacker(
                    read_size=max(1, len(self._data) - position), max_buffer_size=(1 << 32) - 1
                )
                self._feed()
            elif gap:
                fast.read_bytes(gap)
        fast.skip()
        return int(self._base + fast.tell())

    def _feed(self) -> None:
        start = self._base + self._fed
        piece = bytes(self._data[start : start + _AT_ONCE])
        self._fast.feed(piece)
        self._fed += len(piece)
