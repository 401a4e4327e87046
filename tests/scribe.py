"""A `Scribe` writes events as one client of the etaoi protocol would, from a seed.

Events are plain dicts with exactly the keys that the ``etaoi`` SDK 0.3 sends.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]

EPOCH_MICROSECONDS = 1_790_000_000_000_000
"""Where generated clocks begin: a moment in September 2026."""

WORDS = (
    "the model asks for a report on turbine bearings before it plans the next step and writes down what "
    "changed since last week; three orders wait in the queue, one of them was refunded twice, so the ledger "
    "shows a gap that nobody explained; search returned nine pages, two of which were in French"
).split()


class Ids:
    """Canonical lower-case UUIDs from a seed, much cheaper than uuid4."""

    def __init__(self, seed: int | str) -> None:
        self._bits = random.Random(f"ids:{seed}").getrandbits

    def __call__(self) -> str:
        """Return the next id, marked as version 4."""
        h = f"{self._bits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


class Clock:
    """Microseconds since the epoch that only go forward; every reading is unique."""

    def __init__(self, at: int = EPOCH_MICROSECONDS) -> None:
        self.at = at
        self._second = -1
        self._text = ""

    def advance(self, microseconds: int) -> None:
        """Let time pass."""
        self.at += microseconds

    def stamp(self) -> str:
        """Return the time as pydantic writes it, and step one microsecond on."""
        second, micro = divmod(self.at, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.at += 1
        return f"{self._text}.{micro:06d}Z" if micro else f"{self._text}Z"

    @property
    def seconds(self) -> float:
        """The time as voice metrics write it: float seconds since the epoch."""
        return self.at / 1_000_000


@dataclass(slots=True)
class Open:
    """A span that was started, for its later events and its children."""

    span_id: str
    trace_id: str
    parent_span_id: str | None
    kind: str
    run_id: str | None
    metadata: dict[str, str] = field(default_factory=dict)
    speech_id: str | None = None
    streamed: int = 0
    """Characters of answer text sent so far."""


class Scribe:
    """Writes the events of one client session in the order in which they happen.

    Attributes:
        events: what was written so far; `take` empties it.
        clock: moves only when told, or by one microsecond an event.
    """

    def __init__(self, seed: int | str, *, session_id: str | None = None, clock: Clock | None = None) -> None:
        self.random = random.Random(f"scribe:{seed}")
        self.new_id = Ids(seed)
        self.session_id = session_id or self.new_id()
        self.clock = clock or Clock()
        self.events: list[Event] = []
        self._prose = self._compose(40_000)

    def _compose(self, characters: int) -> str:
        choice = self.random.choices
        text = " ".join(choice(WORDS, k=characters // 4))
        return text[:characters]

    def prose(self, characters: int) -> str:
        """Return some readable text of that length (at most 20,000 characters)."""
        at = self.random.randrange(len(self._prose) - characters)
        return self._prose[at : at + characters]

    def start(
        self,
        kind: str,
        name: str | None = None,
        parent: Open | None = None,
        payload: dict[str, Any] | None = None,
        *,
        trace_id: str | None = None,
        metadata: dict[str, str] | None = None,
        agent: str | None = None,
        speech_id: str | None = None,
    ) -> Open:
        """Write a span_start and return the open span. Its trace is the parent's unless another is named."""
        meta = dict(metadata or {})
        if name is not None:
            meta["name"] = name
        span = Open(
            span_id=self.new_id(),
            trace_id=trace_id or (parent.trace_id if parent else self.new_id()),
            parent_span_id=parent.span_id if parent else None,
            kind=kind,
            run_id=self.new_id() if speech_id is None else None,
            metadata=meta,
            speech_id=speech_id,
        )
        self._write(
            "span_start",
            span,
            meta,
            {
                "user_id": None,
                "lc_agent_name": agent,
                "run_id": span.run_id,
                "parent_run_id": parent.run_id if parent else None,
                "payload": payload or {},
                "speech_id": speech_id,
                "voice_metrics": None,
            },
        )
        return span

    def delta(self, span: Open, payload: dict[str, Any]) -> None:
        """Write a span_delta."""
        self._write("span_delta", span, {}, {"payload": payload, "speech_id": span.speech_id})

    def say(self, span: Open, text: str) -> None:
        """Write a piece of streamed answer with its character offset, as the etaoi-tui SDK does."""
        self.delta(span, {"text": text, "at": span.streamed})
        span.streamed += len(text)

    def end(
        self,
        span: Open,
        payload: dict[str, Any] | None = None,
        *,
        error: str | None = None,
        voice_metrics: dict[str, Any] | None = None,
    ) -> None:
        """Write a span_end."""
        self._write(
            "span_end",
            span,
            span.metadata,
            {
                "user_id": None,
                "payload": payload or {},
                "error": error,
                "speech_id": span.speech_id,
                "voice_metrics": voice_metrics,
            },
        )

    def _write(self, kind: str, span: Open, metadata: dict[str, str], rest: dict[str, Any]) -> None:
        self.events.append(
            {
                "event_id": self.new_id(),
                "session_id": self.session_id,
                "trace_id": span.trace_id,
                "span_id": span.span_id,
                "parent_span_id": span.parent_span_id,
                "node_kind": span.kind,
                "timestamp": self.clock.stamp(),
                "metadata": metadata,
                "kind": kind,
                **rest,
            }
        )

    def tick(self, subject: str, state: str) -> None:
        """Write a state_tick of a voice session."""
        self.events.append(
            {
                "kind": "state_tick",
                "event_id": self.new_id(),
                "session_id": self.session_id,
                "timestamp": self.clock.stamp(),
                "subject": subject,
                "state": state,
                "metadata": {},
            }
        )

    def take(self) -> list[Event]:
        """Return what was written and begin with nothing."""
        events, self.events = self.events, []
        return events
