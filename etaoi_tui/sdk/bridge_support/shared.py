"""What the bridges share: who lies round a run, and how foreign values are written down."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from etaoi_tui.sdk.serialize import Json, snapshot
from etaoi_tui.sdk.tracer import Span, Tracer, current_span

LAST_WORDS = 4_096
"""Characters of an error's text that are kept."""


def enclosing_span(tracer: Tracer) -> Span | None:
    """Return the span that the caller is in, if it goes to the same place as what ``tracer`` records."""
    span = current_span()
    if span is None or span.tracer.pipeline is not tracer.pipeline:
        return None
    return span


def serialize_value(value: Any) -> Any:
    """Return an input or output as it is written: text as it is, all else as JSON text."""
    return value if type(value) is str else Json(snapshot(value))


def error_words(text: Any) -> str:
    """Return what a system says about an error, never empty."""
    words = str(text)[:LAST_WORDS]
    return words or "error"


def epoch_ns(moment: Any) -> int | None:
    """Return a moment in nanoseconds since the epoch, None when it tells none.

    Args:
        moment: a datetime (a naive one is local time) or its ISO text (naive text is UTC), or None.
    """
    if isinstance(moment, str):
        try:
            moment = datetime.datetime.fromisoformat(moment)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
    if not isinstance(moment, datetime.datetime):
        return None
    try:
        return round(moment.timestamp() * 1e6) * 1_000
    except (ValueError, OverflowError, OSError):
        return None


def strings(**entries: Any) -> dict[str, str]:
    """Return metadata with the entries that say something."""
    return {key: str(value) for key, value in entries.items() if value not in (None, "")}


def usage_of(report: Any) -> dict[str, int] | None:
    """Return token counts under the wire's names, from an object or map that uses any of the usual ones."""
    if report is None:
        return None
    counts: dict[str, int] = {}
    for key, names in _USAGE_NAMES.items():
        for name in names:
            value = report.get(name) if isinstance(report, Mapping) else getattr(report, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                counts[key] = value
                break
    for cache in ("cache_read_input_tokens", "cache_creation_input_tokens"):
        if not counts.get(cache):
            counts.pop(cache, None)
    if "total_tokens" not in counts and "input_tokens" in counts and "output_tokens" in counts:
        counts["total_tokens"] = counts["input_tokens"] + counts["output_tokens"]
    return counts or None


_USAGE_NAMES = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "total_tokens": ("total_tokens",),
    "cache_read_input_tokens": ("cache_read_input_tokens", "cache_read_tokens", "cached_tokens"),
    "cache_creation_input_tokens": ("cache_creation_input_tokens", "cache_creation_tokens"),
}
