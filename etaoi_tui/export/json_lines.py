"""JSON, one object a line: spans for ``show --json`` and copies, and whatever else is printed as JSON.

Everything outside ASCII is escaped, so that no control character reaches a terminal and no encoding can fail.
"""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

from etaoi_collector.conventions.lenient import Map
from etaoi_collector.projections.objects import span_object
from etaoi_tui.exporting import Exporter, Extract

_DELETE = "\x7f"

_encode = json.JSONEncoder(allow_nan=False, check_circular=False).encode


def dumps(value: Map) -> str:
    """Write one object on one line of plain ASCII."""
    try:
        text = _encode(value)
    except ValueError:
        text = _encode(_finite(value))
    return text.replace(_DELETE, "\\u007f")


def write(extract: Extract, out: TextIO) -> None:
    """Write every span as an object, trace by trace, parents before children."""
    for span in extract.spans():
        out.write(dumps(span_object(span, extract.payloads, extract.now, extract.totals)) + "\n")
    if extract.is_cut():
        out.write(dumps({"cut": f"more than {extract.most_spans} spans; see etaoi-tui show --json"}) + "\n")


EXPORTER = Exporter(name="json-lines", label="JSON, a span a line", suffix=".jsonl", write=write)


def _finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON has no word for, by their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
