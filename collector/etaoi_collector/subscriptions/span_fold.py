"""What a subscription remembers of spans, so that an end tells its name, its agent and what went in."""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.objects import span_object, totals_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.projections.recorded_content import RecordedContent
from etaoi_collector.source_items import Closed, EventBatch, Missing, Opened, SourceItem
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart

MAX_SPANS = 100_000
"""Spans that one subscription remembers; the oldest finished traces go first."""

_NODE_KEYS = ("node_id", "langgraph_node")
_EXECUTION_KEYS = ("execution_id", "run_id")
_STREAM_KEYS = ("stream_id", "session_key", "thread_id", "session_id")
_AGENTS = ("sub_agent", "voice_agent")
_DEEPEST = 1_000
"""Ancestors that are asked for an id."""


class ProgramIds(NamedTuple):
    """What the program itself calls the node, the execution and the stream of a span."""

    node: str | None = None
    execution: str | None = None
    stream: str | None = None
    agent: str | None = None
    """Name of the innermost agent around it, or of itself where it is one."""


class SpanFold:
    """The spans of one subscription.

    Args:
        read: Reads one event's bytes from the recording.
    """

    def __init__(self, read: Callable[[int], bytes | Missing]) -> None:
        self.read = read
        self.lock = threading.RLock()
        """Held while the recording is read: events may be looked at on another thread than they come on."""
        self.store = Store(max_spans=MAX_SPANS)
        self.payloads = RecordedPayloads(self, keep=64)
        self.content = RecordedContent(self)
        self.totals = Totals(wait=True)
        self._ids: dict[int, ProgramIds] = {}

    def __del__(self) -> None:
        # Spans are out of the garbage collector's sight, so what refers to each other is cut by hand.
        with contextlib.suppress(AttributeError):  # making it failed, or the interpreter ends
            self.store.release()

    def note(self, item: SourceItem) -> None:
        """Take in what is no event: connections that come and go."""
        if type(item) is Opened:
            self.store.connection_opened(item.connection)
        elif type(item) is Closed:
            self.store.connection_closed(item.connection, item.at, item.code, item.reason)

    def apply(self, batch: EventBatch, index: int, event: Event | Reject) -> Span | None:
        """Take in one event of a batch; returns its span."""
        event_ref = -1 if batch.base_ref < 0 else batch.base_ref + batch.first_ordinal + index
        self.store.apply((event,), event_ref, batch.connection)
        if not isinstance(event, SpanStart | SpanDelta | SpanEnd):
            return None
        return self.store.find_span(event.span_id)

    def skip(self, batch: EventBatch) -> None:
        """Take in a batch of which nothing is delivered."""
        event_ref = -1 if batch.base_ref < 0 else batch.base_ref + batch.first_ordinal
        self.store.apply(batch.events, event_ref, batch.connection)

    def add_up(self) -> None:
        """Bring the sums to the state of the store."""
        self.totals.apply(self.store.drain_changes())

    def ids_of(self, span: Span) -> ProgramIds:
        """Return what the program calls a span's node, execution, stream and agent, or those above it."""
        with self.lock:
            return self._ids_of(span)

    def _ids_of(self, span: Span) -> ProgramIds:
        above: Span | None = span
        chain: list[Span] = []
        ids = ProgramIds()
        while above is not None and len(chain) < _DEEPEST:
            cached = self._ids.get(above.number)
            if cached is not None:
                ids = cached
                break
            chain.append(above)
            above = above.parent
        for inner in reversed(chain):
            own = self._own_ids(inner)
            ids = ProgramIds(*(mine or theirs for mine, theirs in zip(own, ids, strict=True)))
            if inner.start_ref >= 0:
                if len(self._ids) > 2 * MAX_SPANS:
                    self._ids.clear()
                self._ids[inner.number] = ids
        return ids

    def _own_ids(self, span: Span) -> ProgramIds:
        metadata: Any = None
        if span.start_ref >= 0:
            event = self.payloads.event(span.start_ref)
            metadata = event.get("metadata") if isinstance(event, dict) else None
        if not isinstance(metadata, dict):
            metadata = {}
        node = _first(metadata, _NODE_KEYS)
        if node is None and span.kind == "sub_agent":
            node = span.name or None
        agent = span.name if span.kind in _AGENTS else span.agent
        return ProgramIds(
            node, _first(metadata, _EXECUTION_KEYS), _first(metadata, _STREAM_KEYS), agent or None
        )


class SpanState:
    """A span as it was when an event arrived for it.

    Args:
        span: The span; it may change afterwards.
        fold: Where it is remembered.
    """

    __slots__ = ("_deltas", "_fold", "_now", "_original", "span")

    def __init__(self, span: Span, fold: SpanFold) -> None:
        self._original = span
        self.span: Span = copy.copy(span)
        self._deltas = len(span.deltas or ())
        self._fold = fold
        self._now = time.time()

    @property
    def ids(self) -> ProgramIds:
        """What the program calls its node, execution and stream."""
        return self._fold.ids_of(self._original)

    def payload_at(self, event_ref: int) -> dict[str, Any]:
        """Return the whole payload of one of its events; empty when no recording holds it."""
        with self._fold.lock:
            event = self._fold.payloads.event(event_ref)
        payload = event.get("payload") if isinstance(event, dict) else None
        return payload if isinstance(payload, dict) else {}

    def as_object(self) -> dict[str, Any]:
        """Return it as ``etaoi-tui tail --json`` prints it; the first look at a price loads them all."""
        span = self.span
        if span.usage is not None and not price_book().ready:
            price_book().load()
        if span.deltas is not None and len(span.deltas) > self._deltas:
            span.deltas = span.deltas[: self._deltas]
        with self._fold.lock:
            fields = span_object(span, self._fold.payloads, self._now)
            # Sums are kept by span, and this one is a copy.
            fields["totals"] = totals_object(self._original, self._fold.totals)
            return fields


def _first(metadata: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((str(metadata[key]) for key in keys if metadata.get(key) not in (None, "")), None)
