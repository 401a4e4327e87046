"""Which events a subscriber wants to hear of."""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Iterable, Iterator
from typing import TypedDict

from etaoi_collector.query import parse_query
from etaoi_collector.source_items import Closed, EventBatch, FrameRefused, Opened, SourceItem
from etaoi_collector.store.model import Span, Status
from etaoi_collector.subscriptions.bus_event import EVENT_KINDS, OTHER_KINDS, BusEvent
from etaoi_collector.subscriptions.span_fold import SpanFold, SpanState
from etaoi_collector.wire.event_ref import NO_EVENT
from etaoi_collector.wire.events import EVENT_KIND, Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick

Words = str | Iterable[str] | None
"""One word or several; None for no condition."""


class Filters(TypedDict, total=False):
    """What `SubscriptionFilter` and all that subscribe take; each takes one word or several."""

    kinds: Words
    """Kinds of events: any of `EVENT_KINDS` (those by default) and `OTHER_KINDS`."""
    session: Words
    """Session ids, or the texts that the agent's program calls its sessions by."""
    trace: Words
    """Trace ids."""
    node_kind: Words
    """Kinds of spans, such as ``llm`` or ``tool``."""
    name: Words
    """Names of spans: tools, models, agents; ``*`` stands for anything."""
    node: Words
    """Nodes, as the program calls them; all that happens inside one is meant."""
    execution: Words
    """Executions or runs, as the program calls them, or a trace's id."""
    stream: Words
    """Streams or threads, as the program calls them."""
    agent: Words
    """Names of agents, for all that they do."""
    status: Words
    """What the span has come to: ``running``, ``ok``, ``error``, ``cancelled``, ``paused``."""
    query: str | None
    """The viewer's filter language, such as ``tool:search dur>2s`` (see `etaoi_collector.query`)."""


class SubscriptionFilter:
    """Compiled filters.

    Args:
        kinds, session, trace, node_kind, name, node, execution, stream, agent, status, query: See `Filters`.

    Raises:
        ValueError: There is no such kind of event or status, or the query cannot be read.
    """

    def __init__(
        self,
        *,
        kinds: Words = None,
        session: Words = None,
        trace: Words = None,
        node_kind: Words = None,
        name: Words = None,
        node: Words = None,
        execution: Words = None,
        stream: Words = None,
        agent: Words = None,
        status: Words = None,
        query: str | None = None,
    ) -> None:
        self._kinds = _one_of("events are of the kind", kinds, (*EVENT_KINDS, *OTHER_KINDS), EVENT_KINDS)
        self._types = frozenset(event_type for event_type, kind in EVENT_KIND.items() if kind in self._kinds)
        self._sessions = None if session is None else _session_ids(_several(session))
        self._traces = None if trace is None else frozenset(map(str.lower, _several(trace)))
        self._node_kinds = None if node_kind is None else _several(node_kind)
        self._names = None if name is None else _several(name)
        self._nodes = None if node is None else _several(node)
        self._executions = None if execution is None else _several(execution)
        self._streams = None if stream is None else _several(stream)
        self._agents = None if agent is None else _several(agent)
        self._statuses = None if status is None else _one_of("spans have the status", status, tuple(Status))
        self._query = parse_query(query) if query else None
        self._by_span = any(
            wanted is not None
            for wanted in (
                self._names,
                self._nodes,
                self._executions,
                self._streams,
                self._agents,
                self._statuses,
                self._query,
            )
        )

    def of(self, item: SourceItem, fold: SpanFold) -> Iterator[BusEvent]:
        """Yield what of an item is wanted, in a form that keeps no frame alive; all of it is folded."""
        if type(item) is EventBatch:
            for index, event in enumerate(item.events):
                span = fold.apply(item, index, event)
                if type(event) in self._types and self._matches(event, span, fold):
                    yield _bus_event(event, item, index, None if span is None else SpanState(span, fold))
            return
        fold.note(item)
        if type(item) is Opened and "connected" in self._kinds:
            opened = item.connection
            yield BusEvent(
                kind="connected",
                received=opened.opened_at,
                connection=opened.number,
                reason=f"{opened.peer} {opened.client}".rstrip(),
            )
        elif type(item) is Closed and "disconnected" in self._kinds:
            yield BusEvent(
                kind="disconnected",
                received=item.at,
                connection=item.connection,
                reason=item.reason or None,
            )
        elif type(item) is FrameRefused and "rejected" in self._kinds:
            yield BusEvent(
                kind="rejected",
                received=item.at,
                connection=item.connection,
                reason=f"frame of {item.size:,} bytes refused: {item.reason}",
            )

    def _matches(self, event: Event | Reject, span: Span | None, fold: SpanFold) -> bool:
        if isinstance(event, Reject):
            return True
        if self._sessions is not None and event.session_id not in self._sessions:
            return False
        if isinstance(event, StateTick):
            return self._traces is None and self._node_kinds is None and not self._by_span
        if self._traces is not None and event.trace_id not in self._traces:
            return False
        if self._node_kinds is not None and event.node_kind not in self._node_kinds:
            return False
        return not self._by_span or (span is not None and self._matches_span(span, fold))

    def _matches_span(self, span: Span, fold: SpanFold) -> bool:
        if self._statuses is not None and span.status.value not in self._statuses:
            return False
        if self._names is not None and not _is_named(span.name, self._names):
            return False
        if self._agents is not None and span.agent not in self._agents:
            if fold.ids_of(span).agent not in self._agents:
                return False
        if self._nodes is not None or self._executions is not None or self._streams is not None:
            ids = fold.ids_of(span)
            if self._nodes is not None and ids.node not in self._nodes:
                return False
            if self._executions is not None:
                if ids.execution not in self._executions and span.trace.trace_id not in self._executions:
                    return False
            if self._streams is not None and ids.stream not in self._streams:
                return False
        return self._query is None or self._query.matches(span, fold.content)


