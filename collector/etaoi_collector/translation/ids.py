"""Ids of other tracers as the UUIDs of our protocol: always the same one for the same span."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from functools import lru_cache

_SPANS = uuid.UUID("c0ffee00-0000-4000-8000-000000000000").bytes
"""Namespace of OpenTelemetry spans: that of the etaoi SDK (its ``livekit/otel_ids.py``)."""

_LONGEST_NAME_KEPT = 200
_LONGEST = 253_402_300_799
"""Seconds since the epoch that a date can still say."""


def uuid_text(digits: str) -> str:
    """Write 32 hex digits as a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def trace_uuid(trace_id: str) -> str:
    """Return the id of an OpenTelemetry trace; one that is no 16 bytes gets an id made of its digits."""
    if len(trace_id) == 32:
        return _trace_uuid(trace_id)
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"etaoi-tui:otel:trace:{trace_id}"))


@lru_cache(maxsize=256)
def _trace_uuid(trace_id: str) -> str:
    """Write a trace's id, which all of its spans name."""
    return uuid_text(trace_id)


def span_uuid(trace_id: str, span_id: str) -> str:
    """Return the id of an OpenTelemetry span: a version 5 UUID of both of its ids, in hex."""
    if len(span_id) == 16 and len(trace_id) == 32:
        return _span_uuid(trace_id, span_id)
    return _span_uuid.__wrapped__(trace_id, span_id)  # ids of any length are not kept in memory


@lru_cache(maxsize=4_096)
def _span_uuid(trace_id: str, span_id: str) -> str:
    digest = hashlib.sha1(_SPANS + f"span:{trace_id}:{span_id}".encode(), usedforsecurity=False).hexdigest()
    return (
        f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-"
        f"{(int(digest[16], 16) & 3) | 8:x}{digest[17:20]}-{digest[20:32]}"
    )


def run_uuid(value: object) -> str | None:
    """Return a LangSmith run's id in canonical form; None if it is no UUID."""
    text = str(value)
    if len(text) == 36 and text.islower():
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def session_uuid(name: str) -> str:
    """Return the id of the session that a producer calls ``name``: the same as that of our SDK."""
    return _session_uuid(name) if len(name) <= _LONGEST_NAME_KEPT else _session_uuid.__wrapped__(name)


@lru_cache(maxsize=1_024)
def _session_uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"etaoi:session:{name}"))


def timestamp(time_ns: int) -> str:
    """Write nanoseconds since the epoch as the protocol's time: RFC 3339 with microseconds and a Z."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    if not 0 <= seconds <= _LONGEST:
        seconds, rest = 0, 0
    return f"{_to_the_second(seconds)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    """Write whole seconds; spans that arrive together are of few of them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
