"""Small protocol-true histories for the store's tests: a tree of spans, told event by event."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from etaoi_collector.store import Store
from etaoi_collector.store.model import Connection, Span
from etaoi_collector.wire.events import Event, SpanDelta, SpanEnd, SpanStart, StateTick

EPOCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_decode = msgspec.msgpack.Decoder(SpanStart | SpanDelta | SpanEnd | StateTick).decode


def ident(*parts: object) -> str:
    """A stable UUID text for a readable name."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, ":".join(map(str, parts))))


def event(kind: str, span: str, at: float, **fields: Any) -> Event:
    """Build one typed event as the codec would, with readable ids and seconds since `EPOCH`."""
    raw_event: dict[str, Any] = {
        "kind": kind,
        "event_id": fields.pop("event_id", ident("event", kind, span, at)),
        "session_id": ident("session", fields.pop("session", "s")),
        "timestamp": (EPOCH + timedelta(seconds=at)).isoformat().replace("+00:00", "Z"),
    }
    if kind != "state_tick":
        parent = fields.pop("parent", None)
        raw_event |= {
            "trace_id": ident("trace", fields.pop("trace", "t")),
            "span_id": ident("span", span),
            "parent_span_id": ident("span", parent) if parent else None,
            "node_kind": fields.pop("node_kind", "middleware"),
            "metadata": {"name": span} | fields.pop("metadata", {}),
            "payload": fields.pop("payload", {}),
        }
    raw_event |= fields
    decoded: Event = _decode(msgspec.msgpack.encode(raw_event))
    return decoded


def opened(store: Store, number: int = 1, at: float = 0.0) -> Connection:
    """Connect a client."""
    connection = Connection(number, "127.0.0.1:1", at)
    store.connection_opened(connection)
    return connection


@dataclass
class History:
    """A complete run: its events in true order, and the tree that they tell."""

    events: list[Event] = field(default_factory=list)

    @classmethod
    def random(cls, seed: int, spans: int = 12) -> History:
        """A random tree over two traces in one session, with unique time stamps and some failures."""
        dice = random.Random(seed)
        timed: list[tuple[float, Event]] = []
        names: list[tuple[str, str]] = []
        for number in range(spans):
            name = f"n{number}"
            parent, trace = (
                dice.choice(names) if names and dice.random() < 0.85 else (None, dice.choice("ab"))
            )
            if parent and dice.random() < 0.1:
                trace = "b" if trace == "a" else "a"
            names.append((name, trace))
            begin = number + dice.random() * 0.5
            kind = dice.choice(["llm", "tool", "middleware", "sub_agent"])
            common = {"parent": parent, "trace": trace, "node_kind": kind}
            timed.append((begin, event("span_start", name, begin, **common)))
            for piece in range(dice.randrange(3)):
                at = begin + 0.01 * (piece + 1)
                payload = {"text": "xy", "at": piece * 2}
                timed.append((at, event("span_delta", name, at, payload=payload, **common)))
            if dice.random() < 0.9:
                end = begin + 0.1 + dice.random() * 5
                error = "ValueError('no')" if dice.random() < 0.2 else None
                usage = {"usage": {"input_tokens": number, "output_tokens": 1}} if kind == "llm" else {}
                timed.append((end, event("span_end", name, end, error=error, payload=usage, **common)))
        return cls([item for _, item in sorted(timed, key=lambda pair: pair[0])])


def reported_tree(store: Store) -> list[Any]:
    """The store's content in a form that does not depend on the order of arrival.

    Ghosts are left without a trace: which of several children names one first decides where it waits.
    """

    def tell(span: Span) -> tuple[Any, ...]:
        return (
            span.span_id,
            span.kind,
            span.name,
            None if span.placeholder else span.trace.trace_id,
            str(span.status),
            None if span.placeholder else span.started_at,
            span.ended_at,
            span.error,
            span.usage,
            len(span.deltas or ()),
            bool(span.flags & 8),
            [tell(child) for child in span.children or ()],
        )

    roots = [root for trace in store.traces.values() for root in trace.roots]
    return [tell(root) for root in sorted(roots, key=lambda span: span.span_id)]


def counts(store: Store) -> dict[str, tuple[int, ...]]:
    """The sums of each trace."""
    return {
        trace.trace_id: (
            trace.span_count,
            trace.errors,
            trace.running,
            trace.model_calls,
            trace.tool_calls,
            trace.input_tokens,
            trace.output_tokens,
        )
        for trace in store.traces.values()
        if trace.span_count
    }
