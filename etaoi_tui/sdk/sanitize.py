"""The bounded walk: any Python value as plain text, numbers, lists and maps.

It runs no foreign code (no ``__repr__``, no properties of unknown classes, no overridden iterators), so no
value can hang the stream; whatever fails all the same becomes a note in its place.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import REDACTED, Redact
from etaoi_tui.sdk.safe_repr import REPR_SAFE, error_text, short_error, type_name

INT_MIN, INT_MAX = -(1 << 63), (1 << 64) - 1
FIELD_OVERHEAD = 6
_BYTES_SHOWN = 48
_LEAST_SHARE = 128
"""Characters that an item of a list gets at least; of a list with more items than that allows, some go."""
_LEAST_JSON = 1_024
_JSON_TRIES = 8
_LOOKED_AT = 4_000
_MARGIN = 32
_UNKNOWN_SIZE = 200
"""What an object counts for whose size nobody looked at."""
_MASK_MARGIN = 512
PLAIN_KEY = 32
_ARRAY_PACKAGES = frozenset({"numpy", "torch", "pandas", "jax", "jaxlib", "tensorflow", "cupy"})


_encode_json = msgspec.json.Encoder().encode


class Json(msgspec.Struct, eq=False):
    """Marks a value that travels as JSON text. Always valid JSON, also after cutting."""

    value: Any
    shape: Any = None
    """How it is described (`etaoi_tui.sdk.shared_json.Shape`); None when it is so already."""

    def described(self) -> Any:
        """Return the value as it is to be shown."""
        return self.value if self.shape is None else self.shape.full_form(self.value)


class Part(msgspec.Struct, eq=False):
    """The first items of a list that was too long to copy whole, and how many there were."""

    items: list[Any]
    total: int


class Sanitizer:
    """One bounded walk over one value; every container and text takes from the same allowance."""

    __slots__ = ("_limits", "_path", "_redact", "_remaining", "_text", "cuts")

    def __init__(self, limits: Limits, redact: Redact, allowance: int, *, text: int) -> None:
        self._limits = limits
        self._redact = redact
        self._remaining = allowance
        self._text = text
        self._path: set[int] = set()
        self.cuts = 0

    def value(self, value: Any) -> Any:
        kind = type(value)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, value)
        try:
            return self._other(value, kind)
        except Exception as error:
            return f"<{type_name(value)}: unreadable, {short_error(error)}>"

    def string(self, value: str) -> str:
        size = len(value)
        allowed = min(self._text, max(self._remaining, 64))
        if size <= allowed:
            cleaned = self._clean(value)
        else:
            self.cuts += 1
            cleaned = self._clean(str.__getitem__(value, slice(0, allowed + _MASK_MARGIN)))[:allowed]
            cleaned = f"{cleaned}… [truncated {size - allowed} chars of {size}]"
        self._remaining -= len(cleaned) + FIELD_OVERHEAD
        return cleaned

    def _clean(self, text: str) -> str:
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                text = text.encode("utf-8", "backslashreplace").decode()
        return self._redact.text(text)

    def map(self, value: dict[Any, Any]) -> Any:
        return self._container(value, self._map)

    def items(self, value: Any) -> Any:
        return self._container(value, self._items)

    def _container(self, value: Any, walk: Callable[[Any], Any]) -> Any:
        if id(value) in self._path:
            return f"<the same {type(value).__name__} again>"
        if len(self._path) >= self._limits.depth:
            self.cuts += 1
            return f"<{type(value).__name__}: nested deeper than {self._limits.depth}>"
        self._path.add(id(value))
        self._remaining -= FIELD_OVERHEAD
        try:
            return walk(value)
        finally:
            self._path.discard(id(value))

    def _map(self, value: dict[Any, Any]) -> dict[str, Any]:
        entries = list(dict.items(value))
        included = entries[: self._limits.items]
        out: dict[str, Any] = {}
        alike: dict[str, int] = {}
        names: list[str] = []
        for key, _ in included:
            if self._remaining <= 0 and names and len(self._path) > 1:
                break
            name = key_text = self._key(key)
            while name in out:
                count = alike[key_text] = alike.get(key_text, 0) + 1
                name = f"{key_text}′{count}" if count > 1 else f"{key_text}′"
            out[name] = None
            names.append(name)
        shares = self._shares([item for _, item in included[: len(names)]])
        for name, (_, item), share in zip(names, included, shares, strict=False):
            if self._redact.masks_field(name) and item is not None and not isinstance(item, bool):
                out[name] = REDACTED
            else:
                out[name] = self._within(share, item)
        if len(names) < len(entries):
            self.cuts += 1
            out["…"] = f"[{len(entries) - len(names)} more of {len(entries)} entries]"
        return out

    def _shares(self, items: list[Any]) -> list[int]:
        """Divide what is left among values: the small ones get all they need, the large ones equal parts."""
        remaining = max(self._remaining, 0)
        sizes = [rough_size(item, remaining) for item in items]
        spare = remaining - sum(sizes)
        if spare >= 0:
            return [size + spare for size in sizes]
        # Masks and notes may make a small value a little longer than it was.
        sizes = [size + size // 8 + _MARGIN for size in sizes]
        shares = sizes[:]
        waiting = len(items)
        for index in sorted(range(len(items)), key=sizes.__getitem__):
            shares[index] = min(sizes[index], remaining // waiting)
            remaining -= shares[index]
            waiting -= 1
        return shares

    def _within(self, share: int, item: Any) -> Any:
        """Return a value that takes no more than its share, as far as that can be kept."""
        remaining_before = self._remaining
        self._remaining = share
        sanitized = self.value(item)
        self._remaining = remaining_before - (share - self._remaining)
        return sanitized

    def _key(self, key: Any) -> str:
        if type(key) is str and len(key) <= PLAIN_KEY and key.isidentifier() and key.isascii():
            key_text = key  # a field's name, not something that a rule is about
        elif isinstance(key, str):
            key_text = self._clean(str.__getitem__(key, slice(0, 256)))
        elif type(key) in REPR_SAFE:
            key_text = _int_text(key) if type(key) is int else repr(key)
        else:
            key_text = scalar_text(Sanitizer(self._limits, self._redact, 200, text=200).value(key))
        self._remaining -= len(key_text) + FIELD_OVERHEAD
        return key_text

    def _items(self, value: Any) -> list[Any]:
        total = len(value)
        most = min(self._limits.items, max(4, self._remaining // _LEAST_SHARE))
        if total <= most or (
            total <= self._limits.items and rough_size(value, self._remaining) <= self._remaining
        ):
            return [self._within(share, item) for share, item in zip(self._shares(value), value, strict=True)]
        # The first items and the last: in a history the newest message matters most.
        first, last = (most + 1) // 2, most // 2
        included = [*value[:first], *value[total - last :]]
        sanitized = [
            self._within(share, item) for share, item in zip(self._shares(included), included, strict=True)
        ]
        self.cuts += 1
        sanitized.insert(first, f"… [{total - most} of {total} items left out]")
        return sanitized

    def sequence(self, value: Any) -> Any:
        return self.items(list(value))

    def part(self, value: Part) -> Any:
        self.cuts += 1
        sanitized = self.items(value.items)
        if isinstance(sanitized, list):
            sanitized.append(f"… [{value.total - len(value.items)} of {value.total} items left out]")
        return sanitized

    def number(self, value: int) -> Any:
        self._remaining -= 8
        return value if INT_MIN <= value <= INT_MAX else _int_text(value)

    def float(self, value: float) -> Any:
        self._remaining -= 8
        if value - value == 0:
            return value
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"

    def keep(self, value: Any) -> Any:
        self._remaining -= FIELD_OVERHEAD
        return value

    def binary(self, value: bytes | bytearray | memoryview) -> str:
        size = value.nbytes if isinstance(value, memoryview) else len(value)
        head = bytes(value[:_BYTES_SHOWN])
        more = "…" if size > len(head) else ""
        return self.string(f"<{size} bytes: {head!r}{more}>")

    def named(self, value: Any) -> str:
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
        return self.string(f"<{type(value).__name__} {getattr(value, '__module__', '')}.{name}>")

    def stdlib(self, value: Any) -> str:
        return self.string(str(value))

    def json(self, value: Json) -> str:
        if type(value.value) is str:
            return self.string(value.value)
        text, cuts = json_within(
            value.value, self._limits, self._redact, min(self._text, max(self._remaining, _LEAST_JSON))
        )
        # Keys and values together may be what a rule is about.
        text = self._clean(text)
        self.cuts += cuts
        self._remaining -= len(text) + FIELD_OVERHEAD
        return text

    def raw(self, value: msgspec.Raw) -> Any:
        # Who keeps one knows its format; here it is only known that both are common.
        for decode in (msgspec.json.decode, msgspec.msgpack.decode):
            try:
                return self.value(decode(value))
            except (msgspec.MsgspecError, ValueError, RecursionError):
                continue
        return self.binary(bytes(value))

    def _other(self, value: Any, kind: type) -> Any:
        if isinstance(value, enum.Enum):
            return (
                self.value(value._value_)
                if type(value._value_) in _HANDLERS
                else self.string(str(value._name_))
            )
        if isinstance(value, str):
            return self.string(str.__str__(value))
        if isinstance(value, int):
            return self.number(int.__int__(value))
        if isinstance(value, float):
            return self.float(float.__float__(value))
        if isinstance(value, bytes | bytearray | memoryview):
            return self.binary(value)
        if isinstance(value, dict):
            return self.map(value)
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return self.map(dict(zip(kind._fields, tuple.__iter__(value), strict=False)))
        for base in _SEQUENCES:
            if isinstance(value, base):  # not its own __iter__, which could be anything
                return self.items(list(base.__iter__(value)))
        if isinstance(value, BaseException):
            return self.string(error_text(value))
        if isinstance(value, _SAFE_STR):
            return self.string(str(value))
        if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.MethodType):
            return self.named(value)
        if kind.__module__.partition(".")[0] in _ARRAY_PACKAGES and hasattr(kind, "shape"):
            return self._array(value)
        return self._object(value, kind)

    def _array(self, value: Any) -> Any:
        shape = tuple(value.shape)
        if not shape and hasattr(kind := type(value), "item"):
            return self.value(kind.item(value))
        size = 1
        for length in shape:
            size *= length
        if size <= 64 and hasattr(value, "tolist"):
            return self.value(value.tolist())
        return self.string(f"<{type_name(value)} {getattr(value, 'dtype', '')} of shape {shape}>")

    def _object(self, value: Any, kind: type) -> Any:
        fields = _state_of(value, kind)
        if fields is None:
            return self.string(f"<{type_name(value)}>")
        return self._container(value, lambda _: {"__type__": type_name(value), **self._map(fields)})


def json_within(value: Any, limits: Limits, redact: Redact, limit: int) -> tuple[str, int]:
    """Return a value as JSON text of at most ``limit`` characters, always whole, and how often it was cut.

    What JSON adds (quotes, escapes) is only known afterwards, so a text that became too long is made anew
    from less.
    """
    allowance = limit
    for _ in range(_JSON_TRIES):
        sanitizer = Sanitizer(limits, redact, allowance, text=allowance)
        text = _encode_json(sanitizer.value(value)).decode()
        if len(text) <= limit:
            return text, sanitizer.cuts
        allowance = int(allowance * limit / len(text) * 0.9)
    return _encode_json(f"<{type_name(value)}: too much to show>").decode(), 1


def rough_size(value: Any, limit: int) -> int:
    """Return about how many characters a value takes, and look no further once that is beyond ``limit``."""
    size, visited = 0, 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        visited += 1
        size += FIELD_OVERHEAD
        kind = type(item)
        if kind is str:
            size += len(item)
        elif kind is dict:
            for key, inner in item.items():
                size += FIELD_OVERHEAD + (len(key) if type(key) is str else FIELD_OVERHEAD)
                waiting.append(inner)
        elif kind is list or kind is tuple:
            waiting.extend(item)
        elif kind is Json or kind is Part:
            waiting.append(item.value if kind is Json else item.items)
        elif kind not in _SMALL:
            size += _UNKNOWN_SIZE
        if size > limit or visited > _LOOKED_AT:
            return max(size, limit + 1)
    return size


_SMALL = frozenset({int, float, bool, type(None)})


def _state_of(value: Any, kind: type) -> dict[str, Any] | None:
    """Return an object's own data without running its code; None when it has none."""
    fields: dict[str, Any] = {}
    names: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    if not names and dataclasses.is_dataclass(kind):
        names = tuple(kind.__dataclass_fields__)
    if not names:
        for base in kind.__mro__:
            slots = base.__dict__.get("__slots__", ())
            names += (slots,) if isinstance(slots, str) else tuple(slots)
    for name in names:
        slot = kind.__dict__.get(name)
        if slot is None:
            slot = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
        if isinstance(slot, types.MemberDescriptorType):
            try:
                fields[name] = slot.__get__(value, kind)
            except AttributeError:
                continue
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = None
    if type(own) is dict:
        fields.update(own)
    extra = fields.pop("__pydantic_extra__", None)
    if type(extra) is dict:
        fields.update(extra)
    public_fields = {
        name: item for name, item in fields.items() if type(name) is not str or not name.startswith("_")
    }
    return public_fields or None


