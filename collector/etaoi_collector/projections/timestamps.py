"""Times as scripts read them."""

from __future__ import annotations

from datetime import UTC, datetime

_UNKNOWN = "–"


def iso(at: float | None) -> str:
    """Format seconds since the epoch as ISO 8601 in UTC with a Z, to the microsecond; a dash if no time."""
    if at is None:
        return _UNKNOWN
    try:
        when = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return _UNKNOWN
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")
