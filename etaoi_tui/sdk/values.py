"""Any Python value as something that msgpack and JSON can carry, bounded, readable, and without secrets.

Runs on the sender's thread. A value that is plain already and fits its limit is encoded as it is, in C; only
others are walked. The walk runs no foreign code (no ``__repr__``, no properties of unknown classes, no
overridden iterators), so no value can hang the stream; whatever fails all the same becomes a note in its
place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import REDACTED, Redact
from etaoi_tui.sdk.walk import (
    FIELD_OVERHEAD,
    INT_MAX,
    INT_MIN,
    REPR_SAFE,
    Json,
    Part,
    Walk,
    error_text,
    plain_containers,
    scalar_text,
    short_error,
)

__all__ = ["EMPTY_MAP", "Json", "Part", "Shaper", "error_text", "snapshot"]

_encode = msgspec.msgpack.encode
_encode_json = msgspec.json.encode

EMPTY_MAP = b"\x80"
_SNAPSHOT_ITEMS = 2_000
_VALUES_KEPT = 4_096


def snapshot(value: Any, depth: int = 2) -> Any:
    """Copy the containers of a value that its owner may change, ``depth`` levels deep.

    Costs well under a microsecond for a state with a list of messages: the items of the deepest level are
    shared, not copied. Lists beyond 2,000 items are cut to that (and say so later), so that a huge one costs
    no more.
    """
    kind = type(value)
    if kind is dict:
        if len(value) > _SNAPSHOT_ITEMS:
            return dict(list(value.items())[:_SNAPSHOT_ITEMS])
        if depth <= 1:
            return value.copy()
        copied = value.copy()
        for key, item in copied.items():
            if type(item) in _COPIED:
                copied[key] = snapshot(item, depth - 1)
        return copied
    if kind is list:
        items = value[:_SNAPSHOT_ITEMS]
        if depth > 1 and len(items) <= 64:
            items = [snapshot(item, depth - 1) if type(item) in _COPIED else item for item in items]
        return items if len(value) <= _SNAPSHOT_ITEMS else Part(items, len(value))
    if kind is set or kind is deque:
        return list(value) if len(value) <= _SNAPSHOT_ITEMS else f"{kind.__name__} of {len(value):,} items"
    if kind is bytearray:
        return bytes(value[:_SNAPSHOT_ITEMS])
    return value


_COPIED = frozenset({dict, list, set, deque, bytearray})


class Shaper:
    """Turns payloads into bytes under one tracer's limits and redaction rules."""

    __slots__ = ("_limits", "_redact", "_seen", "cut")

    def __init__(self, limits: Limits, redact: Redact) -> None:
        self._limits = limits
        self._redact = redact
        self._seen: dict[str, str] = {}
        self.cut = 0
        """How many values were cut so far."""

    def payload(self, value: Any) -> bytes:
        """Encode a payload as a msgpack map. What is no map becomes ``{"value": ...}``."""
        if value is None:
            return EMPTY_MAP
        if callable(value) and not isinstance(value, type):
            try:
                value = value()
            except Exception as error:
                return _encode({"etaoi_tui.note": f"this payload could not be made: {short_error(error)}"})
            if value is None:
                return EMPTY_MAP
        if type(value) is bytes:  # encoded by its maker
            return value
        if not isinstance(value, dict):
            value = _fields_of(value) if isinstance(value, Mapping) else {"value": value}
        return self._map(value)

    def _map(self, value: dict[Any, Any]) -> bytes:
        shaped = value
        for key, item in value.items():
            if type(item) is Json:
                if shaped is value:
                    shaped = dict(value)
                shaped[key] = self.json_text(item.value)
        if _weigh(shaped, self._limits.event, self._limits, self._redact) >= 0:
            try:
                encoded = _encode(shaped)
            except (ValueError, OverflowError, RuntimeError, TypeError):
                pass  # a lone surrogate, or changed by its owner while it was read
            else:
                if not self._redact.suspects(encoded):
                    return encoded
        walk = Walk(self._limits, self._redact, self._limits.event, text=self._limits.text)
        plain = walk.map(shaped)
        self.cut += walk.cuts
        return _encode(plain)

    def json_text(self, value: Any) -> str:
        """Return a value as JSON text, cut in its structure so that it stays valid JSON."""
        limit = self._limits.text
        if _weigh(value, limit, self._limits, self._redact) >= 0:
            try:
                encoded = _encode_json(value)
            except (ValueError, OverflowError, RuntimeError, TypeError):
                pass
            else:
                if not self._redact.suspects(encoded):
                    return encoded.decode()
        walk = Walk(self._limits, self._redact, limit, text=limit)
        plain = walk.value(value)
        self.cut += walk.cuts
        return _encode_json(plain).decode()

    def text(self, value: Any, limit: int | None = None) -> str:
        """Return one text, clean of secrets and lone surrogates, cut with a note."""
        walk = Walk(self._limits, self._redact, limit or self._limits.text, text=limit or self._limits.text)
        shown = walk.string(value) if isinstance(value, str) else scalar_text(walk.value(value))
        self.cut += walk.cuts
        return shown

    def metadata(self, name: str | None, given: Mapping[str, Any] | None) -> dict[str, str]:
        """Return metadata as the wire wants it: text by text, ``name`` first."""
        limits = self._limits
        out: dict[str, str] = {}
        if name is not None:
            out["name"] = self._metadata_value(name)
        if given:
            entries = list(given.items())
            for key, value in entries[: limits.metadata_items]:
                if value is None:
                    continue
                shown_key = key if type(key) is str and key.isascii() else self.text(key, 256)
                if self._redact.masks_field(shown_key):
                    out[shown_key] = REDACTED
                else:
                    out[shown_key] = self._metadata_value(value)
            if len(entries) > limits.metadata_items:
                self.cut += 1
                out["etaoi_tui.cut"] = f"{len(entries) - limits.metadata_items} more metadata entries"
        return out

    def _metadata_value(self, value: Any) -> str:
        if type(value) is str:
            shown = value
        elif type(value) in REPR_SAFE or plain_containers(value):
            shown = value if type(value) is str else repr(value)
        else:
            shown = scalar_text(Walk(self._limits, self._redact, 4096, text=1024).value(value))
        known = self._seen.get(shown)
        if known is None:
            known = self.text(shown, self._limits.metadata_value)
            if len(self._seen) > _VALUES_KEPT:
                self._seen.clear()
            if len(known) < 256:
                self._seen[shown] = known
        return known

    def error(self, error: str | BaseException | None) -> str | None:
        """Return an error's text: ``repr`` of an exception, as the reference sends it."""
        if error is None:
            return None
        if isinstance(error, str):
            return self.text(error) if error else "error"
        return self.text(error_text(error))


