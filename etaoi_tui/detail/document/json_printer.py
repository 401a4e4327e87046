"""Prints JSON with indentation, one line at a time, coloured by what each piece is.

Lazy, so that a document of a hundred thousand lines costs what is looked at. Strings with line feeds are
shown over several lines (the break marked), because prompts and program output are what people read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import IntFlag
from typing import Any

INDENT = 2
"""Cells that each level is indented by."""

BREAK_MARK = "↵"

_INLINE_CELLS = 60
_INLINE_ITEMS = 8
_INLINE_MEMBERS = 3
_TRUNCATED = re.compile(r"… \[truncated (\d+) chars?(?: of \d+)?\]\s*$")
_PARSED_CHARACTERS = 16_000_000
_PARTIAL_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?$")


def dump_json(value: Any) -> str:
    """Return a value as indented JSON; what JSON has no form for becomes its description."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=describe_scalar)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def describe_scalar(value: Any) -> str:
    """Describe a value that JSON has no form for."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"‹{len(value):,} bytes›"
    return repr(value)


class Parsed:
    """What became of text that should be JSON.

    Attributes:
        value: The value, as far as the text is valid.
        ok: False if the text is no JSON at all.
        missing: Characters that its sender cut off; None if it did not say or cut nothing.
        cut: True if the text breaks off.
        reason: Why it is no JSON, in words.
    """

    __slots__ = ("cut", "missing", "ok", "reason", "value")

    def __init__(self, value: Any, ok: bool, cut: bool = False, missing: int | None = None, reason: str = ""):
        self.value = value
        self.ok = ok
        self.cut = cut
        self.missing = missing
        self.reason = reason

    @property
    def note(self) -> str:
        """One sentence about what is missing or wrong; empty if nothing is."""
        if not self.ok:
            return f"not JSON: {self.reason}" if self.reason else ""
        if self.missing is not None:
            return f"cut by its sender: {self.missing:,} more characters were not sent"
        return "it breaks off: shown as far as it is valid" if self.cut else ""


def parse_json(text: str) -> Parsed:
    """Parse JSON text, also when it was cut in the middle."""
    if len(text) > _PARSED_CHARACTERS:
        return Parsed(None, False, reason=f"{len(text):,} characters are too many to print with indentation")
    missing: int | None = None
    body = text
    marker = _TRUNCATED.search(text, max(0, len(text) - 64))
    if marker is not None:
        missing = int(marker[1])
        body = text[: marker.start()]
    try:
        return Parsed(json.loads(body), True, missing is not None, missing)
    except RecursionError:
        return Parsed(None, False, reason="nested too deep")
    except ValueError as error:
        reason = f"{getattr(error, 'msg', error)} at character {getattr(error, 'pos', 0):,}"
    if body.lstrip()[:1] not in ("{", "[", '"'):
        return Parsed(None, False, reason=reason)
    closed = _close(body)
    if closed is not None:
        try:
            return Parsed(json.loads(closed), True, True, missing)
        except (ValueError, RecursionError):
            pass
    return Parsed(None, False, reason=reason)


_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\s+', re.DOTALL)


def _close(text: str) -> str | None:
    """Close what is open at the end of JSON that breaks off; None if it is wrong before its end."""
    stack: list[str] = []
    expects_key = False
    after_colon = False
    complete = 0  # the text up to here, with its brackets closed, is valid
    closers_then: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            break  # an unterminated string
        token = match[0]
        at = match.end()
        first = token[0]
        if first.isspace():
            continue
        if first in "{[":
            stack.append("}" if first == "{" else "]")
            expects_key = first == "{"
            after_colon = False
            complete, closers_then = at, list(stack)
        elif first in "}]":
            if not stack or stack.pop() != first:
                return None
            expects_key = after_colon = False
            complete, closers_then = at, list(stack)
            if not stack:
                return None if text[at:].strip() else text
        elif first == ",":
            expects_key = bool(stack) and stack[-1] == "}"
        elif first == ":":
            expects_key = False
            after_colon = True
        elif expects_key:
            continue
        elif first == '"' or at < len(text):
            # A number or a literal at the very end may lack its rest.
            after_colon = False
            complete, closers_then = at, list(stack)
    rest = text[at:]
    if (
        rest.startswith('"')
        and not expects_key
        and (after_colon or (stack and stack[-1] == "]") or not stack)
    ):
        return text[:at] + _PARTIAL_ESCAPE.sub("", rest) + '"' + "".join(reversed(stack))
    if not complete:
        return None
    return text[:complete] + "".join(reversed(closers_then))


class LineKind(IntFlag):
    """What the value part of a printed line is, so that it can be coloured without being read again."""

    SHORT = 0
    """A scalar, a bracket or a short list or map: read again when it is drawn."""
    STRING = 1
    """A string, or a piece of one: everything behind the key."""
    BREAK = 2
    """It ends with the mark of a line feed."""
    NOTE = 4
    """Words of our own."""
    PLAIN = 8
    """Text that is no JSON."""


JsonLine = tuple[int, str, int, LineKind]
"""Depth, text without indentation, length of the key part, and what follows it."""


def json_lines(value: Any) -> Iterator[JsonLine]:
    """Yield the lines of a value, without recursion."""
    line = _one_line(value)
    if line is not None:
        yield 0, line, 0, LineKind.STRING if isinstance(value, str) else LineKind.SHORT
        return
    if isinstance(value, str):
        yield from _string_lines(0, "", value, "")
        return
    opening, closing, items = _container(value)
    yield 0, opening, 0, LineKind.SHORT
    stack: list[tuple[Iterator[tuple[str, Any, str]], str]] = [(items, closing)]
    while stack:
        items, closing = stack[-1]
        depth = len(stack)
        for head, item, comma in items:
            line = _one_line(item)
            if line is not None:
                kind = LineKind.STRING if isinstance(item, str) else LineKind.SHORT
                yield depth, f"{head}{line}{comma}", len(head), kind
                continue
            if isinstance(item, str):
                yield from _string_lines(depth, head, item, comma)
                continue
            opening, inner_closing, inner = _container(item)
            yield depth, head + opening, len(head), LineKind.SHORT
            stack.append((inner, inner_closing + comma))
            break
        else:
            stack.pop()
            yield depth - 1, closing, 0, LineKind.SHORT


def colour_line(text: str, head: int, kind: LineKind) -> list[tuple[int, str]]:
    """Return where each colour of a printed line ends, in order: ``(offset, style)``."""
    if kind & LineKind.NOTE:
        return [(len(text), "note")]
    if kind & LineKind.PLAIN:
        return [(len(text), "")]
    ends: list[tuple[int, str]] = []
    if head:
        ends = [(head - 2, "json.key"), (head, "json.punct")]
    if kind & LineKind.STRING:
        if kind & LineKind.BREAK:
            return [*ends, (len(text) - 1, "json.string"), (len(text), "muted")]
        comma = text.endswith('",')
        return [*ends, (len(text) - comma, "json.string"), (len(text), "json.punct")]
    for match in _SHORT_TOKENS.finditer(text, head):
        name = match.lastgroup or "punct"
        if name == "string" and text.startswith(":", match.end()):
            name = "key"
        ends.append((match.end(), f"json.{name}"))
    return ends


_SHORT_TOKENS = re.compile(
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<number>-?\d[\w.+-]*)|(?P<punct>[\s{}\[\],:]+)'
    r"|(?P<literal>[^\s{}\[\],:\"]+|.)"
)


def _container(value: Any) -> tuple[str, str, Iterator[tuple[str, Any, str]]]:
    if isinstance(value, Mapping):
        return "{", "}", _members(value)
    return "[", "]", _items(value)


def _members(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any, str]]:
    last = len(value) - 1
    for n, (key, item) in enumerate(value.items()):
        name = key if isinstance(key, str) else describe_scalar(key)
        yield f"{_quote(name)}: ", item, "" if n == last else ","


def _items(value: Any) -> Iterator[tuple[str, Any, str]]:
    last = len(value) - 1
    for n, item in enumerate(value):
        yield "", item, "" if n == last else ","


def _one_line(value: Any) -> str | None:
    """Return the text of a value that fits on one line by its nature, or None."""
    if isinstance(value, str):
        return _quote(value) if "\n" not in value else None
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    if not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    is_map = isinstance(value, Mapping)
    if len(value) > (_INLINE_MEMBERS if is_map else _INLINE_ITEMS):
        return None
    pieces: list[str] = []
    used = 2
    for head, item, _ in _members(value) if is_map else _items(value):
        if isinstance(item, str):
            if len(item) > _INLINE_CELLS or "\n" in item:
                return None
            piece: str | None = _quote(item)
        else:
            piece = _scalar(item)
        if piece is None:
            return None
        pieces.append(head + piece)
        used += len(head) + len(piece) + 2
        if used > _INLINE_CELLS:
            return None
    inner = ", ".join(pieces)
    return f"{{{inner}}}" if is_map else f"[{inner}]"


def _scalar(value: Any) -> str | None:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, (Mapping, list, tuple)):
        return None
    return describe_scalar(value)


def _number(value: int | float) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python is willing to print
        return f"‹an integer of {int(value).bit_length():,} bits›"


_quote = json.JSONEncoder(ensure_ascii=False).encode


def _string_lines(depth: int, head: str, text: str, comma: str) -> Iterator[JsonLine]:
    """Yield a string that has line feeds, one line for each of its own."""
    at = 0
    while True:
        stop = text.find("\n", at)
        piece = _quote(text[at : stop if stop >= 0 else len(text)])[1:-1]
        first = at == 0
        if first:
            piece = f'{head}"{piece}'
        length = len(head) if first else 0
        if stop < 0:
            yield depth + (not first), f'{piece}"{comma}', length, LineKind.STRING
            return
        yield depth + (not first), piece + BREAK_MARK, length, LineKind.STRING | LineKind.BREAK
        at = stop + 1
