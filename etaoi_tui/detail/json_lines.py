"""Prints JSON with indentation, one line at a time, coloured by what each piece is.

Lazy, so that a document of a hundred thousand lines costs what is looked at. Strings with line feeds are
shown over several lines (the break marked), because prompts and program output are what people read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from etaoi_tui.detail.document import Run

INDENT = "  "
BREAK_MARK = "↵"

_INLINE_CELLS = 60
_INLINE_ITEMS = 8
_TRUNCATED = re.compile(r"… \[truncated (\d+) chars?\]\s*$")
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
        found = _TOKENS.match(text, at)
        if found is None:
            break  # an unterminated string
        token = found[0]
        at = found.end()
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


def json_lines(value: Any) -> Iterator[tuple[str, list[Run]]]:
    """Yield the lines of a value as ``(indentation, runs)``, without recursion."""
    yield from _Printer().lines(value)


class _Printer:
    def lines(self, value: Any) -> Iterator[tuple[str, list[Run]]]:
        inline = _inline(value)
        if inline is not None:
            yield "", inline
            return
        if isinstance(value, str):
            yield from _string_lines("", [], value, "")
            return
        opening, closing, items = _container(value)
        yield "", [(opening, "json.punct")]
        stack: list[tuple[Iterator[tuple[list[Run], Any, bool]], str, str]] = [(items, closing, "")]
        while stack:
            items, closing, tail = stack[-1]
            indent = INDENT * len(stack)
            for head, item, last in items:
                comma = "" if last else ","
                inline = _inline(item)
                if inline is not None:
                    yield indent, [*head, *inline, (comma, "json.punct")]
                    continue
                if isinstance(item, str):
                    yield from _string_lines(indent, head, item, comma)
                    continue
                opening, inner_closing, inner = _container(item)
                yield indent, [*head, (opening, "json.punct")]
                stack.append((inner, inner_closing, comma))
                break
            else:
                stack.pop()
                yield INDENT * len(stack), [(closing + tail, "json.punct")]


def _container(value: Any) -> tuple[str, str, Iterator[tuple[list[Run], Any, bool]]]:
    if isinstance(value, Mapping):
        return "{", "}", _members(value)
    return "[", "]", _items(value)


def _members(value: Mapping[Any, Any]) -> Iterator[tuple[list[Run], Any, bool]]:
    last = len(value) - 1
    for n, (key, item) in enumerate(value.items()):
        name = key if isinstance(key, str) else describe_scalar(key)
        yield [(_quote(name), "json.key"), (": ", "json.punct")], item, n == last


def _items(value: Any) -> Iterator[tuple[list[Run], Any, bool]]:
    last = len(value) - 1
    for n, item in enumerate(value):
        yield [], item, n == last


def _inline(value: Any) -> list[Run] | None:
    """Return the runs of a value that fits on one line by its nature, or None."""
    if isinstance(value, str):
        return [(_quote(value), "json.string")] if "\n" not in value else None
    scalar = _scalar(value)
    if scalar is not None:
        return [scalar]
    if not value:
        return [("{}" if isinstance(value, Mapping) else "[]", "json.punct")]
    if len(value) > _INLINE_ITEMS:
        return None
    runs: list[Run] = []
    used = 2
    is_map = isinstance(value, Mapping)
    if is_map and len(value) > 3:
        return None
    for head, item, last in _members(value) if is_map else _items(value):
        if isinstance(item, str):
            if len(item) > _INLINE_CELLS or "\n" in item:
                return None
            piece: Run = (_quote(item), "json.string")
        else:
            shown = _scalar(item)
            if shown is None:
                return None
            piece = shown
        runs += [*head, piece, ("" if last else ", ", "json.punct")]
        used += sum(len(text) for text, _ in head) + len(piece[0]) + 2
        if used > _INLINE_CELLS:
            return None
    opening, closing = ("{", "}") if is_map else ("[", "]")
    return [(opening, "json.punct"), *runs, (closing, "json.punct")]


def _scalar(value: Any) -> Run | None:
    if value is None:
        return "null", "json.literal"
    if value is True:
        return "true", "json.literal"
    if value is False:
        return "false", "json.literal"
    if isinstance(value, (int, float)):
        return _number(value), "json.number"
    if isinstance(value, (Mapping, list, tuple)):
        return None
    return describe_scalar(value), "json.literal"


def _number(value: int | float) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python is willing to print
        return f"‹an integer of {int(value).bit_length():,} bits›" if isinstance(value, int) else "nan"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _string_lines(indent: str, head: list[Run], text: str, comma: str) -> Iterator[tuple[str, list[Run]]]:
    """Yield a string that has line feeds, one line for each of its own."""
    first = True
    at = 0
    inner = indent + INDENT
    while True:
        stop = text.find("\n", at)
        piece = _quote(text[at : stop if stop >= 0 else len(text)])[1:-1]
        runs: list[Run] = [*head, ('"' + piece, "json.string")] if first else [(piece, "json.string")]
        if stop < 0:
            runs[-1] = (runs[-1][0] + '"', "json.string")
            yield (indent if first else inner), [*runs, (comma, "json.punct")]
            return
        yield (indent if first else inner), [*runs, (BREAK_MARK, "muted")]
        first = False
        at = stop + 1
