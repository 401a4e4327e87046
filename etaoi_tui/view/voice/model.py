"""What a voice call consists of: turns, their stages, the silence that was heard, and what is odd about it.

Times are seconds since the epoch by the producer's clock, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from etaoi_collector.store.model import Span, Status


class Kind(StrEnum):
    """A stage of a turn, or a part of the silence in it."""

    USER = "user"
    """The user speaks (voice activity)."""
    STT = "stt"
    """From the end of the speech until its transcript is final; as a stage, from the speech's beginning."""
    EOU = "eou"
    """From the end of the speech until the turn detector takes it for the end of the turn."""
    CALLBACK = "callback"
    """The agent's own code between the end of the turn and the request (``on_user_turn_completed``)."""
    TTFT = "ttft"
    """A model call until its first token."""
    LLM = "llm"
    """A model call; as a part, from its first token until speech is asked for."""
    TOOL = "tool"
    TTS = "tts"
    """Text to speech; as a part, until its first audio."""
    PLAYOUT = "playout"
    """From the first audio to the first audible word."""
    SPEECH = "speech"
    """The agent is heard."""
    UNEXPLAINED = "unexplained"
    """Silence that no component accounts for."""
    IDLE = "idle"
    """Nothing is known to happen; never part of a heard gap."""


PARTS = (
    Kind.STT,
    Kind.EOU,
    Kind.CALLBACK,
    Kind.TTFT,
    Kind.LLM,
    Kind.TOOL,
    Kind.TTS,
    Kind.PLAYOUT,
    Kind.UNEXPLAINED,
)
"""What a heard gap can be made of, in the usual order."""

WORDS = {
    Kind.USER: "user speaks",
    Kind.STT: "transcript",
    Kind.EOU: "end of turn",
    Kind.CALLBACK: "your code",
    Kind.TTFT: "first token",
    Kind.LLM: "model",
    Kind.TOOL: "tool",
    Kind.TTS: "voice",
    Kind.PLAYOUT: "playout",
    Kind.SPEECH: "agent speaks",
    Kind.UNEXPLAINED: "unexplained",
    Kind.IDLE: "",
}


class Basis(StrEnum):
    """Where a time comes from."""

    MEASURED = "measured"
    """Its producer took both time stamps when it happened."""
    DERIVED = "derived"
    """Worked out from a duration and one time stamp, or from another event near it."""


def both(*bases: Basis) -> Basis:
    """Return what something is that needs all of these: measured only if all are."""
    return Basis.MEASURED if all(basis is Basis.MEASURED for basis in bases) else Basis.DERIVED


@dataclass(frozen=True, slots=True)
class Stage:
    """One real thing in a turn.

    Attributes:
        kind: What it is; never `Kind.TTFT`, `Kind.PLAYOUT` or `Kind.UNEXPLAINED`.
        start: When it began.
        end: When it ended; None while it runs.
        basis: Whether both times were measured.
        spans: The spans that tell of it, the one to look at first.
        name: Model or tool, where there is one.
        first: When its first token or first audio came.
        error: What went wrong with it, as it was told.
        aside: It led to nothing: a request that was thrown away, a noise over the agent's voice.
    """

    kind: Kind
    start: float
    end: float | None
    basis: Basis
    spans: tuple[Span, ...]
    name: str = ""
    first: float | None = None
    error: str | None = None
    aside: bool = False

    def seconds(self, now: float) -> float:
        """How long it took, or takes so far."""
        return max(0.0, (now if self.end is None else self.end) - self.start)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the silence before the agent is heard."""

    kind: Kind
    start: float
    end: float
    basis: Basis = Basis.MEASURED

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time and where it is known from."""

    at: float
    basis: Basis


class MarkKind(StrEnum):
    """Something that happened at one moment of a turn."""

    INTERRUPTED = "interrupted"
    FALSE_INTERRUPTION = "false interruption"
    OVERLAP = "overlap"
    """Speech over the agent's that is no interruption."""
    ERROR = "error"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True)
class TurnMark:
    """What happened, when, and what was told about it."""

    kind: MarkKind
    at: float
    text: str = ""
    probability: float | None = None
    detected_after: float | None = None


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """How the end of the user's turn was found; what is not told is None."""

    delay: float | None = None
    transcription_delay: float | None = None
    callback: float | None = None
    probability: float | None = None
    threshold: float | None = None


@dataclass(slots=True)
class Turn:
    """One exchange: what the user said, and what the agent answered.

    Attributes:
        key: Names it in its call.
        sources: The ``voice_turn`` spans that tell of it, or what stands in for one that never arrived.
        status: Running while any of its sources runs.
        start: Its first moment.
        end: Its last moment; None while it runs.
        user_said: The user's words; of a typed turn, what was typed.
        agent_said: The agent's words, as far as they were spoken.
        typed: Nobody spoke: the user's message came as text.
        stages: In order of their start.
        user_stopped: End of the user's speech.
        agent_heard: First audible word of the agent.
        parts: The silence between these two, complete and without overlap.
        marks: In order of time.
        also: Spans that tell of it and are no stage by themselves: repeated words, what was typed.
        runs: Runs of other agents that worked for it, told in a session of their own.
        left_out: Spans of it that are not looked into, in a turn of absurd size.
    """

    key: str
    sources: tuple[Span, ...]
    status: Status
    start: float
    end: float | None
    user_said: str = ""
    agent_said: str = ""
    typed: bool = False
    stages: tuple[Stage, ...] = ()
    user_stopped: Moment | None = None
    agent_heard: Moment | None = None
    parts: tuple[Part, ...] = ()
    marks: tuple[TurnMark, ...] = ()
    end_of_turn: EndOfTurn = EndOfTurn()
    agent: str = ""
    confidence: float | None = None
    language: str = ""
    e2e_latency: float | None = None
    """End to end latency as the framework itself reports it."""
    characters: int | None = None
    audio: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    models: tuple[str, ...] = ()
    final: bool = True
    """The user's transcript is final."""
    also: tuple[Span, ...] = ()
    runs: tuple[Span, ...] = ()
    left_out: int = 0
    errors: tuple[str, ...] = field(default=())

    @property
    def gap(self) -> float | None:
        """Seconds of silence that the user heard; None where it is not known."""
        if self.user_stopped is None or self.agent_heard is None:
            return None
        return max(0.0, self.agent_heard.at - self.user_stopped.at)

    @property
    def gap_basis(self) -> Basis:
        """Whether both ends of the gap were measured."""
        if self.user_stopped is None or self.agent_heard is None:
            return Basis.DERIVED
        return both(self.user_stopped.basis, self.agent_heard.basis)

    @property
    def interrupted(self) -> bool:
        """Whether the user cut the agent short."""
        return any(mark.kind is MarkKind.INTERRUPTED for mark in self.marks)

    @property
    def running(self) -> bool:
        """Whether more is expected of it."""
        return self.status is Status.RUNNING

    def part_seconds(self, kind: Kind) -> float | None:
        """Seconds of the gap that are of this kind, None when it has none of it."""
        seconds = [part.seconds for part in self.parts if part.kind is kind]
        return sum(seconds) if seconds else None

    def waits_for(self, now: float) -> float | None:
        """Seconds of silence so far in a turn whose answer is not heard yet."""
        if not self.running or self.user_stopped is None or self.agent_heard is not None:
            return None
        return max(0.0, now - self.user_stopped.at)
