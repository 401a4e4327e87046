"""Turns as lanes: every moment of a turn goes to one stage, drawn cell by cell on a time axis.

Sound is drawn as high as a line gets, silence as steps that rise towards the answer; so the shape alone tells
the stage, without any colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor

from etaoi_tui.view import format as fmt
from etaoi_tui.view.timeline import Axis
from etaoi_tui.view.voice.gap_attribution import answer_claims, cut
from etaoi_tui.view.voice.lane_scale import LaneScale
from etaoi_tui.view.voice.model import WORDS, Kind, Part, Stage, Turn

GLYPHS = {
    Kind.USER: "▒",
    Kind.STT: "▁",
    Kind.EOU: "▂",
    Kind.CALLBACK: "▃",
    Kind.TTFT: "▄",
    Kind.LLM: "▖",
    Kind.TOOL: "▅",
    Kind.TTS: "▆",
    Kind.PLAYOUT: "▇",
    Kind.SPEECH: "█",
    Kind.UNEXPLAINED: "╳",
    Kind.IDLE: " ",
}
BEFORE, BEYOND = "‹", "›"
"""What goes on outside of the axis."""

LEGEND = (
    ((Kind.USER,), "user", "user", "user", WORDS[Kind.USER]),
    ((Kind.STT,), "stt", WORDS[Kind.STT], WORDS[Kind.STT], WORDS[Kind.STT]),
    ((Kind.EOU,), "eou", "turn end", WORDS[Kind.EOU], WORDS[Kind.EOU]),
    ((Kind.CALLBACK,), "code", "code", "code", WORDS[Kind.CALLBACK]),
    ((Kind.TTFT, Kind.LLM), "llm", "model", "model", f"{WORDS[Kind.TTFT]}, {WORDS[Kind.LLM]}"),
    ((Kind.TOOL,), "tool", WORDS[Kind.TOOL], WORDS[Kind.TOOL], WORDS[Kind.TOOL]),
    ((Kind.TTS,), "tts", WORDS[Kind.TTS], WORDS[Kind.TTS], WORDS[Kind.TTS]),
    ((Kind.PLAYOUT,), "play", WORDS[Kind.PLAYOUT], WORDS[Kind.PLAYOUT], WORDS[Kind.PLAYOUT]),
    ((Kind.SPEECH,), "agent", "agent", "agent", WORDS[Kind.SPEECH]),
    ((Kind.UNEXPLAINED,), "?", "?", WORDS[Kind.UNEXPLAINED], WORDS[Kind.UNEXPLAINED]),
)
"""Kinds with abbreviations and ever longer words for them: the words of all pages, where there is room."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One turn's axis: where its left edge lies in time."""

    start: float
    seconds: float
    width: int

    def axis(self) -> Axis:
        """Return the same as an axis for bars."""
        return Axis(self.start, self.seconds, self.width)


def zero_of(turn: Turn) -> float:
    """Return the moment of a turn that is aligned: where the user's speech ends, or the agent's begins."""
    if turn.user_stopped is not None:
        return turn.user_stopped.at
    if turn.agent_heard is not None:
        return turn.agent_heard.at
    return turn.start


def lane_of(turn: Turn, scale: LaneScale, window: tuple[float, float], width: int) -> Lane:
    """Return where a turn's lane begins and how long it is.

    Args:
        turn: The turn.
        scale: What the axis stands for.
        window: Begin and end in seconds: from the aligned moment, from the turn's start, or since the epoch.
        width: Cells.
    """
    first, last = window
    zero = 0.0 if scale is LaneScale.CALL else turn.start if scale is LaneScale.TURN else zero_of(turn)
    return Lane(zero + first, max(last - first, 1e-3), max(width, 1))


def gap_window(gaps: Iterable[float]) -> tuple[float, float]:
    """Choose the axis of aligned turns: the gaps fit, a fifth of the room is for the user's last words.

    Args:
        gaps: Heard gaps in seconds.
    """
    longest = max(gaps, default=0.0)
    seconds = 1.0
    for step in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0, 86_400.0):
        seconds = step
        if longest * 1.3 <= step:
            break
    return -seconds / 4, seconds


def segments(turn: Turn, now: float) -> tuple[Part, ...]:
    """Divide a turn among its stages: who is heard first, then who is waited for."""
    end = turn.end if turn.end is not None else now
    for stage in turn.stages:
        end = max(end, stage.start, stage.end or stage.start)
    claims: list[Part] = [
        Part(Kind.SPEECH, stage.start, now if stage.end is None else stage.end)
        for stage in turn.stages
        if stage.kind is Kind.SPEECH
    ]
    claims += turn.parts
    claims += [
        Part(Kind.USER, stage.start, now if stage.end is None else stage.end)
        for stage in turn.stages
        if stage.kind is Kind.USER and not stage.aside
    ]
    heard_at = turn.agent_heard.at if turn.agent_heard is not None else end
    claims += answer_claims(turn.stages, turn.start, heard_at)
    return cut(turn.start, end, claims, Kind.IDLE)


def cells(parts: Sequence[Part], lane: Lane) -> list[Kind]:
    """Return for each cell of a lane the stage that fills most of it.

    A stage that would vanish is given a cell when nothing else wants that.
    """
    width = lane.width
    per_cell = lane.seconds / width
    shares: list[dict[Kind, float]] = [{} for _ in range(width)]
    for part in parts:
        left = (part.start - lane.start) / per_cell
        right = (part.end - lane.start) / per_cell
        if right <= 0 or left >= width or part.kind is Kind.IDLE:
            continue
        first, last = max(int(left), 0), min(int(right), width - 1)
        for cell in range(first, last + 1):
            share = min(right, cell + 1) - max(left, cell)
            if share > 0:
                shares[cell][part.kind] = shares[cell].get(part.kind, 0.0) + share
    kinds = [max(share, key=lambda kind: share[kind]) if share else Kind.IDLE for share in shares]
    drawn = [
        Kind.IDLE if share and kind is not Kind.IDLE and sum(share.values()) < 0.25 else kind
        for kind, share in zip(kinds, shares, strict=True)
    ]
    for part in parts:
        first = floor((part.start - lane.start) / per_cell)
        last = floor((part.end - lane.start) / per_cell)
        if 0 <= first <= last < width and part.kind not in drawn[first : last + 1]:
            middle = (first + last) // 2
            if drawn[middle] is Kind.IDLE:
                drawn[middle] = part.kind
    return drawn


def stage_cells(stage: Stage, lane: Lane, now: float) -> list[Kind]:
    """Return the cells of one stage's own line; it has at least one when it lies in the lane."""
    end = now if stage.end is None else stage.end
    parts = [Part(stage.kind, stage.start, end)]
    if stage.first is not None and stage.kind is Kind.LLM:
        first = min(max(stage.first, stage.start), end)
        parts = [Part(Kind.TTFT, stage.start, first), Part(Kind.LLM, first, end)]
    return cells(parts, lane)


def tick_words(seconds: float) -> str:
    """Name a moment on the axis of aligned turns: ``0``, ``0.5s``, ``-1s``."""
    if abs(seconds) < 1e-9:
        return "0"
    if abs(seconds) < 60:
        return f"{seconds:g}s"
    return ("-" if seconds < 0 else "") + fmt.duration(abs(seconds))
