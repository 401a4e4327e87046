"""What the view makes of a real call, held against what the fakes wrote down.

    python -m tests.voice.truth

prints the largest errors of every scene, version and SDK.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product

from etaoi_tui.view.voice.model import Kind, Stage, Turn
from tests.livekit.recorded_run import RecordedRun, prepare, run_once
from tests.voice.calls import folded

ALL = [
    *product(("newest", "oldest"), ("call", "troubles", "measured", "text"), ("ours", "reference")),
    ("newest", "realtime", "ours"),
    ("newest", "realtime", "reference"),
]
"""Version of livekit-agents, scenario, SDK."""

EDGES = (
    (Kind.USER, "start", "user_started"),
    (Kind.USER, "end", "user_stopped"),
    (Kind.STT, "end", "final_transcript"),
    (Kind.EOU, "start", "user_stopped"),
    (Kind.EOU, "end", "turn_decided"),
    (Kind.CALLBACK, "start", "turn_decided"),
    (Kind.CALLBACK, "end", "turn_handled"),
    (Kind.LLM, "start", "llm_started"),
    (Kind.LLM, "first", "llm_first_token"),
    (Kind.LLM, "end", "llm_ended"),
    (Kind.TOOL, "start", "tool_started"),
    (Kind.TOOL, "end", "tool_ended"),
    (Kind.TTS, "start", "tts_started"),
    (Kind.TTS, "first", "tts_first_byte"),
    (Kind.SPEECH, "start", "playback_started"),
    (Kind.SPEECH, "end", "silenced"),
)
"""Which moment of which stage is which line of the fakes' log."""

_PONDERED = 0.05
"""Seconds; a callback that takes less does nothing but wait for its turn on a busy machine."""
_NOTICED = 0.1
"""Seconds after which a noise has been noticed."""


@dataclass
class Compared:
    """One moment of one kind, over a whole call; times in seconds."""

    what: str
    real: list[float]
    reported: list[float]
    derived: int = 0
    """How many of `reported` the view calls derived, not measured."""
    errors: list[float] = field(default_factory=list)
    """Reported less real, where there are as many of both."""

    @property
    def complete(self) -> bool:
        """Whether each real moment is reported, and no other."""
        return len(self.real) == len(self.reported)

    @property
    def worst(self) -> float:
        """The largest error."""
        return max((abs(error) for error in self.errors), default=0.0)


def compared(run: RecordedRun, turns: list[Turn]) -> dict[str, Compared]:
    """Hold every stage of a call against the log; where nobody speaks, what is shown are words."""
    compared_by_edge = {}
    written = not run.log("playback_started")
    for kind, edge, what in EDGES:
        if written and kind is Kind.SPEECH:
            continue
        real = _real(run, kind, what)
        stages = _stages(run, turns, kind)
        reported = [at for stage in stages if (at := getattr(stage, edge)) is not None]
        one = Compared(f"{kind} {edge}", real, sorted(reported), sum(s.basis == "derived" for s in stages))
        if one.complete:
            one.errors = [at - truth for at, truth in zip(one.reported, real, strict=True)]
        if real or reported:
            compared_by_edge[one.what] = one
    return compared_by_edge


def _stages(run: RecordedRun, turns: list[Turn], kind: Kind) -> list[Stage]:
    """All that counts: neither noises nor requests that led to nothing."""
    noises = run.log("user_started", lambda line: not line["text"]) if kind is Kind.USER else []
    return [
        stage
        for turn in turns
        for stage in turn.stages
        if stage.kind is kind
        and not stage.aside
        and not (kind is Kind.CALLBACK and stage.end is not None and stage.end - stage.start < _PONDERED)
        and not any(0.0 <= stage.start - noise < _NOTICED for noise in noises)
    ]


