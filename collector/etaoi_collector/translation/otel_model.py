"""Spans and log records of OpenTelemetry as plain objects, whichever encoding they came in."""

from __future__ import annotations

from typing import Any

import msgspec

Attributes = dict[str, Any]
"""Attribute values as JSON-like Python values; bytes stay bytes."""

STATUS_ERROR = 2
"""``Status.code`` of a span that failed (opentelemetry/proto/trace/v1/trace.proto)."""

KIND_INTERNAL = 1
"""``Span.kind`` of work inside a process; 0 is not told, 2 to 5 are requests and messages."""


class InvalidPayload(ValueError):
    """A request's body is not what its content type says; the text is for a person."""


class OtelEvent(msgspec.Struct, gc=False):
    """Something that happened at one moment within a span."""

    name: str
    time_ns: int
    attributes: Attributes


class OtelSpan(msgspec.Struct, eq=False):
    """One finished or pending span. Ids are lower-case hex; times are nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    events: list[OtelEvent]
    status_code: int
    status_message: str
    scope: str
    """Name of the instrumentation."""
    resource: Attributes
    """What describes the process; shared by all spans of it."""


class OtelLog(msgspec.Struct, eq=False):
    """One log record that belongs to a span; ids as in `OtelSpan`."""

    trace_id: str
    span_id: str
    name: str
    """Name of the event: its own field, or the attribute that older producers used."""
    time_ns: int
    body: Any
    attributes: Attributes
    scope: str
    resource: Attributes
