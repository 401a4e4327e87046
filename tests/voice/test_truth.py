"""Real calls with fakes of known delays, recorded by either SDK: what the view shows is what really was.

Each moment may be 30 ms off, and what the run's event loop was late itself. Where a producer does not tell a
time the view must not have one either; those places are listed here, each with its reason.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from etaoi_tui.view.voice.model import Basis, Kind, MarkKind, Turn
from tests.livekit.recorded_run import RecordedRun, prepare, run_once
from tests.voice.calls import folded
from tests.voice.truth import ALL, DURATION_OF, compared, silences

pytestmark = pytest.mark.real_clients

SLACK = 0.03
ACTIVATION = 0.05
"""Seconds of speech until the fake detector is sure of it."""

LOST = {
    ("realtime", "ours"): {"eou start"},
    # It keeps one response for each message: the one that only asks for a tool is overwritten.
    ("realtime", "reference"): {"eou start", "llm start", "llm first", "llm end"},
}
"""Moments that are not reported: a realtime model decides by itself that the user has finished."""

Key = tuple[str, str, str]


def _names(key: Key) -> str:
    return "-".join(key)


def _run(key: Key) -> tuple[RecordedRun, list[Turn]]:
    prepare(ALL)
    run = run_once(*key)
    return run, folded(run.raw["events"]).turns


def _notices_late(version: str, sdk: str, scenario: str) -> bool:
    """Whether the beginning of speech is reported as the moment in which it was noticed."""
    return (version == "oldest" or sdk == "reference") and scenario != "realtime"


@pytest.mark.parametrize("key", ALL, ids=_names)
def test_every_stage_has_its_real_times(key: Key) -> None:
    version, scenario, sdk = key
    run, turns = _run(key)
    comparison = compared(run, turns)
    assert comparison.keys() >= {"llm start", "llm first", "llm end", "tool start", "tool end"}
    for what, one in comparison.items():
        if what in LOST.get((scenario, sdk), ()):
            assert len(one.reported) < len(one.real)
            continue
        assert one.complete, f"{what}: {len(one.reported)} reported, {len(one.real)} were"
        late = ACTIVATION if what == "user start" and _notices_late(version, sdk, scenario) else 0.0
        slack = SLACK + run.raw["lag"]
        assert all(-slack <= error <= slack + late for error in one.errors), f"{what}: {one.errors}"
        assert not late or one.derived == len(one.reported), f"{what} is called measured"


@pytest.mark.parametrize("key", [key for key in ALL if key[1] != "text"], ids=_names)
def test_the_heard_gap_and_its_parts_are_the_real_ones(key: Key) -> None:
    _, scenario, sdk = key
    run, turns = _run(key)
    by_words = {turn.user_said: turn for turn in turns if turn.user_said}
    real = list(silences(run))
    assert {silence.user_text for silence in real} == by_words.keys()
    slack = SLACK + run.raw["lag"]
    for silence in real:
        turn = by_words[silence.user_text]
        assert turn.gap == pytest.approx(silence.gap, abs=slack), silence.user_text
        assert sum(part.seconds for part in turn.parts) == pytest.approx(turn.gap, abs=1e-6)
        if (scenario, sdk) == ("realtime", "reference"):
            continue
        for name, seconds in silence.parts.items():
            duration = DURATION_OF[name](turn)
            assert duration == pytest.approx(seconds, abs=slack), f"{silence.user_text}: {name}"


@pytest.mark.parametrize("key", ALL, ids=_names)
def test_stages_that_took_time_have_a_length(key: Key) -> None:
    _, turns = _run(key)
    for turn in turns:
        for stage in turn.stages:
            assert stage.end is not None and stage.end - stage.start >= 0.001, stage


SLOW = 0.04


@pytest.mark.parametrize("key", [key for key in ALL if key[2] == "reference"], ids=_names)
def test_a_late_report_is_no_stage(key: Key) -> None:
    """The reference SDK starts and ends most spans at one go; on a busy machine that is no moment."""
    run, _ = _run(key)
    events = [dict(event) for event in run.raw["events"]]
    began = {event["span_id"]: _at(event) for event in events if event["kind"] == "span_start"}
    for event in events:
        if event["kind"] == "span_end" and event["node_kind"] in (
            "voice_input",
            "voice_output",
            "llm",
            "eou",
        ):
            if _at(event) - began[event["span_id"]] < 0.1:
                event["timestamp"] = datetime.fromtimestamp(_at(event) + SLOW, UTC).isoformat()
    for what, one in compared(run, folded(events).turns).items():
        if what not in LOST.get(key[1:], ()):
            assert one.complete and one.worst <= SLACK + run.raw["lag"] + ACTIVATION, what


def _at(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()


@pytest.mark.parametrize("version", ["newest", "oldest"])
def test_the_detectors_probability_is_shown_beside_its_threshold(version: str) -> None:
    _, turns = _run((version, "measured", "ours"))
    ends = [(turn.end_of_turn.probability, turn.end_of_turn.threshold) for turn in turns]
    assert ends == [(0.875, 0.4), (0.1, 0.4)]
    _, theirs = _run((version, "measured", "reference"))
    assert {(turn.end_of_turn.probability, turn.end_of_turn.threshold) for turn in theirs} == {(None, None)}


@pytest.mark.parametrize("sdk", ["ours", "reference"])
@pytest.mark.parametrize("version", ["newest", "oldest"])
def test_derived_times_are_labelled_derived(version: str, sdk: str) -> None:
    _, turns = _run((version, "call", sdk))
    asked = [turn for turn in turns if turn.user_said]
    measured = sdk == "ours"
    assert {turn.gap_basis is Basis.MEASURED for turn in asked} == {measured}
    for kind in (Kind.LLM, Kind.TTS, Kind.EOU):
        bases = {stage.basis for turn in turns for stage in turn.stages if stage.kind is kind}
        assert bases == {Basis.MEASURED if measured else Basis.DERIVED}


@pytest.mark.parametrize("sdk", ["ours", "reference"])
def test_typed_words_are_no_speech(sdk: str) -> None:
    _, turns = _run(("newest", "text", sdk))
    asked = turns[0]
    assert asked.typed and asked.user_said == "where is my order"
    assert not {stage.kind for stage in asked.stages} & {Kind.USER, Kind.STT, Kind.EOU, Kind.TTS}


@pytest.mark.parametrize("version", ["newest", "oldest"])
def test_errors_are_marked_at_their_time(version: str) -> None:
    run, turns = _run((version, "troubles", "ours"))
    (stt_error,) = run.log("stt_error")
    errors = [mark for turn in turns for mark in turn.marks if mark.kind is MarkKind.ERROR]
    assert any(run.near(mark.at, stt_error) and mark.text.startswith("stt") for mark in errors)
    noise = run.log("user_started", lambda line: not line["text"])[0]
    story = next(turn for turn in turns if turn.user_said == "tell me a story")
    (aside,) = [stage for stage in story.stages if stage.aside]
    assert aside.kind is Kind.USER and run.near(aside.start, noise, slack=SLACK + ACTIVATION)
    marks = {mark.kind: mark for mark in story.marks}
    if version == "newest":
        (resumed,) = run.log("playback_resumed")
        assert run.near(marks[MarkKind.FALSE_INTERRUPTION].at, resumed)
    else:  # 1.2 knows no false interruption: a noise ends the speech
        cut = run.log("playback_finished", lambda line: line["interrupted"])[0]
        assert run.near(marks[MarkKind.INTERRUPTED].at, cut)
    handed = next(turn for turn in turns if turn.user_said == "connect me with billing")
    (mark,) = [mark for mark in handed.marks if mark.kind is MarkKind.HANDOFF]
    assert "billing" in mark.text.lower()


@pytest.mark.parametrize("sdk", ["ours", "reference"])
def test_an_interruption_is_marked_where_the_agent_fell_silent(sdk: str) -> None:
    run, turns = _run(("newest", "call", sdk))
    (interrupted,) = [turn for turn in turns if turn.interrupted]
    (mark,) = [mark for mark in interrupted.marks if mark.kind is MarkKind.INTERRUPTED]
    (paused,) = run.log("playback_paused")
    assert run.near(mark.at, paused)


def test_a_realtime_answer_has_its_tokens() -> None:
    run, turns = _run(("newest", "realtime", "ours"))
    assert [turn.user_said for turn in turns] == ["where is my order", "tell me a story", "stop it"]
    assert turns[1].interrupted and not turns[2].interrupted
    assert [(turn.tokens_in, turn.tokens_out) for turn in turns] == [(240, 160), (120, 80), (120, 80)]
    (cut,) = [mark for mark in turns[1].marks if mark.kind is MarkKind.INTERRUPTED]
    assert run.near(cut.at, run.log("playback_finished", lambda line: line["interrupted"])[0])
