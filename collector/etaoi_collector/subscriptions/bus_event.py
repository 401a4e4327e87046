"""What programs hear of when they subscribe to a collector, and which of it they want."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from etaoi_collector.sources.source_items import Closed, EventBatch, FrameRefused, Opened, SourceItem
from etaoi_collector.wire.event_ref import NO_EVENT
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick
from etaoi_collector.wire.full_decode import decode_lossless

EVENT_KINDS = ("span_start", "span_delta", "span_end", "state_tick")
"""What agents send, and what a subscriber hears of unless it asks for something else."""

OTHER_KINDS = ("connected", "disconnected", "rejected")
"""What happens to their connections, and events that could not be taken: heard by who asks for it."""

MISSED = "missed"
"""Heard by everybody who missed something, at the place where it is missing."""

_KINDS: dict[type, str] = {
    SpanStart: "span_start",
    SpanDelta: "span_delta",
    SpanEnd: "span_end",
    StateTick: "state_tick",
    Reject: "rejected",
}


class BusEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. What does not apply to its kind is None."""

    kind: str
    """One of `EVENT_KINDS`, of `OTHER_KINDS`, or `MISSED`."""
    received: float
    """When it arrived, in seconds since the epoch."""
    connection: int = 0
    """Number of the connection that it came over."""
    place: int = NO_EVENT
    """Where it lies in the recording."""
    at: float | None = None
    """Its time by its sender's clock, in seconds since the epoch."""
    session_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    node_kind: str | None = None
    """``llm``, ``tool``, ``sub_agent`` and so on."""
    name: str | None = None
    """The span's name; deltas have none."""
    agent: str | None = None
    """Name of the agent around a span that starts."""
    error: str | None = None
    """How a span that ends has failed."""
    subject: str | None = None
    """Whose state changed: ``agent`` or ``user``."""
    state: str | None = None
    """What it is now."""
    reason: str | None = None
    """Why something was rejected or missed, or a connection ended; who connected."""
    count: int = 0
    """How many events were missed."""
    raw_payload: bytes = b"\x80"
    """The undecoded payload, a MessagePack map."""

    @property
    def payload(self) -> dict[str, Any]:
        """The payload, decoded anew with each look."""
        return decode_lossless(self.raw_payload)


class SubscriptionFilter:
    """Which events a subscriber wants to hear of.

    Args:
        kinds: Kinds of events, one or several; None for all of `EVENT_KINDS`.
        session: Session ids, or the texts that the agent's program calls its sessions by.
        trace: Trace ids.
        node_kind: Kinds of spans.

    Raises:
        ValueError: There is no such kind of event.
    """

    def __init__(
        self,
        *,
        kinds: str | Iterable[str] | None = None,
        session: str | Iterable[str] | None = None,
        trace: str | Iterable[str] | None = None,
        node_kind: str | Iterable[str] | None = None,
    ) -> None:
        self._kinds = frozenset(EVENT_KINDS) if kinds is None else _several(kinds)
        unknown = self._kinds - {*EVENT_KINDS, *OTHER_KINDS}
        if unknown:
            known = ", ".join((*EVENT_KINDS, *OTHER_KINDS))
            raise ValueError(f"No events are of the kind {min(unknown)!r}; there are {known}.")
        self._types = frozenset(known for known, kind in _KINDS.items() if kind in self._kinds)
        self._sessions = None if session is None else _session_ids(_several(session))
        self._traces = None if trace is None else frozenset(map(str.lower, _several(trace)))
        self._node_kinds = None if node_kind is None else _several(node_kind)
        self._all = self._sessions is self._traces is self._node_kinds is None

    def of(self, arrival: SourceItem) -> Iterator[BusEvent]:
        """Yield what of an arrival is wanted, in a form that keeps no frame alive."""
        if type(arrival) is EventBatch:
            for index, event in enumerate(arrival.events):
                if type(event) in self._types and (self._all or self._matches(event)):
                    yield _heard(event, arrival, index)
        elif type(arrival) is Opened and "connected" in self._kinds:
            opened = arrival.connection
            yield BusEvent(
                kind="connected",
                received=opened.opened_at,
                connection=opened.number,
                reason=f"{opened.peer} {opened.client}".rstrip(),
            )
        elif type(arrival) is Closed and "disconnected" in self._kinds:
            yield BusEvent(
                kind="disconnected",
                received=arrival.at,
                connection=arrival.connection,
                reason=arrival.reason or None,
            )
        elif type(arrival) is FrameRefused and "rejected" in self._kinds:
            yield BusEvent(
                kind="rejected",
                received=arrival.at,
                connection=arrival.connection,
                reason=f"frame of {arrival.size:,} bytes refused: {arrival.reason}",
            )

    def _matches(self, event: Event | Reject) -> bool:
        if isinstance(event, Reject):
            return True
        if self._sessions is not None and event.session_id not in self._sessions:
            return False
        if isinstance(event, StateTick):
            return self._traces is None and self._node_kinds is None
        if self._traces is not None and event.trace_id not in self._traces:
            return False
        return self._node_kinds is None or event.node_kind in self._node_kinds


def _several(one_or_more: str | Iterable[str]) -> frozenset[str]:
    return frozenset((one_or_more,)) if isinstance(one_or_more, str) else frozenset(one_or_more)


def _session_ids(sessions: Iterable[str]) -> frozenset[str]:
    """Return the ids on the wire; a text that is no id is hashed into one, as clients do."""
    ids = set()
    for session in sessions:
        try:
            ids.add(str(uuid.UUID(session)))
        except ValueError:
            ids.add(str(uuid.uuid5(uuid.NAMESPACE_URL, f"etaoi:session:{session}")))
    return frozenset(ids)


def _heard(event: Event | Reject, arrival: EventBatch, index: int) -> BusEvent:
    place = NO_EVENT if arrival.base_place < 0 else arrival.base_place + arrival.first_ordinal + index
    kind, received, connection = _KINDS[type(event)], arrival.received, arrival.connection
    if type(event) is Reject:
        return BusEvent(kind=kind, received=received, connection=connection, place=place, reason=event.reason)
    if type(event) is StateTick:
        return BusEvent(
            kind=kind,
            received=received,
            connection=connection,
            place=place,
            at=event.timestamp.timestamp(),
            session_id=event.session_id,
            subject=event.subject,
            state=event.state,
        )
    assert isinstance(event, SpanStart | SpanDelta | SpanEnd)
    metadata = None if isinstance(event, SpanDelta) else event.metadata
    return BusEvent(
        kind=kind,
        received=received,
        connection=connection,
        place=place,
        at=event.timestamp.timestamp(),
        session_id=event.session_id,
        trace_id=event.trace_id,
        span_id=event.span_id,
        parent_span_id=event.parent_span_id,
        node_kind=event.node_kind,
        name=None if metadata is None else metadata.name or metadata.probe_label,
        agent=event.lc_agent_name if isinstance(event, SpanStart) else None,
        error=event.error if isinstance(event, SpanEnd) else None,
        raw_payload=bytes(event.payload),
    )
