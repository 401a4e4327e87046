"""One span or run of somebody else's tracer, in the words of our payloads, not yet in events."""

from __future__ import annotations

from typing import Any

import msgspec


class TranslatedSpan(msgspec.Struct, eq=False):
    """A span. Payloads are what a start and an end carry; times are nanoseconds since the epoch."""

    trace_id: str
    """UUID text, as all ids."""
    span_id: str
    parent_id: str | None
    kind: str
    name: str
    start_ns: int
    end_ns: int | None = None
    """None while it runs."""
    metadata: dict[str, str] = {}
    start: dict[str, Any] = {}
    end: dict[str, Any] = {}
    error: str | None = None
    agent: str | None = None
    user: str | None = None
    session: str | None = None
    """What its producer calls the session; None where the span does not say."""
    speech_id: str | None = None
    voice_metrics: dict[str, Any] | None = None
    deltas: list[tuple[int, dict[str, Any]]] = []
    """Times and payloads of what happened in between."""
    state_changes: list[tuple[int, str, str]] = []
    """Time, subject (``agent`` or ``user``) and state, in a voice session."""
    infrastructure: str = ""
    """One of `wire.encode.Infrastructure` for a piece of the program around the agent."""
    process: str = ""
    """Names the process that made it, for spans without a session."""