def _int_text(value: int) -> str:
    if value.bit_length() <= 8192:
        return str(value)
    return f"<integer of {value.bit_length()} bits, {hex(value >> (value.bit_length() - 64))}…>"


_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset, deque)
_SAFE_STR = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    pathlib.PurePath,
    uuid.UUID,
)

_HANDLERS: dict[type, Callable[[Sanitizer, Any], Any]] = {
    str: Sanitizer.string,
    dict: Sanitizer.map,
    list: Sanitizer.items,
    tuple: Sanitizer.items,
    set: Sanitizer.sequence,
    frozenset: Sanitizer.sequence,
    deque: Sanitizer.sequence,
    type({}.keys()): Sanitizer.sequence,
    type({}.values()): Sanitizer.sequence,
    int: Sanitizer.number,
    float: Sanitizer.float,
    bool: Sanitizer.keep,
    type(None): Sanitizer.keep,
    complex: lambda walk, value: walk.string(str(value)),
    bytes: Sanitizer.binary,
    bytearray: Sanitizer.binary,
    memoryview: Sanitizer.binary,
    datetime.datetime: lambda walk, value: walk.string(value.isoformat()),
    uuid.UUID: Sanitizer.stdlib,
    types.MappingProxyType: lambda walk, value: walk.map(dict(value)),
    Json: Sanitizer.json,
    Part: Sanitizer.part,
    msgspec.Raw: Sanitizer.raw,
}


def scalar_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
