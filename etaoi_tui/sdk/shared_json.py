"""JSON text of a state, with references to those of its parts that were sent before.

States go in and out of every step of a graph, and mostly little of them is new. A part that is large enough
is a value of its own (`etaoi_tui.sdk.known_values`): a text, a map or a list, each always a whole piece of
JSON, so that the text stays valid where a part is missing. Whether a part was there before is told by its
encoding, which is made in C, before it is described or looked at for secrets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from etaoi_collector.wire.encode import encode_text, encode_utf8, utf8_of
from etaoi_collector.wire.references import reference_to, text_of
from etaoi_tui.sdk.known_values import GROUP, KnownValues, Recent, fingerprint
from etaoi_tui.sdk.limits import Limits

_WORTH_SHARING = 1_024
"""Bytes from which on a part is a value of its own."""
_MOST_WHOLE = 4_096
"""Bytes of the items of a list that is said whole."""
_DEEPEST = 8
_LEAST_LEFT = 1_024
_KEYS_KEPT = 1_024

_encode = msgspec.json.Encoder().encode


class SharedList:
    """A list in a payload whose items were mostly sent before."""

    __slots__ = ()

    is_json = False
    """Whether its items stand in a JSON text."""

    @property
    def is_long(self) -> bool:
        """Whether referring to the items costs less than saying them."""
        raise NotImplementedError

    def described(self) -> list[Any]:
        """Return all items as plain values."""
        raise NotImplementedError

    def each(self, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]) -> list[bytes]:
        """Return the digest of each item; see `digests`."""
        raise NotImplementedError

    def digests(self, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]) -> list[bytes]:
        """Return digests of values that make the list together: of its items, and of groups of them.

        Args:
            memory: What is known of items, kept from call to call.
            values: Where the values are that digests stand for.
            keep: Encodes an item, puts it there and returns its digest.
        """
        raise NotImplementedError


class Shape(Protocol):
    """How a framework's values are described."""

    def full_form(self, value: Any) -> Any:
        """Return a value described, all of it."""

    def opened(self, value: Any) -> Any:
        """Return a value described one level deep: with the values in it as they are, or a `SharedList`."""

    def identity(self, value: Any) -> tuple[Any, ...] | None:
        """Return what all copies of a value have in common while one of them lives; None when not told."""


class Texts(Protocol):
    """How values become text under one tracer's limits and rules."""

    def json_text(self, value: Any, limit: int | None = None) -> str:
        """Return a value as JSON text."""

    def is_shown(self, value: Any) -> bool:
        """Whether a value is shown as it is: nothing in it is to be described, cut or masked."""

    def is_plain_key(self, key: str) -> bool:
        """Whether a key of a map has nothing to do with what may be shown of its value."""

    def masks(self, key: str) -> bool:
        """Whether the value under a key must not be shown."""


