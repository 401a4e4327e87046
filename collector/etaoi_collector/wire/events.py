"""The four events of the etaoi protocol (schema 0.3 to 0.5), as typed structs.

Only what rows of the viewer need is decoded at arrival. Payloads stay undecoded bytes (`msgspec.Raw` shares
the frame's memory, so never keep one), fields that nobody reads are skipped, and unknown fields are no error.
Field names and types are those of the PyPI package ``etaoi-schema`` 0.5.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from etaoi_collector.wire.encode import DROPPED_KEY
from etaoi_collector.wire.metadata_keys import (
    APPROXIMATE_END,
    INFRASTRUCTURE,
    MOVES_TRACE,
    RESUMES,
    REVISES,
    SYNTHETIC_END,
    WAITS_FOR,
)

NIL = Raw(b"\xc0")
"""An absent raw field: the msgpack nil."""

Id = Annotated[str, Meta(min_length=36, max_length=36)]
"""A canonical UUID's text. Its length is checked here; the codec's slow path normalises other spellings."""

Timestamp = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 text with a zone, as pydantic writes it."""

Kind = Annotated[str, Meta(max_length=64)]
ShortText = Annotated[str, Meta(max_length=4096)]


class SpanMetadata(msgspec.Struct, gc=False):
    """The metadata keys that name a span and place it; all others are read when somebody looks."""

    name: ShortText | None = None
    lc_chain_kind: Kind | None = None
    lc_hook: Kind | None = None
    lc_probe: Kind | None = None
    probe_label: ShortText | None = None
    probe_phase: Kind | None = None
    ls_retriever_name: ShortText | None = None
    ls_model_name: ShortText | None = None
    ls_provider: Kind | None = None
    context_id: ShortText | None = msgspec.field(name="agent.context_id", default=None)
    thread_id: ShortText | None = None
    own_kind: ShortText | None = msgspec.field(name="etaoi_tui.kind", default=None)
    resumes: ShortText | None = msgspec.field(name=RESUMES, default=None)
    dropped: ShortText | None = msgspec.field(name=DROPPED_KEY, default=None)
    event: ShortText | None = None
    severity: Kind | None = msgspec.field(name="etaoi_tui.severity", default=None)
    revises: Kind | None = msgspec.field(name=REVISES, default=None)
    moves_trace: Kind | None = msgspec.field(name=MOVES_TRACE, default=None)
    infrastructure: Kind | None = msgspec.field(name=INFRASTRUCTURE, default=None)


class EndMetadata(msgspec.Struct, gc=False):
    """What an end's metadata tells that its start's does not, or that names a span without a start."""

    name: ShortText | None = None
    probe_label: ShortText | None = None
    waits_for: str | None = msgspec.field(name=WAITS_FOR, default=None)
    synthetic: str | None = msgspec.field(name=SYNTHETIC_END, default=None)
    dropped: ShortText | None = msgspec.field(name=DROPPED_KEY, default=None)
    revises: Kind | None = msgspec.field(name=REVISES, default=None)
    approximate: Kind | None = msgspec.field(name=APPROXIMATE_END, default=None)


class SpanStart(msgspec.Struct, gc=False, tag="span_start", tag_field="kind"):
    """A span began."""

    event_id: Id
    session_id: Id
    trace_id: Id
    span_id: Id
    node_kind: Kind
    timestamp: Timestamp
    metadata: SpanMetadata
    payload: Raw
    parent_span_id: Id | None = None
    lc_agent_name: ShortText | None = None
    user_id: ShortText | None = None


class SpanDelta(msgspec.Struct, gc=False, tag="span_delta", tag_field="kind"):
    """Something was added to a span: streamed text, a transcript, a score, a note."""

    event_id: Id
    session_id: Id
    trace_id: Id
    span_id: Id
    node_kind: Kind
    timestamp: Timestamp
    payload: Raw
    parent_span_id: Id | None = None
    metadata: Raw = NIL


class SpanEnd(msgspec.Struct, gc=False, tag="span_end", tag_field="kind"):
    """A span ended; ``error`` is nil when it went well."""

    event_id: Id
    session_id: Id
    trace_id: Id
    span_id: Id
    node_kind: Kind
    timestamp: Timestamp
    metadata: EndMetadata
    payload: Raw
    parent_span_id: Id | None = None
    error: str | None = None
    voice_metrics: Raw = NIL


class StateTick(msgspec.Struct, gc=False, tag="state_tick", tag_field="kind"):
    """The agent's or the user's state in a voice session changed."""

    event_id: Id
    session_id: Id
    timestamp: Timestamp
    subject: ShortText
    state: ShortText


Event = SpanStart | SpanDelta | SpanEnd | StateTick


class Reject(msgspec.Struct, gc=False):
    """An event that could not be taken: where in the frame it stood, and why, in words for a person."""

    ordinal: int
    reason: str
    count: int = 1
    """How many it stands for."""


EVENT_KIND: dict[type, str] = {
    SpanStart: "span_start",
    SpanDelta: "span_delta",
    SpanEnd: "span_end",
    StateTick: "state_tick",
    Reject: "rejected",
}
"""The kind of an event by its type."""


def dropped_before(event: Event | Reject) -> tuple[int, int]:
    """Return how many events a producer says, with this one, that it had to leave out.

    Returns:
        ``(events of the same trace, events of traces that nothing else will tell of)``; zeros for odd text.
    """
    if not isinstance(event, SpanStart | SpanEnd) or event.metadata.dropped is None:
        return 0, 0
    here, _, elsewhere = event.metadata.dropped.partition("+")
    return _count(here), _count(elsewhere)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
