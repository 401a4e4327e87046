"""Any Python value as something that msgpack and JSON can carry, bounded, readable, and without secrets.

Runs on the sender's thread. A value that is plain already and fits its limit is encoded as it is, in C; only
others are walked. The walk runs no foreign code (no ``__repr__``, no properties of unknown classes, no
overridden iterators), so no value can hang the stream; whatever fails all the same becomes a note in its
place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from etaoi_collector.wire.encode import EMPTY_MAP, NIL, encode_text
from etaoi_collector.wire.references import list_of, reference_to
from etaoi_tui.sdk.caller_metadata import CallerMetadata
from etaoi_tui.sdk.fast_path import SizeEstimator
from etaoi_tui.sdk.known_values import KnownValues, Recent
from etaoi_tui.sdk.limits import VALUE_BYTES, Limits
from etaoi_tui.sdk.redact import REDACTED, Redact
from etaoi_tui.sdk.safe_repr import (
    REPR_SAFE,
    error_sentence,
    error_text,
    plain_containers,
    short_error,
)
from etaoi_tui.sdk.sanitize import (
    Json,
    Part,
    Sanitizer,
    json_within,
    scalar_text,
)
from etaoi_tui.sdk.shared_json import SharedJson, SharedList, contents_of

__all__ = ["EMPTY_MAP", "Json", "Part", "PayloadSerializer", "error_sentence", "error_text", "snapshot"]

_encode = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode

SNAPSHOT_ITEMS = 2_000
"""Items of a list or map that `snapshot` copies."""
_VALUES_KEPT = 4_096
_ONLY_TEXT = frozenset({str})
_PLAIN_TYPES = frozenset({str, int, float, bool, type(None), list, dict})
_WORD = 256


def snapshot(value: Any, depth: int = 2) -> Any:
    """Copy the containers of a value that its owner may change, ``depth`` levels deep.

    Costs well under a microsecond for a state with a list of messages: the items of the deepest level are
    shared, not copied. Lists beyond 2,000 items are cut to that (and say so later), so that a huge one costs
    no more.
    """
    kind = type(value)
    if kind is dict:
        if len(value) > SNAPSHOT_ITEMS:
            return dict(list(value.items())[:SNAPSHOT_ITEMS])
        if depth <= 1:
            return value.copy()
        copied = value.copy()
        for key, item in copied.items():
            if type(item) in COPIED:
                copied[key] = snapshot(item, depth - 1)
        return copied
    if kind is list:
        items = value[:SNAPSHOT_ITEMS]
        if depth > 1 and len(items) <= 64:
            items = [snapshot(item, depth - 1) if type(item) in COPIED else item for item in items]
        return items if len(value) <= SNAPSHOT_ITEMS else Part(items, len(value))
    if kind is set or kind is deque:
        return list(value) if len(value) <= SNAPSHOT_ITEMS else f"{kind.__name__} of {len(value):,} items"
    if kind is bytearray:
        return bytes(value[:SNAPSHOT_ITEMS])
    return value


COPIED = frozenset({dict, list, set, deque, bytearray})
"""Classes of values that `snapshot` copies."""


def _add_to_map(encoded: bytes, entries: list[bytes]) -> bytes:
    """Return an encoded map with further entries, encoded key by value."""
    first = encoded[0]
    if first & 0xF0 == 0x80:
        count, body = first & 0x0F, 1
    else:
        body = 3 if first == 0xDE else 5
        count = int.from_bytes(encoded[1:body], "big")
    count += len(entries) // 2
    header = bytes((0x80 | count,)) if count < 16 else b"\xdf" + count.to_bytes(4, "big")
    return b"".join((header, encoded[body:], *entries))


class PayloadSerializer:
    """Turns payloads into bytes under one tracer's limits and redaction rules.

    Args:
        limits: Bounds.
        redact: What must not leave the process.
        values: Where what comes again is kept; None says everything whole.
    """

    __slots__ = (
        "_json", "_limits", "_memory", "_pairs", "_redact", "_scale", "_texts", "_used", "_values", "_words",
        "cut",
    )  # fmt: skip

    def __init__(self, limits: Limits, redact: Redact, values: KnownValues | None = None) -> None:
        self._values = values
        self._memory = Recent(VALUE_BYTES // 2)
        self._used: list[bytes] = []
        self._limits = limits
        self._redact = redact
        self._scale = SizeEstimator(limits, redact)
        self._json = None if values is None else SharedJson(self, limits, self._memory, values)
        self._texts: dict[str, str] = {}
        self._pairs: dict[tuple[str, str], str] = {}
        self._words: dict[str, bytes] = {}
        self.cut = 0
        """How many values were cut so far."""

    def payload(self, value: Any) -> bytes:
        """Encode a payload as a msgpack map. What is no map becomes ``{"value": ...}``."""
        if type(value) is not dict:
            try:
                value = self._plain_value(value)
            except Exception as error:
                return _encode({"etaoi_tui.note": f"this payload could not be read: {short_error(error)}"})
            if type(value) is bytes:
                return value
        return self._map(value)

    def _plain_value(self, value: Any) -> dict[Any, Any] | bytes:
        """Return the map that a payload stands for, or what says already encoded that there is none."""
        if value is None:
            return EMPTY_MAP
        if callable(value) and not isinstance(value, type):
            try:
                value = value()
            except Exception as error:
                return _encode({"etaoi_tui.note": f"this payload could not be made: {short_error(error)}"})
            if type(value) is dict:
                return value
            if value is None:
                return EMPTY_MAP
        if isinstance(value, dict):  # of a class of its own, whose methods could be anything
            return dict(dict.items(value))
        return dict(value) if isinstance(value, Mapping) else {"value": value}

    def take_used(self) -> tuple[bytes, ...] | None:
        """Return the digests of what the payloads since the last call refer to; None without any."""
        if not self._used:
            return None
        used, self._used = tuple(self._used), []
        return used

    def _map(self, value: dict[Any, Any]) -> bytes:
        shaped, full = value, None
        referring: list[bytes] = []
        for key, item in tuple(value.items()):
            kind = type(item)
            if kind in _PLAIN_TYPES or (kind is not Json and not issubclass(kind, SharedList)):
                continue
            if full is None:
                shaped, full = value.copy(), {}
            try:
                reference = self._refer(key, item)
            except Exception:  # an odd message: it is said whole, or as what it is
                reference = None
            if reference is not None:
                del shaped[key]
                referring += (encode_text(key), reference)
            elif kind is Json:
                described = item.described()
                shaped[key], full[key] = self.json_text(described), Json(described)
            else:
                shaped[key] = item.described()
        encoded = self._encode_plain(shaped, self._limits.event, _encode)
        if encoded is None:
            walk = Sanitizer(self._limits, self._redact, self._limits.event, text=self._limits.text)
            plain = walk.map(shaped if full is None else {**shaped, **full})
            self.cut += walk.cuts
            encoded = _encode(plain)
        return _add_to_map(encoded, referring) if referring else encoded

    def _refer(self, key: Any, item: Json | SharedList) -> bytes | None:
        """Encode what was mostly sent before as references; None when it is to be said whole."""
        values, json = self._values, self._json
        if type(item) is Json and item.shape is None:
            return None
        if values is None or json is None or not values.enabled or type(key) is not str:
            return None
        if self._redact.masks_field(key):
            return None
        if type(item) is Json:
            shared = json.encode(item.value, item.shape)
            if shared is None:
                return None
            self._used += shared[1]
            return shared[0]
        assert isinstance(item, SharedList)
        if item.is_json:
            return None
        if not item.is_long:
            digests = item.each(self._memory, values, self._keep_value)
            contents = contents_of(values, digests)
            return (
                None if contents is None else b"\xdd" + len(contents).to_bytes(4, "big") + b"".join(contents)
            )
        generation = values.generation
        used = item.digests(self._memory, values, self._keep_value)
        if values.generation > generation + 1:  # more than there is room for: the first are forgotten already
            return None
        self._used += used
        return list_of(list(map(reference_to, used)))

    def _keep_value(self, item: Any) -> bytes:
        assert self._values is not None
        return self._values.put(self._map(item))

    def is_shown(self, value: Any) -> bool:
        """Whether a value is shown as it is: nothing in it is to be described, cut or masked."""
        if self._redact.custom:
            return False
        scale = self._scale
        if scale.weigh(value, self._limits.text) >= 0 and (not scale.unseen or scale.is_clean()):
            return True
        scale.unseen.clear()
        return False

    def is_plain_key(self, key: str) -> bool:
        """Whether a key of a map has nothing to do with what may be shown of its value."""
        return not self._redact.custom and self._scale.is_plain_key(key)

    def masks(self, key: str) -> bool:
        """Whether the value under a key must not be shown."""
        return self._redact.masks_field(key)

    def _encode_plain(self, value: Any, limit: int, encode: Callable[[Any], bytes]) -> bytes | None:
        """Encode a value in C; None when it has to be walked."""
        if self._redact.custom:
            return None
        scale = self._scale
        if (scale.weigh_map if type(value) is dict else scale.weigh)(value, limit) >= 0:
            try:
                encoded = encode(value)
                if not scale.unseen or scale.is_clean():
                    return encoded
            except (ValueError, OverflowError, RuntimeError, TypeError):
                pass  # a lone surrogate, or changed by its owner while it was read
        scale.unseen.clear()
        return None

    def json_text(self, value: Any, limit: int | None = None) -> str:
        """Return a value as JSON text, cut in its structure so that it stays valid JSON."""
        limit = self._limits.text if limit is None else limit
        encoded = self._encode_plain(value, limit, _encode_json)
        if encoded is not None and len(text := encoded.decode()) <= limit:
            self._redact.note_clean((text,))
            return text
        text, cuts = json_within(value, self._limits, self._redact, limit)
        self.cut += cuts
        return self._redact.text(text) if self._redact.custom else text

    def text(self, value: Any, limit: int | None = None) -> str:
        """Return one text, clean of secrets and lone surrogates, cut with a note."""
        walk = Sanitizer(
            self._limits, self._redact, limit or self._limits.text, text=limit or self._limits.text
        )
        cleaned = walk.string(value) if type(value) is str else scalar_text(walk.value(value))
        self.cut += walk.cuts
        return cleaned

    def word(self, text: str | None) -> bytes:
        """Encode a name or an id of the agent's own, cut to 256 characters; None and nothing as nil."""
        if not text:
            return NIL
        encoded = self._words.get(text) if type(text) is str else None
        if encoded is None:
            encoded = encode_text(self._cached_text(text)[:_WORD])
            if type(text) is str and len(text) < _WORD:
                if len(self._words) > _VALUES_KEPT:
                    self._words.clear()
                self._words[text] = encoded
        return encoded

    def name_only(self, name: str) -> bytes:
        """Encode the metadata of a span of which only the name is known."""
        return b"\x81\xa4name" + encode_text(self._cached_text(name))

    def metadata(self, name: str | None, entries: Mapping[str, Any] | None) -> dict[str, str]:
        """Return metadata as the wire wants it: text by text, ``name`` first."""
        most = self._limits.metadata_items
        out: dict[str, str] = {}
        if name is not None:
            out["name"] = self._cached_text(name)
        if entries:
            pairs = self._pairs
            if type(entries) is CallerMetadata:
                entries = entries.resolve()
            if name is not None and "name" in entries:
                entries = {"metadata.name" if key == "name" else key: value for key, value in entries.items()}
            for key, value in list(entries.items())[:most]:
                kind = type(value)
                if type(key) is str and (
                    kind is str or kind is int or (kind is tuple and _ONLY_TEXT.issuperset(map(type, value)))
                ):
                    cached_text = pairs.get((key, value))
                    if cached_text is not None:
                        out[key] = cached_text
                        continue
                if value is not None:
                    self._add_metadata(out, key, value)
            if len(entries) > most:
                self.cut += 1
                out["etaoi_tui.cut"] = f"{len(entries) - most} more metadata entries"
        return out

    def _add_metadata(self, out: dict[str, str], key: Any, value: Any) -> None:
        name = key if type(key) is str and key.isascii() else self.text(key, 256)
        text = REDACTED if self._redact.masks_field(name) else self._metadata_value(value)
        out[name] = text
        kind = type(value)
        if name is key and (
            (kind is str and len(value) < _WORD)
            or kind is int
            or (kind is tuple and len(text) < _WORD and _ONLY_TEXT.issuperset(map(type, value)))
        ):
            if len(self._pairs) > _VALUES_KEPT:
                self._pairs.clear()
            self._pairs[key, value] = text

    def _metadata_value(self, value: Any) -> str:
        if type(value) is str:
            return self._cached_text(value)
        if type(value) in REPR_SAFE or plain_containers(value):
            return self._cached_text(repr(value))
        return self._cached_text(
            scalar_text(Sanitizer(self._limits, self._redact, 4096, text=1024).value(value))
        )

    def _cached_text(self, text: str) -> str:
        """Return a short text as it is to be shown; what came before is not looked at again."""
        cleaned = self._texts.get(text) if type(text) is str else None
        if cleaned is None:
            limit = self._limits.metadata_value
            is_shown = type(text) is str and self._encode_plain(text, limit, _encode) is not None
            cleaned = text if is_shown else self.text(text, limit)
            if type(text) is str and len(text) < _WORD:
                if len(self._texts) > _VALUES_KEPT:
                    self._texts.clear()
                self._texts[text] = cleaned
        return cleaned

    def error(self, error: str | BaseException | None) -> str | None:
        """Return an error's text: ``repr`` of an exception, as the reference sends it."""
        if error is None:
            return None
        if isinstance(error, str):
            return self.text(error) if error else "error"
        return self.text(error_text(error))