class SharedJson:
    """Writes JSON texts with references in them.

    Args:
        texts: What makes text of what is not referred to.
        limits: Bounds.
        memory: What is known of values, kept from call to call.
        values: Where those are that are referred to.
    """

    __slots__ = ("_keys", "_limits", "_memory", "_texts", "_values")

    def __init__(self, texts: Texts, limits: Limits, memory: Recent, values: KnownValues) -> None:
        self._texts = texts
        self._keys: dict[str, bytes] = {}
        self._limits = limits
        self._memory = memory
        self._values = values

    def encode(self, value: Any, shape: Shape) -> tuple[bytes, list[bytes]] | None:
        """Encode a value as a text; return it with the digests of what it refers to.

        None when it has to be cut as a whole. What one step gave and the next one got is mostly in the same
        batch, and encoded once.
        """
        values = self._values
        identity = shape.identity(value)
        name = (id(self._memory), identity)
        if identity is not None:
            earlier = values.in_batch.get(name)
            if earlier is not None and earlier[0] == values.generation:
                return earlier[2], earlier[3]
        out = _Pieces(self._limits.text)
        generation = values.generation
        self._add(out, value, shape, 0)
        encoded = out.encoded()
        if out.size > self._limits.text:
            return None
        if values.generation > generation + 1:  # more than there is room for: the first are forgotten
            return None
        if identity is not None:
            values.in_batch[name] = values.generation, value, encoded, out.used
        return encoded, out.used

    def _add(self, out: _Pieces, value: Any, shape: Shape, depth: int) -> None:
        opened = shape.opened(value)
        kind = type(opened)
        if issubclass(kind, SharedList):
            self._add_list(out, opened)
            return
        raw = (
            _raw(opened) if kind is not dict or _MAY_BE_PLAIN.issuperset(map(type, opened.values())) else None
        )
        if raw is not None and len(raw) < _WORTH_SHARING:
            is_shown = self._texts.is_shown(opened)
            out.text(raw if is_shown else self._text(shape.full_form(value)))
        elif depth >= _DEEPEST or kind not in _SHARED or len(opened) > self._most(kind):
            out.text(self._text(shape.full_form(value)))
        elif raw is None:
            self._add_parts(out, opened, kind, shape, depth)
        else:
            self._add_large(out, opened, kind, raw, shape, depth)

    def _most(self, kind: type) -> int:
        return self._limits.text if kind is str else self._limits.items

    def _add_large(self, out: _Pieces, value: Any, kind: type, raw: bytes, shape: Shape, depth: int) -> None:
        """Add a large plain value as a reference."""
        remaining = out.remaining
        out.remaining = max(0, remaining - len(raw))
        name = fingerprint(raw), remaining if len(raw) > remaining else None
        digest: bytes | None = self._memory.get(name)
        if digest is None or not self._values.has(digest):
            if len(raw) > remaining or kind is str:
                text = self._texts.json_text(shape.full_form(value), max(remaining, _LEAST_LEFT))
                digest = self._values.put(encode_text(text))
            else:
                inner = _Pieces(len(raw) * 2)
                self._add_parts(inner, value, kind, shape, depth)
                digest = self._values.put(inner.encoded(), tuple(inner.used))
            if _raw(value) == raw:  # else it was written into meanwhile
                self._memory.put(name, digest, 0)
        out.refer(digest)

    def _add_parts(self, out: _Pieces, value: Any, kind: type, shape: Shape, depth: int) -> None:
        """Add a map or a list part by part."""
        if kind is dict:
            self._add_map(out, value, shape, depth)
        elif len(value) >= 2 * GROUP and depth < _DEEPEST - 1:
            out.text(b"[")
            for first in range(0, len(value), GROUP):
                if first:
                    out.text(b",")
                self._add_group(out, value[first : first + GROUP], shape, depth + 1)
            out.text(b"]")
        else:
            out.text(b"[")
            self._add_items(out, value, shape, depth + 1)
            out.text(b"]")

    def _add_items(self, out: _Pieces, items: Any, shape: Shape, depth: int) -> None:
        for number, item in enumerate(tuple(items)):
            if number:
                out.text(b",")
            self._add(out, item, shape, depth)

    def _add_group(self, out: _Pieces, items: Any, shape: Shape, depth: int) -> None:
        """Add some items of a list, as one value when they are many bytes together."""
        raw = _raw(items)
        if raw is None or len(raw) < _WORTH_SHARING or len(raw) > out.remaining:
            self._add_items(out, items, shape, depth)
            return
        out.remaining -= len(raw)
        name = fingerprint(raw), "items"
        digest: bytes | None = self._memory.get(name)
        if digest is None or not self._values.has(digest):
            inner = _Pieces(len(raw) * 2)
            self._add_items(inner, items, shape, depth)
            digest = self._values.put(inner.encoded(), tuple(inner.used))
            if _raw(items) == raw:
                self._memory.put(name, digest, 0)
        out.refer(digest)

    def _add_map(self, out: _Pieces, value: dict[Any, Any], shape: Shape, depth: int) -> None:
        texts = self._texts
        entries = tuple(value.items())
        if not all(type(key) is str for key, _ in entries):  # they could be alike as text
            out.text(self._text(shape.full_form(value)))
            return
        out.text(b"{")
        for number, (key, item) in enumerate(entries):
            if number:
                out.text(b",")
            if not texts.is_plain_key(key) and (
                texts.masks(key) or not issubclass(type(shape.opened(item)), SharedList)
            ):
                text = self._text(shape.full_form({key: item}))
                if not text.startswith(b"{"):
                    raise ValueError(key)
                out.text(text[1:-1])
                continue
            name = self._keys.get(key)
            if name is None:
                if len(self._keys) > _KEYS_KEPT:
                    self._keys.clear()
                name = self._keys[key] = _encode(key) + b":"
            out.text(name)
            self._add(out, item, shape, depth + 1)
        out.text(b"}")

    def _add_list(self, out: _Pieces, shared: SharedList) -> None:
        values = self._values
        find = shared.digests if shared.is_long else shared.each
        digests = find(self._memory, values, self._keep)
        contents = None if shared.is_long else contents_of(values, digests)
        out.text(b"[")
        if contents is not None:
            out.text(b",".join(map(utf8_of, contents)))
        else:
            for number, digest in enumerate(digests):
                if number:
                    out.text(b",")
                out.refer(digest)
        out.text(b"]")

    def _text(self, value: Any) -> bytes:
        return self._texts.json_text(value).encode()

    def _keep(self, item: Any) -> bytes:
        return self._values.put(encode_text(self._texts.json_text(item)))


def contents_of(values: KnownValues, digests: list[bytes]) -> list[bytes] | None:
    """Return what some digests stand for; None when it is better referred to, or not there any more."""
    contents: list[bytes] = []
    size = 0
    for digest in digests:
        content = values.content(digest)
        if content is None:
            return None
        size += len(content)
        contents.append(content)
    return contents if size < _MOST_WHOLE else None


class _Pieces:
    """A text in the making: texts and references."""

    __slots__ = ("_parts", "_texts", "remaining", "size", "used")

    def __init__(self, remaining: int) -> None:
        self._parts: list[bytes] = []
        self._texts: list[bytes] = []
        self.used: list[bytes] = []
        self.size = 0
        """Bytes that are not referred to."""
        self.remaining = remaining
        """Bytes that what is referred to may have, lists that share their items aside."""

    def text(self, text: bytes) -> None:
        self._texts.append(text)

    def refer(self, digest: bytes) -> None:
        self._flush()
        self._parts.append(reference_to(digest))
        self.used.append(digest)

    def _flush(self) -> None:
        text = b"".join(self._texts)
        self.size += len(text)
        self._parts.append(encode_utf8(text))
        self._texts = []

    def encoded(self) -> bytes:
        self._flush()
        return text_of(self._parts) if self.used else self._parts[0]


def identity_of(value: Any) -> int | tuple[int, ...]:
    """Return what a value and its shallow copies have in common while one of them lives."""
    kind = type(value)
    if kind is list:
        return tuple(map(id, value))
    if kind is dict:
        return (-1, *map(id, value), *map(id, value.values()))
    return id(value)


def _raw(value: Any) -> bytes | None:
    """Return a value encoded as it is; None when it holds what has to be described first."""
    try:
        return _encode(value)
    except Exception:  # or it was changed by its owner while it was read
        return None


_SHARED = frozenset({dict, list, tuple, str})
_MAY_BE_PLAIN = frozenset({str, int, float, bool, type(None), dict, list, tuple})
