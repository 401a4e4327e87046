"""What stories are told with: spans on the story's clock, sent through the SDK."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from etaoi_tui.demo.clock import Clock, Story
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

_CHUNKS_PER_SECOND = 14


class SpanWriter:
    """Starts, streams and ends spans at the moment the story has reached.

    Args:
        tracer: Where spans go.
        clock: The story's time.
        rng: Decides everything that varies between seeds.
    """

    def __init__(self, tracer: Tracer, clock: Clock, rng: random.Random) -> None:
        self.tracer = tracer
        self.clock = clock
        self.rng = rng

    def in_new_session(self, user_id: str | None = None) -> SpanWriter:
        """Return a stage for another session at the same time."""
        return SpanWriter(self.tracer.with_session(SessionInfo.of(None, user_id)), self.clock, self.rng)

    def about(self, seconds: float, spread: float = 0.15) -> float:
        """Return a pause near this long; the seed decides how near."""
        return seconds * self.rng.uniform(1 - spread, 1 + spread)

    def start(
        self,
        kind: str,
        name: str,
        payload: Mapping[str, Any] | None = None,
        *,
        parent: Span | None = None,
        trace: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        agent: str | None = None,
        speech: str | None = None,
    ) -> Span:
        """Start a span now; without a trace it belongs to its parent's."""
        return self.tracer.start(
            kind,
            name,
            parent=parent,
            trace=trace,
            payload=payload or {},
            metadata=metadata,
            agent_name=agent,
            speech_id=speech,
            at=self.clock.at,
        )

    def note(self, span: Span, payload: Mapping[str, Any]) -> None:
        """Add something to an open span now."""
        self.tracer.delta(span, payload, at=self.clock.at)

    def end(
        self,
        span: Span,
        payload: Mapping[str, Any] | None = None,
        *,
        error: str | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> None:
        """End a span now."""
        self.tracer.end(span, payload or {}, error=error, voice_metrics=metrics, at=self.clock.at)

    def state(self, subject: str, state: str) -> None:
        """Tell what the agent or the user of a voice session does from now on."""
        self.tracer.tick(subject, state, at=self.clock.at)

    def stream(self, span: Span, text: str, seconds: float, channel: str | None = None) -> Story:
        """Stream a text into a model call, token by token as models do: word by word, unevenly.

        Pieces carry their character offset, so that a reader can tell when one is missing.
        """
        pieces = self._pieces(text, max(1, round(seconds * _CHUNKS_PER_SECOND)))
        weights = [self.rng.uniform(0.4, 1.6) for _ in pieces]
        at = 0
        for piece, weight in zip(pieces, weights, strict=True):
            yield seconds * weight / sum(weights)
            payload: dict[str, Any] = {"text": piece, "at": at}
            if channel is not None:
                payload["channel"] = channel
            self.note(span, payload)
            at += len(piece)

    def _pieces(self, text: str, wanted: int) -> list[str]:
        """Cut a text behind blanks into about as many pieces as wanted."""
        words = text.split(" ")
        words = [word + " " for word in words[:-1]] + words[-1:]
        size = max(1, len(words) // wanted)
        pieces = []
        start = 0
        while start < len(words):
            end = start + max(1, size + self.rng.randint(-(size // 2), size // 2))
            pieces.append("".join(words[start:end]))
            start = end
        return pieces
