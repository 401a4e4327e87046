"""What a fold of foreign events writes spans with: the SDK's tracer, or a maker of recorded events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class OpenSpan(Protocol):
    """A span that was started."""

    @property
    def started_ns(self) -> int:
        """When it began, in nanoseconds since the epoch."""

    @property
    def session(self) -> Any:
        """Whose it is, as `SpanWriter.session_for` returned it."""

    @property
    def trace_id(self) -> Any:
        """Its trace's id."""


class SpanWriter(Protocol):
    """Starts and ends spans. Payloads are taken as they are now; ``at`` is nanoseconds since the epoch."""

    def session_for(self, stream_id: str) -> Any:
        """Return the session of a stream."""

    def id_of(self, span: Any) -> str:
        """Return a span's id as events have it."""

    def start(
        self,
        kind: str,
        name: str,
        *,
        at: int,
        parent: Any = None,
        session: Any = None,
        trace: tuple[str, str] | None = None,
        key: tuple[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        agent_name: str | None = None,
    ) -> Any:
        """Start a span.

        Args:
            kind: A kind of the wire, or ``event``.
            name: What a person reads.
            at: When.
            parent: The span that it lies in.
            session: Whose it is; by default the parent's.
            trace: What the trace is, as kind and foreign id; by default the parent's trace, or a new one.
            key: What the span is, as kind and foreign id, where two ways to it must meet.
            payload: What its start says.
            metadata: Its metadata.
            agent_name: Name of the agent around it.
        """

    def text(self, span: Any, text: str, channel: str | None, at: int) -> None:
        """Add streamed text."""

    def delta(
        self, span: Any, payload: Mapping[str, Any], at: int, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Add anything else."""

    def end(
        self,
        span: Any,
        payload: Mapping[str, Any] | None,
        *,
        at: int,
        error: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """End a span."""
