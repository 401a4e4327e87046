"""Decodes the bodies of OTLP in JSON, and its lines in files of the OpenTelemetry collector.

By hand, because the form differs from protobuf's own JSON: ids are hex, enums numbers, 64 bit integers text
or numbers, whichever the producer likes (OTLP specification, "JSON Protobuf Encoding").
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from etaoi_collector.translation.json_text import read_json
from etaoi_collector.translation.otel_model import (
    Attributes,
    InvalidPayload,
    OtelEvent,
    OtelLog,
    OtelSpan,
)

_FAILURES = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What values of another type than expected raise."""


def parse(body: bytes) -> dict[str, Any]:
    """Parse a body.

    Raises:
        InvalidPayload: It is no JSON object.
    """
    try:
        value = read_json(body)
    except ValueError as error:
        raise InvalidPayload("the body is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidPayload("the body is not a JSON object")
    return value


def spans_of(request: dict[str, Any]) -> list[OtelSpan | InvalidPayload]:
    """Return the spans of a parsed ``ExportTraceServiceRequest``; see `otlp_protobuf.decode_traces`."""
    spans: list[OtelSpan | InvalidPayload] = []
    for resource, scope, record in _records(request, "resourceSpans", "scopeSpans", "spans"):
        try:
            spans.append(_span(record, scope, resource))
        except _FAILURES:
            spans.append(InvalidPayload("a span with a field of another type than OTLP has"))
    return spans


def logs_of(request: dict[str, Any]) -> list[OtelLog | InvalidPayload]:
    """Return the log records of a parsed ``ExportLogsServiceRequest`` that belong to spans."""
    logs: list[OtelLog | InvalidPayload] = []
    for resource, scope, record in _records(request, "resourceLogs", "scopeLogs", "logRecords"):
        try:
            log = _log(record, scope, resource)
        except _FAILURES:
            logs.append(InvalidPayload("a log record with a field of another type than OTLP has"))
        else:
            if log.span_id:
                logs.append(log)
    return logs


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _either(value: dict[str, Any], camel: str, snake: str) -> Any:
    """Return a field by its usual name, or by the one that the protocol's text form has."""
    field = value.get(camel)
    return value.get(snake) if field is None else field


def _records(
    request: dict[str, Any], outer: str, middle: str, inner: str
) -> Iterator[tuple[Attributes, str, dict[str, Any]]]:
    for holder in _list(_either(request, outer, _snake(outer))):
        holder = _map(holder)
        resource = _attributes(_map(holder.get("resource")).get("attributes"))
        for scope in _list(_either(holder, middle, _snake(middle))):
            scope = _map(scope)
            name = str(_map(scope.get("scope")).get("name") or "")
            for record in _list(_either(scope, inner, _snake(inner))):
                yield resource, name, _map(record)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _attributes(value: Any) -> Attributes:
    attributes: Attributes = {}
    for entry in _list(value):
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            attributes[entry["key"]] = _value(entry.get("value"), 0)
    return attributes


def _value(value: Any, depth: int) -> Any:
    """Read an ``AnyValue``: a map with one of seven keys."""
    if not isinstance(value, dict) or depth > 64:
        return None
    for key, item_value in value.items():
        match key:
            case "stringValue" | "string_value":
                return item_value if isinstance(item_value, str) else str(item_value)
            case "intValue" | "int_value":
                return int(item_value)
            case "doubleValue" | "double_value":
                return float(item_value)
            case "boolValue" | "bool_value":
                return bool(item_value)
            case "arrayValue" | "array_value":
                return [_value(item, depth + 1) for item in _list(_map(item_value).get("values"))]
            case "kvlistValue" | "kvlist_value":
                return {
                    str(_map(item).get("key")): _value(_map(item).get("value"), depth + 1)
                    for item in _list(_map(item_value).get("values"))
                }
            case "bytesValue" | "bytes_value":
                return base64.b64decode(item_value) if isinstance(item_value, str) else None
    return None


def _id(value: Any, digits: int) -> str:
    """Read an id: hex, or the base64 that generic protobuf writers make of it."""
    if not isinstance(value, str) or not value:
        return ""
    if len(value) == digits:
        return value.lower()
    try:
        return base64.b64decode(value, validate=True).hex()
    except (binascii.Error, ValueError):
        return value.lower()


def _integer(value: Any) -> int:
    return int(value) if value is not None else 0


_STATUS = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def _span(record: dict[str, Any], scope: str, resource: Attributes) -> OtelSpan:
    status = _map(record.get("status"))
    code, kind = status.get("code", 0), record.get("kind", 0)
    return OtelSpan(
        _id(_either(record, "traceId", "trace_id"), 32),
        _id(_either(record, "spanId", "span_id"), 16),
        _id(_either(record, "parentSpanId", "parent_span_id"), 16),
        str(record.get("name") or ""),
        kind if isinstance(kind, int) else 0,
        _integer(_either(record, "startTimeUnixNano", "start_time_unix_nano")),
        _integer(_either(record, "endTimeUnixNano", "end_time_unix_nano")),
        _attributes(record.get("attributes")),
        [
            OtelEvent(
                str(_map(event).get("name") or ""),
                _integer(_either(_map(event), "timeUnixNano", "time_unix_nano")),
                _attributes(_map(event).get("attributes")),
            )
            for event in _list(record.get("events"))
        ],
        code if isinstance(code, int) else _STATUS.get(str(code), 0),
        str(status.get("message") or ""),
        scope,
        resource,
    )


def _log(record: dict[str, Any], scope: str, resource: Attributes) -> OtelLog:
    attributes = _attributes(record.get("attributes"))
    time = _either(record, "timeUnixNano", "time_unix_nano")
    if not time or time == "0":
        time = _either(record, "observedTimeUnixNano", "observed_time_unix_nano")
    return OtelLog(
        _id(_either(record, "traceId", "trace_id"), 32),
        _id(_either(record, "spanId", "span_id"), 16),
        str(_either(record, "eventName", "event_name") or attributes.get("event.name") or ""),
        _integer(time),
        _value(record.get("body"), 0),
        attributes,
        scope,
        resource,
    )
