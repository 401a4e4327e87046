"""Figures over the turns of a call, kept up to date as turns come and change."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

from etaoi_tui.view.voice.model import WORDS, Kind, MarkKind, Turn

GAP = "heard gap"
LEAST = 0.001
"""Seconds; a part of a silence that is shorter is the space between two events."""
SERIES = (
    GAP,
    "end of turn",
    "transcript",
    "callback",
    "first token",
    "model",
    "tool",
    "first audio",
    "playout",
    "unexplained",
    "agent speaks",
    "user speaks",
)
"""What is counted, in the order that it is shown."""


STAGES = {
    "end of turn": Kind.EOU,
    "transcript": Kind.STT,
    "callback": Kind.CALLBACK,
    "first token": Kind.TTFT,
    "model": Kind.LLM,
    "tool": Kind.TOOL,
    "first audio": Kind.TTS,
    "playout": Kind.PLAYOUT,
    "unexplained": Kind.UNEXPLAINED,
    "agent speaks": Kind.SPEECH,
    "user speaks": Kind.USER,
}
"""What each series is about; the heard gap is about all of them."""


def series_words(name: str) -> str:
    """Return what a series is called on the screen; its own name is that of its limits."""
    return WORDS[STAGES[name]] if name in STAGES else name


@dataclass(frozen=True, slots=True)
class Figures:
    """One series over a call; seconds."""

    count: int
    p50: float
    p95: float
    max: float


class Statistics:
    """Percentiles and counts over the turns that have been folded so far."""

    def __init__(self) -> None:
        self.turns = 0
        self.interruptions = 0
        self.false_interruptions = 0
        self.errors = 0
        self.tokens_in = 0
        self.tokens_out = 0
        self.characters = 0
        self._values: dict[str, list[float]] = {name: [] for name in SERIES}

    def add(self, turn: Turn) -> None:
        """Count a turn."""
        self._count(turn, 1)
        for name, value in values_of(turn):
            insort(self._values[name], value)

    def remove(self, turn: Turn) -> None:
        """Take back a turn that was counted."""
        self._count(turn, -1)
        for name, value in values_of(turn):
            values = self._values[name]
            at = bisect_left(values, value)
            if at < len(values) and values[at] == value:
                del values[at]

    def of(self, name: str) -> Figures | None:
        """Return a series' figures, None when no turn has told any."""
        values = self._values[name]
        if not values:
            return None
        return Figures(len(values), percentile(values, 0.5), percentile(values, 0.95), values[-1])

    def _count(self, turn: Turn, step: int) -> None:
        self.turns += step
        self.tokens_in += step * (turn.tokens_in or 0)
        self.tokens_out += step * (turn.tokens_out or 0)
        self.characters += step * (turn.characters or 0)
        for mark in turn.marks:
            if mark.kind is MarkKind.INTERRUPTED:
                self.interruptions += step
            elif mark.kind is MarkKind.FALSE_INTERRUPTION:
                self.false_interruptions += step
            elif mark.kind is MarkKind.ERROR:
                self.errors += step


def values_of(turn: Turn) -> Iterator[tuple[str, float]]:
    """Yield what a turn adds to each series; what still runs, or led to nothing, adds nothing."""
    gap = turn.gap
    if gap is not None:
        yield GAP, gap
        for kind, name in ((Kind.PLAYOUT, "playout"), (Kind.UNEXPLAINED, "unexplained")):
            part = turn.part_seconds(kind)
            if part is not None and part >= LEAST:
                yield name, part
    decision = turn.end_of_turn
    if decision.transcription_delay:
        yield "transcript", decision.transcription_delay
    for stage in turn.stages:
        if stage.end is None or stage.aside:
            continue
        seconds = max(0.0, stage.end - stage.start)
        series = _NAMES.get(stage.kind)
        if series is not None:
            yield series, seconds
        if stage.first is not None:
            first = max(0.0, stage.first - stage.start)
            if stage.kind is Kind.LLM:
                yield "first token", first
            elif stage.kind is Kind.TTS:
                yield "first audio", first


_NAMES = {
    Kind.EOU: "end of turn",
    Kind.CALLBACK: "callback",
    Kind.LLM: "model",
    Kind.TOOL: "tool",
    Kind.SPEECH: "agent speaks",
    Kind.USER: "user speaks",
}


def percentile(ordered: list[float], share: float) -> float:
    """Return the smallest value that at least this share of them does not exceed (nearest rank).

    Args:
        ordered: Values in rising order, at least one.
        share: From 0 to 1.
    """
    rank = -(-round(share * len(ordered) * 1_000_000) // 1_000_000)
    return ordered[min(max(rank - 1, 0), len(ordered) - 1)]
