"""Real AgentSessions with fakes of known delays: the view against the times that the fakes wrote down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from etaoi_tui.view.voice.model import Kind, MarkKind, Stage, Turn
from tests.livekit.told import Told, start
from tests.voice.calls import folded

pytestmark = pytest.mark.real_clients

SCENARIOS = (("newest", "call"), ("oldest", "call"), ("newest", "troubles"), ("newest", "both"))
SLACK = 0.03
"""Seconds that a shown time may differ from the real one, on an event loop that is never late."""
ACTIVATION = 0.06
"""Seconds until voice activity is noticed: livekit-agents 1.2 and the reference SDK tell that moment."""


@cache
def _runs() -> dict[tuple[str, str], Told]:
    """Run all scenarios next to each other: they wait more than they work."""
    places = {"both": "more.py"}
    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        waits = {one: start(one[0], places.get(one[1], "scenarios.py"), one[1]) for one in SCENARIOS}
        done = {one: pool.submit(wait) for one, wait in waits.items()}
        return {one: future.result(timeout=280) for one, future in done.items()}


def turns_of(run: Told, *, theirs: bool = False) -> list[Turn]:
    """Fold what one of the SDKs told of a run."""
    return folded(run.raw["theirs"] if theirs else run.raw["events"]).turns


def of(turns: list[Turn], kind: Kind) -> list[Stage]:
    """All stages of a kind, by their start."""
    found = [stage for turn in turns for stage in turn.stages if stage.kind is kind and not stage.aside]
    return sorted(found, key=lambda stage: stage.start)


def check(run: Told, told: list[float | None], what: str, *, late: float = 0.0) -> None:
    """Compare told moments with the fakes' own."""
    real = run.log(what)
    assert len(told) == len(real), what
    slack = SLACK + run.raw["lag"]
    for one, other in zip(told, real, strict=True):
        assert one is not None and -slack <= one - other <= slack + late, what


@pytest.mark.parametrize(
    ("version", "scenario", "theirs"),
    [
        ("newest", "call", False),
        ("oldest", "call", False),
        ("newest", "both", False),
        ("newest", "both", True),
    ],
)
def test_stages_lie_where_they_really_were(version: str, scenario: str, theirs: bool) -> None:
    run = _runs()[version, scenario]
    turns = turns_of(run, theirs=theirs)
    noticed = ACTIVATION if theirs or version == "oldest" else 0.0
    check(run, [stage.start for stage in of(turns, Kind.USER)], "user_started", late=noticed)
    check(run, [stage.end for stage in of(turns, Kind.USER)], "user_stopped")
    check(run, [stage.end for stage in of(turns, Kind.STT)], "final_transcript")
    check(run, [stage.start for stage in of(turns, Kind.LLM)], "llm_started")
    check(run, [stage.first for stage in of(turns, Kind.LLM)], "llm_first_token")
    check(run, [stage.end for stage in of(turns, Kind.LLM)], "llm_ended")
    check(run, [stage.start for stage in of(turns, Kind.TOOL)], "tool_started")
    check(run, [stage.end for stage in of(turns, Kind.TOOL)], "tool_ended")
    check(run, [stage.start for stage in of(turns, Kind.TTS)], "tts_started")
    check(run, [stage.first for stage in of(turns, Kind.TTS)], "tts_first_byte")
    check(run, [stage.start for stage in of(turns, Kind.SPEECH)], "playback_started")


@pytest.mark.parametrize(
    ("version", "scenario", "theirs"),
    [
        ("newest", "call", False),
        ("oldest", "call", False),
        ("newest", "both", False),
        ("newest", "both", True),
    ],
)
def test_the_heard_gap_is_the_silence_between_them(version: str, scenario: str, theirs: bool) -> None:
    run = _runs()[version, scenario]
    turns = [turn for turn in turns_of(run, theirs=theirs) if turn.user_said]
    stops, plays = run.log("user_stopped"), run.log("playback_started")
    assert len(turns) == len(stops)
    for turn, stopped in zip(turns, stops, strict=True):
        heard = min(at for at in plays if at > stopped)
        assert turn.gap == pytest.approx(heard - stopped, abs=SLACK + run.raw["lag"])
        assert sum(part.seconds for part in turn.parts) == pytest.approx(turn.gap, abs=1e-6)
        # The fakes do nothing between their parts, so nothing much is left unexplained.
        assert (turn.part_seconds(Kind.UNEXPLAINED) or 0.0) <= SLACK + 3 * run.raw["lag"]


def test_what_went_wrong_is_marked_where_it_was() -> None:
    run = _runs()["newest", "troubles"]
    turns = turns_of(run)
    marks = {mark.kind: mark for turn in turns for mark in turn.marks}
    (stt_error,) = run.log("stt_error")
    errors = [mark for turn in turns for mark in turn.marks if mark.kind is MarkKind.ERROR]
    assert any(run.near(mark.at, stt_error) and mark.text.startswith("stt") for mark in errors)
    (resumed,) = run.log("playback_resumed")
    assert run.near(marks[MarkKind.FALSE_INTERRUPTION].at, resumed)
    assert "billing" in marks[MarkKind.HANDOFF].text
    waiting = next(turn for turn in turns if turn.user_said == "please wait")
    said = next(turn for turn in turns if turn.agent_said.startswith("One moment"))
    assert waiting.agent_heard is not None and said.agent_heard is not None
    assert run.near(waiting.agent_heard.at, said.agent_heard.at)


def test_an_interruption_is_marked_where_the_agent_fell_silent() -> None:
    run = _runs()["newest", "call"]
    (interrupted,) = [turn for turn in turns_of(run) if turn.interrupted]
    (mark,) = [mark for mark in interrupted.marks if mark.kind is MarkKind.INTERRUPTED]
    (paused,) = run.log("playback_paused")
    assert run.near(mark.at, paused)
