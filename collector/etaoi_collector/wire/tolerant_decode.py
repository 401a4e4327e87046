"""A second look at an event that the typed decoder refused: repair what is harmless, explain what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_type_hints
from uuid import UUID

from msgspec import Raw

from etaoi_collector.wire.events import (
    NIL,
    Event,
    Reject,
    SpanDelta,
    SpanEnd,
    SpanStart,
    StateTick,
)
from etaoi_collector.wire.full_decode import decode_lossless
from etaoi_collector.wire.limits import MAX_DEPTH
from etaoi_collector.wire.scan import BreaksOff, Budget, TooManyItems, depth, holder, skip, string

_SHORT_TEXT = 4096
_KIND = 64
_ID_LENGTH = 36
_START_METADATA = get_type_hints(SpanStart)["metadata"]
_END_METADATA = get_type_hints(SpanEnd)["metadata"]
_KINDS = ("span_start", "span_delta", "span_end", "state_tick")


class _Refused(Exception):
    """The event cannot be taken; the text says why."""


def decode_tolerant(raw: Raw, ordinal: int) -> Event | Reject:
    """Decode an event field by field.

    Repaired are: ids in another spelling of a UUID, times without a zone (taken as UTC) or as seconds since
    the epoch, text that is not UTF-8, text beyond its length, metadata values that are no text, absent
    metadata or payload. Everything else that is wrong makes a `Reject`. Never raises for any bytes.
    """
    data = memoryview(raw)
    try:
        return _build(_fields(data))
    except _Refused as refusal:
        return Reject(ordinal, str(refusal))
    except (BreaksOff, TooManyItems, IndexError):
        return Reject(ordinal, "the event breaks off or is too finely divided to be read")


def _fields(data: memoryview) -> dict[str, memoryview]:
    """Split the event's map into its values, undecoded."""
    shape, count, position = holder(data, 0)
    if shape != "map":
        raise _Refused(f"the event is a {shape}, not a map")
    levels = depth(data, MAX_DEPTH)
    if levels > MAX_DEPTH:
        raise _Refused(f"it is nested more than {MAX_DEPTH} levels deep")
    budget = Budget()
    fields: dict[str, memoryview] = {}
    for _ in range(count):
        if position >= len(data):
            raise BreaksOff
        key, position = string(data, position)
        if key is None:
            position, _ = skip(data, position, budget)
        start = position
        position, _ = skip(data, position, budget)
        if key is not None:
            fields[key.decode("utf-8", "replace")] = data[start:position]
    return fields


def _build(fields: dict[str, memoryview]) -> Event:
    kind = _text(fields, "kind", _KIND)
    common: dict[str, Any] = {
        "event_id": _id(fields, "event_id"),
        "session_id": _id(fields, "session_id"),
        "timestamp": _time(fields, "timestamp"),
    } if kind in _KINDS else {}  # fmt: skip
    if not common:
        raise _Refused(f"unknown event kind {_quote(kind)}")
    if kind == "state_tick":
        return StateTick(
            **common,
            subject=_text(fields, "subject", _SHORT_TEXT),
            state=_text(fields, "state", _SHORT_TEXT),
        )
    span: dict[str, Any] = {
        **common,
        "trace_id": _id(fields, "trace_id"),
        "span_id": _id(fields, "span_id"),
        "node_kind": _text(fields, "node_kind", _KIND),
        "parent_span_id": _optional(fields, "parent_span_id", _id),
        "payload": Raw(fields["payload"]) if "payload" in fields else NIL,
    }
    if kind == "span_delta":
        return SpanDelta(**span, metadata=Raw(fields["metadata"]) if "metadata" in fields else NIL)
    if kind == "span_end":
        raw_metrics = fields.get("voice_metrics")
        return SpanEnd(
            **span,
            metadata=_metadata(fields, _END_METADATA),
            error=_optional(fields, "error", _any_text),
            voice_metrics=NIL if raw_metrics is None else Raw(raw_metrics),
        )
    return SpanStart(
        **span,
        metadata=_metadata(fields, _START_METADATA),
        lc_agent_name=_optional(fields, "lc_agent_name", _any_text),
        user_id=_optional(fields, "user_id", _any_text),
    )


def _optional(
    fields: dict[str, memoryview], name: str, read: Callable[[dict[str, memoryview], str], str]
) -> str | None:
    value = fields.get(name)
    return None if value is None or value[0] == 0xC0 else read(fields, name)


def _value(fields: dict[str, memoryview], name: str) -> Any:
    """Decode one required field completely."""
    value = fields.get(name)
    if value is None:
        raise _Refused(f"the field {name} is missing")
    if value[0] == 0xC0:
        raise _Refused(f"the field {name} is nil")
    if 0xC4 <= value[0] <= 0xC6 and len(value) == 18 and value[0] == 0xC4:
        return bytes(value[2:])  # sixteen bytes: a UUID as its bytes
    return _lone(value)


def _lone(value: memoryview) -> Any:
    """Decode a value that is no event: `decode_lossless` puts what is no map under a key of its own."""
    shape, _, _ = holder(value, 0)
    decoded = decode_lossless(value)
    return decoded if shape == "map" else decoded["value"]


def _text(fields: dict[str, memoryview], name: str, longest: int) -> str:
    value = _value(fields, name)
    if not isinstance(value, str):
        raise _Refused(f"the field {name} is {_article(value)}, not text")
    return value if len(value) <= longest else value[: longest - 1] + "…"


def _any_text(fields: dict[str, memoryview], name: str) -> str:
    """Read a descriptive field: whatever it is, its text will do."""
    value = _value(fields, name)
    text = value if isinstance(value, str) else repr(value)
    longest = len(text) if name == "error" else _SHORT_TEXT
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _id(fields: dict[str, memoryview], name: str) -> str:
    value = _value(fields, name)
    try:
        if isinstance(value, bytes):
            return str(UUID(bytes=value))
        if isinstance(value, str):
            return str(UUID(value.strip()))
    except ValueError:
        if isinstance(value, str) and len(value) == _ID_LENGTH:
            return value  # as the typed decoder takes it
    raise _Refused(f"the field {name} is not a UUID: {_quote(value)}")


def _time(fields: dict[str, memoryview], name: str) -> datetime:
    value = _value(fields, name)
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise _Refused(f"the field {name} is not a time: {_quote(value)}")


_KIND_KEYS = frozenset(("lc_chain_kind", "lc_hook", "lc_probe", "probe_phase"))


def _metadata(fields: dict[str, memoryview], struct: type[Any]) -> Any:
    """Read the keys that ``struct`` names; whatever their values are, their text will do."""
    raw = fields.get("metadata")
    if raw is None or raw[0] == 0xC0:
        return struct()
    values = _lone(raw)
    if not isinstance(values, dict):
        raise _Refused(f"the field metadata is {_article(values)}, not a map")
    texts: dict[str, Any] = {}
    for field, name in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        value = values.get(name)
        if value is not None:
            text = value if isinstance(value, str) else repr(value)
            longest = _KIND if field in _KIND_KEYS else _SHORT_TEXT
            texts[field] = text if len(text) <= longest else text[: longest - 1] + "…"
    return struct(**texts)


def _article(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a map",
        bytes: "bytes",
    }
    return names.get(type(value), "something else")


def _quote(value: Any) -> str:
    """Show a value in a reason: short, in plain ASCII."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:59] + "…"
