"""One exchange of a call, as it grows: what the user said, and what the agent answered."""

from __future__ import annotations

from typing import Any

import msgspec

from etaoi_tui.sdk.tracer import Span


class Prediction(msgspec.Struct, eq=False):
    """The turn detector's answer whether the user has finished."""

    at: float
    probability: float
    threshold: float | None = None
    """Below it the user is given more time."""
    took: float | None = None
    """Seconds."""
    model: str | None = None


class UserPart(msgspec.Struct, eq=False):
    """What the user says until the agent's turn; times in seconds since the epoch."""

    started_at: float
    turn: Turn | None = None
    """None as long as it may be nothing but a noise while the agent speaks."""
    span: Span | None = None
    vad: Span | None = None
    speaking: bool = False
    stopped_at: float | None = None
    """The end of the user's speech as the voice activity detector saw it."""
    start_is_late: bool = False
    """The beginnings in it are when speech was noticed, not when it began (livekit-agents before 1.3)."""
    stop_is_late: bool = False
    """`stopped_at` is when the end was noticed, not when it was (livekit-agents before 1.3)."""
    speech_intervals: list[tuple[float, float | None]] = []
    """Stretches of speech that no span tells yet."""
    finals: list[str] = []
    interim: str = ""
    final_at: float | None = None
    language: str | None = None
    end_of_turn: Any = None
    """The end-of-utterance metrics, once the turn detector decided."""
    predictions: list[Prediction] = []
    """How sure the turn detector was, each time that it was asked."""
    over: Turn | None = None
    """The turn whose speech it began to talk over."""
    touched_at: float = 0.0
    settled: bool = False
    """Its spans have ended."""

    @property
    def transcript(self) -> str:
        """All that was understood so far."""
        return " ".join([*self.finals, self.interim] if self.interim else self.finals)


class Output(msgspec.Struct, eq=False):
    """One stretch of the agent's speech: the text of one model call, or of one ``say``."""

    span: Span
    requests: list[Any] = []
    """Text-to-speech metrics."""
    playing_at: float | None = None
    stopped_at: float | None = None
    paused_at: float | None = None
    """When the user's voice silenced it, until it goes on."""


class Turn(msgspec.Struct, eq=False):
    """A ``voice_turn`` span and what lies in it."""

    span: Span
    handle: Any = None
    """The speech handle that answers; None as long as the user speaks."""
    user: UserPart | None = None
    output: Output | None = None
    last_output: Output | None = None
    """The newest output that has ended; late metrics belong to it."""
    calls: list[Span] = []
    """Its model calls."""
    spoken_text: str = ""
    """The agent's words of outputs that have ended."""
    saying: str = ""
    unsent: str = ""
    """The end of `saying` that no delta has told yet."""
    sent_at: float = 0.0
    from_tool: bool = False
    closed: bool = False
    summary: dict[str, Any] = {}
    """What the span's end will tell."""

    @property
    def speech_id(self) -> str | None:
        """The id of the speech that answers."""
        return self.handle.id if self.handle is not None else None
