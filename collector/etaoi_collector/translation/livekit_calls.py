"""Joins what LiveKit's spans tell apart: the user's words to the turn that answers them, sound to its text.

In OpenTelemetry a user's turn is a span beside the agent's, and neither names the other; what was heard of a
reply is a span of its own. Our lanes want them together, under the id of the speech.
"""

from __future__ import annotations

from etaoi_collector.lru import Lru
from etaoi_collector.translation.held_bytes import MOST_HELD, held_bytes
from etaoi_collector.translation.ids import span_uuid
from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.trace_builder import TimedEvent, TraceBuilder
from etaoi_collector.translation.translated import TranslatedSpan

SPEAKING = "agent_speaking"

CALLS_REMEMBERED = 500
WORDS_REMEMBERED = 64
"""User's turns of one call that wait for an answer."""


class LiveKitCalls:
    """The calls of one collector. Used by one thread.

    Args:
        builder: Makes the events.
    """

    def __init__(self, builder: TraceBuilder) -> None:
        self._builder = builder
        self._unanswered: Lru[str, list[TranslatedSpan]] = Lru(CALLS_REMEMBERED, most_cost=MOST_HELD)
        self._outputs: Lru[str, TranslatedSpan] = Lru(CALLS_REMEMBERED, most_cost=MOST_HELD)
        self._sound_times: Lru[str, tuple[int, int]] = Lru(CALLS_REMEMBERED)

    def take_sound(self, span: OtelSpan) -> list[TimedEvent]:
        """Take the span of a reply's sound; returns events if its text was told before."""
        turn = span_uuid(span.trace_id, span.parent_id)
        output = self._outputs.pop(turn)
        if output is None:
            self._sound_times.put(turn, (span.start_ns, span.end_ns))
            return []
        return self._builder.noted(output, span.end_ns, _sound(span.start_ns, span.end_ns))

    def complete(self, span: TranslatedSpan) -> None:
        """Add to a span what was told of it before, ahead of its being sent."""
        if span.kind == "voice_output" and span.parent_id is not None:
            metrics = self._sound_times.pop(span.parent_id)
            if metrics is None:
                self._outputs.put(span.parent_id, span, held_bytes(span))
            else:
                span.end.update(_sound(*metrics))

    def joined(self, span: TranslatedSpan) -> list[TimedEvent]:
        """Return events that join the user's words to the turn that answers them, after either was sent."""
        if span.kind == "voice_input":
            waiting = self._unanswered.get(span.trace_id) or []
            waiting = [*waiting, span][-WORDS_REMEMBERED:]
            self._unanswered.put(span.trace_id, waiting, sum(map(held_bytes, waiting)))
        elif span.kind == "voice_turn" and span.speech_id is not None:
            user_input = span.start.get("user_input")
            waiting = self._unanswered.get(span.trace_id) or []
            for at in range(len(waiting) - 1, -1, -1):
                words = waiting[at]
                if (
                    user_input
                    and words.end.get("transcript") == user_input
                    and words.start_ns <= span.start_ns
                ):
                    del waiting[: at + 1]
                    words.speech_id = span.speech_id
                    return self._builder.revised(words)
        return []


def _sound(start_ns: int, end_ns: int) -> dict[str, float]:
    return {"playing_at": start_ns / 1e9, "played_until": end_ns / 1e9}
