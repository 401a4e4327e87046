"""Events of a Hive-style bus as events of the protocol, for files and for programs without a viewer's SDK."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from time import time_ns
from types import SimpleNamespace
from typing import Any

from etaoi_collector.conventions.event_rows import EVENT
from etaoi_collector.conventions.hive.fold import HiveFold
from etaoi_collector.translation.event_writer import pack_frames, write_delta, write_end, write_start
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.wire.encode import NODE_KINDS

SYSTEM = "hive"
_AS_TEXT = ("input", "output", "inputs", "outputs")
"""Payload keys whose values travel as JSON text, where they are lists or maps."""
_FIELDS = ("stream_id", "node_id", "execution_id", "correlation_id", "colony_id", "graph_id", "run_id")


class HiveEvents:
    """Folds bus events and gathers what they make, encoded. It is its fold's `SpanWriter`.

    Args:
        session: A session's id for everything; None for one per stream.
        coalesced: Whether deltas may be merged, as in an ``events.jsonl``.
    """

    def __init__(self, *, session: str | None = None, coalesced: bool = False) -> None:
        self._session = session
        self._fold = HiveFold(self, coalesced=coalesced)
        self._events: list[bytes] = []

    def take(self, event: Any, at: int, *, live: bool = False) -> None:
        """Take an event: an object with the attributes of Hive's ``AgentEvent``, or a map of them."""
        self._fold.take(as_event(event), at, live=live)

    def publish(self, event: Any) -> list[bytes]:
        """Take an event as it is published; return the frames that it makes."""
        event_time, now = time_of(event), time_ns()
        # A bus event is published as it happens; a time of its own counts where it is from before.
        self.take(event, now if event_time is None or event_time > now else event_time, live=True)
        return pack_frames(self.poll())

    def poll(self) -> list[bytes]:
        """Return the events made since the last call."""
        events, self._events = self._events, []
        return events

    def session_for(self, stream_id: str) -> str:
        """Return the session of a stream."""
        return self._session or _uuid("stream", stream_id)

    def id_of(self, span: HiveSpan) -> str:
        """Return a span's id as events have it."""
        return span.span_id

    def start(
        self,
        kind: str,
        name: str,
        *,
        at: int,
        parent: HiveSpan | None = None,
        session: str | None = None,
        trace: tuple[str, str] | None = None,
        key: tuple[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        agent_name: str | None = None,
    ) -> HiveSpan:
        """Start a span."""
        span_metadata = {str(k): str(v) for k, v in (metadata or {}).items()} | {"name": name}
        if kind == EVENT:
            kind = "middleware"
        elif kind not in NODE_KINDS:
            kind, span_metadata["etaoi_tui.kind"] = "middleware", kind
        if parent is not None:
            trace_id, session = parent.trace_id, session or parent.session
        else:
            trace_id = _uuid(*trace) if trace is not None else str(uuid.uuid4())
        span = HiveSpan(
            trace_id=trace_id,
            span_id=_uuid(*key) if key is not None else str(uuid.uuid4()),
            parent_id=parent.span_id if parent is not None else None,
            kind=kind,
            name=name,
            start_ns=at,
            metadata=span_metadata,
            start=_payload(payload),
            agent=agent_name,
            session=session or self.session_for(""),
        )
        self._events.append(write_start(span, span.session or ""))
        span.start = {}
        return span

    def text(self, span: HiveSpan, text: str, channel: str | None, at: int) -> None:
        """Add streamed text."""
        payload = {"text": text} if channel is None else {"text": text, "channel": channel}
        self._events.append(write_delta(span, span.session or "", at, payload))

    def delta(
        self, span: HiveSpan, payload: Mapping[str, Any], at: int, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Add anything else."""
        self._events.append(write_delta(span, span.session or "", at, _payload(payload), metadata))

    def end(
        self,
        span: HiveSpan,
        payload: Mapping[str, Any] | None,
        *,
        at: int,
        error: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """End a span; a second end is none."""
        if span.end_ns is not None:
            return
        span.end_ns, span.error, span.end = at, error, _payload(payload)
        self._events.append(write_end(span, span.session or "", more=metadata))
        span.end = {}


class HiveSpan(TranslatedSpan, eq=False):
    """A span that is open on a bus."""

    @property
    def started_ns(self) -> int:
        """When it began."""
        return self.start_ns


def as_event(event: Any) -> Any:
    """Return an event with the attributes of Hive's ``AgentEvent``, whatever a map of them leaves out."""
    if not isinstance(event, Mapping):
        return event
    attributes = {name: event.get(name) for name in _FIELDS}
    data = event.get("data")
    return SimpleNamespace(type=event.get("type", ""), data=data if data is not None else {}, **attributes)


def time_of(event: Any) -> int | None:
    """Return when an event was, in nanoseconds since the epoch; None when it does not tell.

    Hive's clocks are local and say no zone, in its files, too.
    """
    stamp = event.get("timestamp") if isinstance(event, Mapping) else getattr(event, "timestamp", None)
    if isinstance(stamp, str):
        try:
            stamp = datetime.fromisoformat(stamp)
        except ValueError:
            return None
    if not isinstance(stamp, datetime):
        return None
    try:
        return round(stamp.astimezone(UTC).timestamp() * 1e6) * 1_000
    except (ValueError, OverflowError, OSError):
        return None


def _uuid(kind: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"etaoi-tui:{SYSTEM}:{kind}:{name}"))


def _payload(payload: Mapping[str, Any] | None) -> dict[str, Any]:
    encoded = dict(payload or {})
    for key in _AS_TEXT:
        value = encoded.get(key)
        if value is not None and not isinstance(value, str | int | float):
            try:
                encoded[key] = json.dumps(value, ensure_ascii=False, default=str)
            except (TypeError, ValueError, RecursionError):
                encoded[key] = str(value)
    return encoded
