"""Safe ways to read values out of decoded payloads: a value of another type is as good as none."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

Map = dict[str, Any]


def seconds(stamp: Any) -> float | None:
    """Return an event's time stamp as seconds since the epoch; None if it is none."""
    try:
        return datetime.fromisoformat(as_text(stamp)).timestamp()
    except ValueError:
        return None


def as_map(value: Any) -> Map:
    """Return the value if it is a map, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return any value as text: text as it is, nothing for None, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def as_number(value: Any) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if value != value or value in (float("inf"), float("-inf")):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def as_count(value: Any) -> int | None:
    """Return a whole number that is not negative, or None for anything else."""
    number = as_number(value)
    return int(number) if number is not None and number >= 0 else None
