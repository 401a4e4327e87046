"""Traces and spans as JSON objects, one a line. The names are stable: scripts lean on them.

Times are ISO 8601 in UTC with a Z, durations are float milliseconds. Everything outside ASCII is escaped, so
that no control character reaches a terminal and no encoding can fail.
"""

from __future__ import annotations

import json
import math
from typing import Any

from etaoi_collector.projections.span_events import Map
from etaoi_collector.projections.span_object import milliseconds, span_object
from etaoi_collector.store.model import Trace
from etaoi_tui.export.text_tree import trace_name
from etaoi_tui.view.format import iso

__all__ = ["dumps", "span_object", "trace_object"]

_DELETE = "\x7f"

_encode = json.JSONEncoder(allow_nan=False, check_circular=False).encode


def trace_object(trace: Trace) -> Map:
    """Return what ``ls --json`` says of a trace."""
    return {
        "trace_id": trace.trace_id,
        "session_id": trace.session.session_id,
        "name": trace_name(trace),
        "status": trace.status.value,
        "started_at": iso(trace.started_at),
        "duration_ms": milliseconds(trace.ended_at - trace.started_at),
        "spans": trace.spans,
        "events": trace.events,
        "errors": trace.errors,
        "model_calls": trace.model_calls,
        "tool_calls": trace.tool_calls,
        "input_tokens": trace.input_tokens,
        "output_tokens": trace.output_tokens,
        "dropped": trace.dropped,
    }


def dumps(value: Map) -> str:
    """Write one object on one line of plain ASCII."""
    try:
        text = _encode(value)
    except ValueError:
        text = _encode(_finite(value))
    return text.replace(_DELETE, "\\u007f")


def _finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON has no word for, by their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
