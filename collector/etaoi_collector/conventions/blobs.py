"""Data in content blocks (images, audio, files): how large it is, and the same value without it.

Base64 tells a reader nothing, and takes the room of everything beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONG = 2_048
"""Characters from which a text may be data rather than words."""

_DATA_KEYS = frozenset({"data", "base64", "bytes", "file_data", "b64_json", "image_base64", "result", "blob"})
_USELESS_KEYS = frozenset(
    {
        "encrypted_content",
        "encrypted_index",
        "encrypted_stdout",
        "encrypted_code",
        "signature",
        "thought_signature",
    }
)
"""Sealed by the provider: nobody else can read them, and they are handed back as they are."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]+\s*")
_CUT = re.compile(r"… \[truncated \d+ chars? of (\d+)\]$")
_SAMPLE = 256
_DEEPEST = 12


def decoded_size(data: str) -> int:
    """Return how many bytes base64 text stands for, also where only its beginning was recorded."""
    cut = _CUT.search(data[-64:])
    if cut is not None:
        return int(cut[1]) * 3 // 4
    return len(data) * 3 // 4 - data[-2:].count("=")


def is_data(key: str, text: str) -> bool:
    """Whether a long text under this key is base64 or a data URL."""
    if text.startswith("data:"):
        return ";base64," in text[:200]
    return key in _DATA_KEYS and _BASE64.fullmatch(text[:_SAMPLE]) is not None


def data_of(text: str) -> tuple[int, str]:
    """Return the size in bytes of base64 text or a data URL, and its media type if it tells one."""
    if text.startswith("data:"):
        head, _, body = text.partition(",")
        return decoded_size(body), head[5:].partition(";")[0]
    return decoded_size(text), ""


def without_data(value: Any, depth: int = 0) -> Any:
    """Return a plain value with ``bytes`` (a count) and ``mime_type`` instead of the data in it."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {
            key: without_data(item, depth + 1) if not isinstance(item, (str, bytes)) else item
            for key, item in replace_data(value).items()
        }
    if isinstance(value, (list, tuple)):
        return [without_data(item, depth + 1) for item in value]
    return value


def replace_data(block: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return one map with ``bytes`` and ``mime_type`` instead of the data that stands in it itself."""
    described: dict[Any, Any] = {}
    size, mime = -1, ""
    for key, item in block.items():
        if key in _USELESS_KEYS and isinstance(item, (str, bytes)):
            continue
        if type(item) is bytes and key in _DATA_KEYS:
            size = len(item)
        elif type(item) is str and len(item) > LONG and type(key) is str and is_data(key, item):
            size, mime = data_of(item)
        else:
            described[key] = item
    if size >= 0:
        described["bytes"] = size
        if mime:
            described.setdefault("mime_type", mime)
    return described