def _real(run: RecordedRun, kind: Kind, what: str) -> list[float]:
    if what == "silenced":
        return sorted(at for _, at in _audible(run))
    if kind is Kind.CALLBACK:
        long = {
            handled["text"]
            for decided, handled in pairwise(run.raw["log"])
            if handled["what"] == "turn_handled" and handled["at"] - decided["at"] > _PONDERED
        }
        return run.log(what, lambda line: line["text"] in long)
    if what.startswith("user_"):
        return run.log(what, lambda line: bool(line["text"]))
    return run.log(what)


def _audible(run: RecordedRun) -> Iterator[tuple[float, float]]:
    """When the agent was heard: from its first sound until it fell silent for good."""
    began = silent = None
    for line in run.raw["log"]:
        if line["what"] == "playback_started":
            began, silent = line["at"], None
        elif line["what"] == "playback_paused":
            silent = line["at"]
        elif line["what"] == "playback_resumed":
            silent = None
        elif line["what"] == "playback_finished" and began is not None:
            yield began, silent or line["at"]
            began = None


@dataclass
class Silence:
    """The silence that a user heard, by what it was made of; seconds."""

    user_text: str
    gap: float
    parts: dict[str, float]


def silences(run: RecordedRun) -> Iterator[Silence]:
    """Return the real silence after each thing that the user said, as far as an answer was heard."""
    lines = run.raw["log"]
    for n, line in enumerate(lines):
        if line["what"] != "user_stopped" or not line["text"]:
            continue
        parts: dict[str, float] = {}
        open_: dict[str, float] = {"wait": line["at"]}
        audible_at = None
        for after in lines[n + 1 :]:
            what, at = after["what"], after["at"]
            if what == "playback_started":
                audible_at = at
                break
            for name, begins, ends in _PARTS:
                if what == ends and name in open_:
                    parts[name] = parts.get(name, 0.0) + at - open_.pop(name)
                if what == begins:
                    open_[name] = at
        if audible_at is not None:
            for name in set(open_) & {"playout"}:
                parts[name] = audible_at - open_[name]
            yield Silence(line["text"], audible_at - line["at"], parts)


_PARTS = (
    ("wait", "user_stopped", "turn_decided"),
    ("callback", "turn_decided", "turn_handled"),
    ("ttft", "llm_started", "llm_first_token"),
    ("tool", "tool_started", "tool_ended"),
    ("tts", "tts_started", "tts_first_byte"),
    ("playout", "tts_first_byte", "playback_started"),
)

DURATION_OF: dict[str, Callable[[Turn], float]] = {
    "wait": lambda turn: _of(turn, Kind.STT) + _of(turn, Kind.EOU),
    "callback": lambda turn: _of(turn, Kind.CALLBACK),
    "ttft": lambda turn: _of(turn, Kind.TTFT),
    "tool": lambda turn: _of(turn, Kind.TOOL),
    "tts": lambda turn: _of(turn, Kind.TTS),
    "playout": lambda turn: _of(turn, Kind.PLAYOUT),
}
"""The same parts as the view shows them."""


def _of(turn: Turn, kind: Kind) -> float:
    return turn.part_seconds(kind) or 0.0


def matrix() -> Iterator[str]:
    """Run everything, and return the largest errors as lines; in ms."""
    prepare(ALL)
    runs = {key: run_once(*key) for key in ALL}
    tables = {key: compared(run, folded(run.raw["events"]).turns) for key, run in runs.items()}
    yield "largest error in ms, or reported/real where they are not as many; * derived"
    for key, table in tables.items():
        cells = [f"{what} {_cell(one)}" for what, one in table.items()]
        yield f"{' '.join(key)} (loop late by {runs[key].raw['lag'] * 1000:.0f} ms): {', '.join(cells)}"


def _cell(one: Compared) -> str:
    if not one.complete:
        return f"{len(one.reported)}/{len(one.real)}"
    return f"{one.worst * 1000:.1f}{'*' if one.derived else ''}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in matrix())
