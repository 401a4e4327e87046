"""Writes an event as a row: a span without a duration, of the shape that `etaoi_tui.event` gives its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.event_rows import EVENT, NOISE, SAID_BY, SEVERITY, USER, WARNING
from etaoi_tui.sdk.bridge_support.shared import serialize_value
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer


def write_event(
    tracer: Tracer,
    name: str,
    data: Mapping[str, Any],
    *,
    parent: Span | None,
    at: int | None = None,
    warning: bool = False,
    noise: bool = False,
    message: str = "",
    session: SessionInfo | None = None,
) -> None:
    """Record that something happened.

    Args:
        tracer: where to record.
        name: the event's type.
        data: what is known of it.
        parent: the span that it happened in; None for an event outside of any run.
        at: when, in nanoseconds since the epoch; None for now.
        warning: whether the jump to the next error stops at it.
        noise: whether it folds away with a framework's inner steps.
        message: what a person said to the agent by it.
        session: whose it is, if not its parent's.
    """
    metadata: dict[str, str] = {EVENT: name}
    if warning:
        metadata[SEVERITY] = WARNING
    if parent is None or (noise and not warning):
        metadata.update(NOISE)  # outside of any run it makes none
    payload: dict[str, Any] = {keys.INPUTS: serialize_value(dict(data))} if data else {}
    if message:
        metadata[SAID_BY] = USER
        payload[keys.TEXT] = message
    span = tracer.start(
        EVENT, name, parent=parent, session=session, payload=payload, metadata=metadata, at=at
    )
    tracer.end(span, at=span.started_ns)
