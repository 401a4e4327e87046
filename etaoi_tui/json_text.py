"""JSON for scripts: one object a line, in plain ASCII.

Everything else is escaped, so that no control character reaches a terminal and no encoding can fail.
"""

from __future__ import annotations

import json
import math
from typing import Any

from etaoi_collector.conventions.lenient import Map

_DELETE = "\x7f"

_encode = json.JSONEncoder(allow_nan=False, check_circular=False).encode


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