def _weigh(value: Any, left: int, limits: Limits, redact: Redact, depth: int = 0) -> int:
    """Return how many of ``left`` characters remain after a value, or -1 when it has to be walked.

    It has to be when it is too long or too deep, holds anything but plain text, numbers, lists and maps, or a
    key whose value is masked.
    """
    kind = type(value)
    if kind is str:
        size = len(value)
        return left - size - FIELD_OVERHEAD if size <= limits.text else -1
    if kind is dict:
        if depth >= limits.depth or len(value) > limits.items:
            return -1
        masks, known = redact.masks_field, redact.known_fields
        try:
            for key, item in value.items():
                if type(key) is not str or (known.get(key, True) and masks(key)):
                    return -1
                left -= len(key) + FIELD_OVERHEAD
                if type(item) is str:
                    size = len(item)
                    if size > limits.text:
                        return -1
                    left -= size
                else:
                    left = _weigh(item, left, limits, redact, depth + 1)
                if left < 0:
                    return -1
        except RuntimeError:  # changed by its owner while it was read
            return -1
        return left
    if kind is list or kind is tuple:
        if depth >= limits.depth or len(value) > limits.items:
            return -1
        for item in value:
            left = _weigh(item, left, limits, redact, depth + 1)
            if left < 0:
                return -1
        return left - FIELD_OVERHEAD
    if kind is bool or value is None:
        return left - FIELD_OVERHEAD
    if kind is int:
        return left - 8 if INT_MIN <= value <= INT_MAX else -1
    if kind is float:
        return left - 8 if value - value == 0 else -1
    if kind is msgspec.Raw:
        return left - len(bytes(value))
    return -1


def _fields_of(value: Mapping[Any, Any]) -> dict[Any, Any]:
    try:
        return dict(value)
    except Exception as error:
        return {"etaoi_tui.note": f"this payload could not be read: {short_error(error)}"}
