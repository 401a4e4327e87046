"""The spans of one turn with what their events tell, sorted by what they are about.

Deltas of the turn itself come word by word, so each is read once and what it told is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.search import Reader
from etaoi_tui.view.voice import payloads as told
from etaoi_tui.view.voice.payloads import Metrics, Payload

STAGE_KINDS = frozenset({"voice_input", "voice_output", "llm", "tool", "eou", "vad"})

SPANS_READ = 400
"""Spans of one turn that are looked into: hundreds of times what a real one has."""

_MESSAGES = frozenset({"voice_input", "voice_output", "llm"})
"""Kinds that may stand for a message, which a reference SDK tells when it went into the conversation."""
_DELTAS_OF_STAGES = 64
_ENDED = int(SpanFlag.ENDED)
_STARTED = int(SpanFlag.STARTED)

ZERO_LENGTH = 0.005
"""Seconds below which a span is a mark that something was reported, not a stretch of time."""


@dataclass(slots=True)
class TurnSpan:
    """One span and all that it tells."""

    span: Span
    payload: Payload
    metrics: Metrics | None
    afterwards: bool = False
    """Its start tells already what only its end can know."""

    @property
    def start(self) -> float:
        """Its start."""
        return self.span.started_at

    @property
    def end(self) -> float | None:
        """Its end; None while it runs."""
        return self.span.ended_at

    @property
    def is_mark(self) -> bool:
        """Whether its own times say nothing: it was reported at one go, after the thing was over."""
        span = self.span
        if not span.flags & _ENDED or not span.flags & _STARTED or span.ended_at is None:
            return not span.flags & _STARTED
        if self.afterwards or span.ended_at - span.started_at < ZERO_LENGTH:
            return True
        if self.metrics is None or self.metrics.timestamp is None:
            return False
        # A request's time stamp is that of its end; of a realtime model's response, of its beginning.
        realtime = self.metrics.type == "realtime_model"
        took = told.seconds(self.metrics.duration) if realtime else None
        return self.metrics.timestamp + (took or 0.0) < span.started_at


@dataclass(slots=True)
class Deltas:
    """What the deltas of a ``voice_turn`` span have told so far."""

    read: int = 0
    said_at: float = float("-inf")
    transcript: str = ""
    first_word_at: float | None = None
    events: list[tuple[float, Payload]] = field(default_factory=list)
    """Those that tell more than words, with their times."""


class TurnDeltas:
    """Reads the deltas of turns, each once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._deltas: dict[Span, Deltas] = {}

    def of(self, span: Span) -> Deltas:
        """Return what a turn's deltas have told."""
        deltas = self._deltas.get(span)
        if deltas is None:
            deltas = self._deltas[span] = Deltas()
        for ref in (span.deltas or ())[deltas.read :]:
            self._take(deltas, told.read(self._reader, ref))
        deltas.read = len(span.deltas or ())
        return deltas

    def forget(self, span: Span) -> None:
        """Let go of a span that left the store."""
        self._deltas.pop(span, None)

    def _take(self, deltas: Deltas, event: told.VoiceFields) -> None:
        payload, at = event.payload, event.at
        if at is None:
            return
        words = payload.agent_transcript
        if words is not None and at >= deltas.said_at:
            deltas.said_at, deltas.transcript = at, words
        if words and (deltas.first_word_at is None or at < deltas.first_word_at):
            deltas.first_word_at = at
        if (
            payload.false_interruption
            or payload.is_interruption is not None
            or payload.error_event is not None
            or payload.e2e_latency is not None
            or event.metrics is not None
        ):
            deltas.events.append((at, payload))


class TurnSpans:
    """All that is known of one turn.

    Args:
        sources: Its ``voice_turn`` spans, or what stands in for them.
        reader: Where events lie.
        deltas: What the turn's deltas told.
    """

    def __init__(self, sources: list[Span], reader: Reader, deltas: TurnDeltas) -> None:
        self._reader = reader
        self.turns = [
            TurnSpan(source, *self._ends(source)) for source in sources if source.kind == "voice_turn"
        ]
        self.deltas = [deltas.of(turn.span) for turn in self.turns]
        self.inputs: list[TurnSpan] = []
        self.outputs: list[TurnSpan] = []
        self.models: list[TurnSpan] = []
        self.tools: list[TurnSpan] = []
        self.waits: list[TurnSpan] = []
        self.activity: list[TurnSpan] = []
        self.left_out = 0
        sorts = {
            "voice_input": self.inputs,
            "voice_output": self.outputs,
            "llm": self.models,
            "tool": self.tools,
            "eou": self.waits,
            "vad": self.activity,
        }
        spans = _stages(sources)
        self.left_out = max(0, len(spans) - SPANS_READ)
        for span in spans[:SPANS_READ]:
            sorts[span.kind].append(self._read_span(span))

    @property
    def spans(self) -> list[Span]:
        """All stages that were looked into."""
        sorts = (self.inputs, self.waits, self.activity, self.models, self.tools, self.outputs)
        return [one.span for sort in sorts for one in sort]

    @property
    def hears(self) -> bool:
        """Whether the model hears and speaks by itself: no recogniser and no voice hold the answer up."""
        return any(one.metrics is not None and one.metrics.type == "realtime_model" for one in self.models)

    def _read_span(self, span: Span) -> TurnSpan:
        payload, metrics = self._ends(span)
        afterwards = span.kind in _MESSAGES and self._start(span).payload.item_id is not None
        # A model call's deltas are its tokens: only the newest can tell more.
        newest = 3 if span.kind == "llm" else _DELTAS_OF_STAGES
        for ref in (span.deltas or ())[-newest:]:
            delta = told.read(self._reader, ref)
            payload = (
                told.merged(delta.payload, payload)
                if span.flags & _ENDED
                else (told.merged(payload, delta.payload))
            )
            metrics = metrics or delta.metrics
        return TurnSpan(span, payload, metrics, afterwards)

    def _start(self, span: Span) -> told.VoiceFields:
        return told.read(self._reader, span.start_ref) if span.flags & _STARTED else told.NOTHING

    def _ends(self, span: Span) -> tuple[Payload, Metrics | None]:
        start = self._start(span)
        if not span.flags & _ENDED:
            return start.payload, start.metrics
        end = told.read(self._reader, span.end_ref)
        return told.merged(start.payload, end.payload), end.metrics or start.metrics


def _stages(sources: list[Span]) -> list[Span]:
    """Return the outermost spans below a turn that are stages; what a stage is made of belongs to it."""
    spans: list[Span] = []
    numbers: set[int] = set()
    stack = list(sources)
    while stack:
        span = stack.pop()
        if span.number in numbers:
            continue
        numbers.add(span.number)
        if span.kind in STAGE_KINDS and span.flags & (_STARTED | _ENDED):
            spans.append(span)
            # LiveKit's own tracer puts the end of a turn below the user's words.
            if span.kind != "voice_input":
                continue
        for child in span.children or ():
            if child.kind != "voice_turn":
                stack.append(child)
    spans.sort(key=lambda span: (span.started_at, span.number))
    return spans
