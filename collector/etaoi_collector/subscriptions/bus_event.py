"""What a subscriber is given: something that happened, and the span that it happened to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_collector.subscriptions.span_fold import SpanState
from etaoi_collector.wire.event_ref import NO_EVENT
from etaoi_collector.wire.full_decode import decode_lossless
from etaoi_collector.wire.references import MARK

EVENT_KINDS = ("span_start", "span_delta", "span_end", "state_tick")
"""What agents send, and what a subscriber hears of unless it asks for something else."""

OTHER_KINDS = ("connected", "disconnected", "rejected")
"""What happens to their connections, and events that could not be taken: heard by who asks for it."""

MISSED = "missed"
"""Heard by everybody who missed something, at the place where it is missing."""


class BusEvent(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Something that happened, with the span that it happened to as it was then.

    The fields are read from memory. The properties `span`, `input`, `output`, `attributes` and `payload` read
    the recording when they are asked for, so they work as long as it is open. What does not apply is None.
    """

    kind: str
    """One of `EVENT_KINDS`, of `OTHER_KINDS`, or `MISSED`."""
    received: float
    """When it arrived, in seconds since the epoch."""
    connection: int = 0
    """Number of the connection that it came over."""
    event_ref: int = NO_EVENT
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
    """The span's name, on its deltas and on its end, too."""
    agent: str | None = None
    """Name of the agent around the span."""
    status: str | None = None
    """The span's status at this moment: ``running``, ``ok``, ``error``, ``cancelled``, ``paused``."""
    error: str | None = None
    """How the span has failed."""
    model: str | None = None
    """The model of a model call."""
    duration_ms: float | None = None
    """How long the span took; None while it runs."""
    ttft_ms: float | None = None
    """Time to the first token of a model call."""
    subject: str | None = None
    """Whose state changed: ``agent`` or ``user``."""
    state: str | None = None
    """What it is now."""
    reason: str | None = None
    """Why something was rejected or missed, or a connection ended; who connected."""
    count: int = 0
    """How many events were missed."""
    raw_payload: bytes = b"\x80"
    """The undecoded payload, a MessagePack map; it may refer to values that were sent before."""
    span_state: SpanState | None = None
    """The span as it was; `span` tells it as an object."""

    @property
    def payload(self) -> dict[str, Any]:
        """The event's own payload, as its sender wrote it."""
        if MARK in self.raw_payload and self.span_state is not None:
            return self.span_state.payload_at(self.event_ref)
        return decode_lossless(self.raw_payload)

    @cached_property
    def span(self) -> dict[str, Any]:
        """The whole span, as ``etaoi-tui tail --json`` prints it; empty where no span is concerned."""
        return self.span_state.as_object() if self.span_state is not None else {}

    @property
    def input(self) -> Any:
        """What the span was given: messages of a model call, arguments of a tool, inputs of an agent."""
        return self.span.get("input")

    @property
    def output(self) -> Any:
        """What came out; of a model call that still runs, what has streamed so far."""
        return self.span.get("output")

    @property
    def attributes(self) -> dict[str, Any]:
        """The span's metadata."""
        return self.span.get("attributes") or {}

    @property
    def usage(self) -> Mapping[str, int | None] | None:
        """Token counts of a model call."""
        return self.span.get("usage")

    @property
    def cost_usd(self) -> float | None:
        """What a model call cost in US dollars; None where it is no model call, or its price is not known."""
        return self.span.get("cost_usd")

    @property
    def text(self) -> str:
        """The text that a delta adds; empty for anything else."""
        text = self.payload.get(keys.TEXT) if self.kind == "span_delta" else None
        return text if isinstance(text, str) else ""

    @property
    def node(self) -> str | None:
        """The node that the span is in, as the program calls it (``node_id``, ``langgraph_node``)."""
        return self.span_state.ids.node if self.span_state is not None else None

    @property
    def execution(self) -> str | None:
        """The execution that the span is in, as the program calls it (``execution_id``, ``run_id``)."""
        return self.span_state.ids.execution if self.span_state is not None else None

    @property
    def stream(self) -> str | None:
        """The stream that the span is in, as the program calls it (``stream_id``, ``thread_id``)."""
        return self.span_state.ids.stream if self.span_state is not None else None
