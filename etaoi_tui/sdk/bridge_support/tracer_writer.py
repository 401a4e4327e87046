"""Lets a fold of foreign events write through a tracer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_tui.sdk.bridge_support.shared import serialize_value
from etaoi_tui.sdk.ids import bridge_uuid, id_text
from etaoi_tui.sdk.serialize import snapshot
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

_AS_TEXT = ("input", "output", "inputs", "outputs")
"""Payload keys whose values travel as JSON text, where they are no text."""


class TracerWriter:
    """A `SpanWriter` of `etaoi_collector.conventions.hive`, for events of one system.

    Args:
        tracer: Where to record.
        system: Whose ids they are.
        session: The session of everything; None for one per stream.
    """

    def __init__(self, tracer: Tracer, system: str, session: SessionInfo | None = None) -> None:
        self.live = True
        """Whether events are told as they happen; streamed text of others keeps its time."""
        self._tracer = tracer
        self._system = system
        self._session = session

    def session_for(self, stream_id: str) -> SessionInfo:
        """Return the session of a stream."""
        if self._session is not None:
            return self._session
        return SessionInfo(bridge_uuid(self._system, "stream", stream_id), self._tracer.session.user_id)

    def id_of(self, span: Span) -> str:
        """Return a span's id as events have it."""
        return id_text(span.span_id)

    def start(
        self,
        kind: str,
        name: str,
        *,
        at: int,
        parent: Span | None = None,
        session: SessionInfo | None = None,
        trace: tuple[str, str] | None = None,
        key: tuple[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        agent_name: str | None = None,
    ) -> Span:
        """Start a span."""
        if session is None and parent is not None:
            session = parent.session
        return self._tracer.start(
            kind,
            name,
            parent=parent,
            session=session,
            trace=bridge_uuid(self._system, *trace) if trace is not None else None,
            span_id=bridge_uuid(self._system, *key) if key is not None else None,
            payload=_payload(payload),
            metadata=metadata,
            agent_name=agent_name,
            at=at,
        )

    def text(self, span: Span, text: str, channel: str | None, at: int) -> None:
        """Add streamed text; what is told of the past keeps the time at which it was said."""
        if self.live:
            self._tracer.text(span, text, channel)
        else:
            payload = {"text": text} if channel is None else {"text": text, "channel": channel}
            self._tracer.delta(span, payload, at=at)

    def delta(
        self, span: Span, payload: Mapping[str, Any], at: int, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Add anything else."""
        self._tracer.delta(span, _payload(payload), at=at, metadata=metadata)

    def end(
        self,
        span: Span,
        payload: Mapping[str, Any] | None,
        *,
        at: int,
        error: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """End a span."""
        self._tracer.end(span, _payload(payload), error=error, metadata=metadata, at=at)


def _payload(payload: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if payload is None:
        return None
    fields: dict[str, Any] = {
        key: serialize_value(payload[key]) for key in _AS_TEXT if payload.get(key) is not None
    }
    fields.update(snapshot({key: value for key, value in payload.items() if key not in fields}))
    return fields
