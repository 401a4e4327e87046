"""JSON text that was cut off in the middle: what is there of it, as a value.

Producers cut long texts by their length, so the end of an object may be missing. A reader of ``--json`` must
still get an object: strings, lists and objects that were open are closed where the text breaks off.
"""

from __future__ import annotations

import json
from typing import Any

_MOST_TRIES = 64
_CLOSERS = {"{": "}", "[": "]"}


def read_cut_json(text: str, most_depth: int) -> Any:
    """Return the value that a text of JSON begins, as far as it goes.

    Args:
        text: Text that begins with a brace or a bracket.
        most_depth: How deep values may nest.

    Raises:
        ValueError: It is no JSON, or nests deeper.
    """
    stack: list[str] = []
    in_string = False
    at = 0
    ends: list[tuple[int, tuple[str, ...]]] = []
    """Places after which the text could have ended, and what was open there; the newest are kept."""
    length = len(text)
    while at < length:
        char = text[at]
        if in_string:
            if char == "\\":
                at += 1
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "{[":
            stack.append(char)
            if len(stack) > most_depth:
                raise ValueError("nested too deep")
            ends.append((at + 1, tuple(stack)))
        elif char in "}]":
            if not stack or _CLOSERS[stack.pop()] != char:
                raise ValueError("brackets that do not match")
            ends.append((at + 1, tuple(stack)))
        elif char == ",":
            ends.append((at, tuple(stack)))
        if len(ends) > 2 * _MOST_TRIES:
            del ends[:_MOST_TRIES]
        at += 1
    if not stack:
        raise ValueError("nothing is missing from it")
    if in_string:
        body = text[: length - 1] if at > length else text
        try:
            return json.loads(body + '"' + _close(stack))
        except ValueError:
            pass  # a cut escape, or a key without its value
    for end, still_open in reversed(ends[-_MOST_TRIES:]):
        try:
            return json.loads(text[:end] + _close(list(still_open)))
        except ValueError:
            continue
    raise ValueError("no JSON")


def _close(stack: list[str]) -> str:
    return "".join(_CLOSERS[opener] for opener in reversed(stack))
