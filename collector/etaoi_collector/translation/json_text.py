"""JSON in text, as tracers put structures into attributes that can only hold text."""

from __future__ import annotations

from typing import Any

import msgspec

LONGEST_PARSED = 16 << 20
"""Characters of a text that is looked into."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(enc_hook=repr).encode
_NO_JSON = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)


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