def _several(one_or_more: str | Iterable[str]) -> frozenset[str]:
    return frozenset((one_or_more,)) if isinstance(one_or_more, str) else frozenset(one_or_more)


def _one_of(what: str, wanted: Words, allowed: Iterable[str], default: Iterable[str] = ()) -> frozenset[str]:
    """Return the words asked for.

    Raises:
        ValueError: One of them is not known.
    """
    if wanted is None:
        return frozenset(default)
    words = _several(wanted)
    allowed = tuple(map(str, allowed))
    unknown = words.difference(allowed)
    if unknown:
        raise ValueError(f"No {what} {min(unknown)!r}; there are {', '.join(allowed)}.")
    return words


def _is_named(name: str, wanted: frozenset[str]) -> bool:
    return name in wanted or any("*" in one and fnmatch.fnmatchcase(name, one) for one in wanted)


def _session_ids(sessions: Iterable[str]) -> frozenset[str]:
    """Return the ids on the wire; a text that is no id is hashed into one, as clients do."""
    ids = set()
    for session in sessions:
        try:
            ids.add(str(uuid.UUID(session)))
        except ValueError:
            ids.add(str(uuid.uuid5(uuid.NAMESPACE_URL, f"etaoi:session:{session}")))
    return frozenset(ids)


def _bus_event(event: Event | Reject, batch: EventBatch, index: int, state: SpanState | None) -> BusEvent:
    event_ref = NO_EVENT if batch.base_ref < 0 else batch.base_ref + batch.first_ordinal + index
    kind, received, connection = EVENT_KIND[type(event)], batch.received, batch.connection
    if type(event) is Reject:
        return BusEvent(
            kind=kind, received=received, connection=connection, event_ref=event_ref, reason=event.reason
        )
    if type(event) is StateTick:
        return BusEvent(
            kind=kind,
            received=received,
            connection=connection,
            event_ref=event_ref,
            at=event.timestamp.timestamp(),
            session_id=event.session_id,
            subject=event.subject,
            state=event.state,
        )
    assert isinstance(event, SpanStart | SpanDelta | SpanEnd)
    span = state.span if state is not None else None
    duration = span.duration(0.0) if span is not None and span.ended_at is not None else None
    return BusEvent(
        kind=kind,
        received=received,
        connection=connection,
        event_ref=event_ref,
        at=event.timestamp.timestamp(),
        session_id=event.session_id,
        trace_id=event.trace_id,
        span_id=event.span_id,
        parent_span_id=event.parent_span_id,
        node_kind=event.node_kind,
        name=(span.name or None) if span is not None else None,
        agent=span.agent if span is not None else None,
        status=span.status.value if span is not None else None,
        error=event.error if isinstance(event, SpanEnd) else None,
        model=span.model if span is not None else None,
        duration_ms=None if duration is None else round(duration * 1000, 3),
        ttft_ms=None if span is None or span.ttft is None else round(span.ttft * 1000, 3),
        raw_payload=bytes(event.payload),
        span_state=state,
    )
