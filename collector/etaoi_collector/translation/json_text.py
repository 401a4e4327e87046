"""JSON in text, as tracers put structures into attributes that can only hold text."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

LONGEST_PARSED = 16 << 20
"""Characters of a text that is looked into."""

LONGEST_CHECKED = 1 << 20
"""Bytes of a body that are looked through before it is answered."""


class _AnyObject(msgspec.Struct):
    """An object all of whose fields are skipped."""


_skip = msgspec.json.Decoder(_AnyObject).decode
_BEYOND_JSON = ((b"NaN", b"null"), (b"Infinity", b"0"), (b"\\ud", b"\\u0"), (b"\\uD", b"\\u0"))
"""What encoders write though JSON does not have it, and something of JSON that may stand in its place."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(enc_hook=repr).encode
_NO_JSON = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)


_DIGITS_READ = 300
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""Escapes in JSON: a pair of surrogates, one that stands alone (as a group), and all others."""


def read_json(data: bytes | memoryview) -> Any:
    """Parse a body, also with what JSON does not have, but encoders write.

    That is NaN, numbers of any length, halves of characters, which JavaScript leaves where it cuts a text,
    and bytes that are no UTF-8.

    Raises:
        ValueError: It is no JSON, or nested too deep.
    """
    try:
        return _decode(data)
    except _NO_JSON:
        pass
    text = bytes(data).decode("utf-8", "replace")
    mended = _ESCAPES.sub(lambda match: "\\ufffd" if match[1] else match[0], text)
    try:
        return json.loads(mended, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def check_json_object(data: bytes) -> None:
    """Tell whether a body is one whole JSON object, at about a millisecond a megabyte, without building it.

    Takes what `read_json` takes. Bodies above `LONGEST_CHECKED` are not looked at.

    Raises:
        ValueError: It is something else, breaks off, or is nested too deep.
    """
    if len(data) > LONGEST_CHECKED:
        return
    try:
        try:
            _skip(data)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            for written, allowed in _BEYOND_JSON:
                data = data.replace(written, allowed)
            _skip(data)
    except msgspec.ValidationError as error:
        raise ValueError("the body is not a JSON object") from error
    except RecursionError as error:
        raise ValueError("the body is nested too deep") from error
    except msgspec.DecodeError as error:
        raise ValueError("the body is not whole JSON") from error


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _DIGITS_READ else digits


def parse_json(value: Any) -> Any:
    """Return what a text that is a JSON object, array or string means; every other value as it is."""
    if not isinstance(value, str) or not value or value[0] not in '{["' or len(value) > LONGEST_PARSED:
        return value
    try:
        return _decode(value)
    except _NO_JSON:
        return value


def unquoted(value: Any) -> str:
    """Return a value as text, without the quotes of a text that was put into JSON."""
    if isinstance(value, str) and value[:1] == '"':
        inner = parse_json(value)
        return inner if isinstance(inner, str) else value
    return to_text(value)


def to_text(value: Any) -> str:
    """Return a value as text: text as it is, nothing for None, everything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return _encode(value).decode()
    except (TypeError, ValueError, RecursionError, UnicodeError, OverflowError):
        return repr(value)
