"""A realtime model: no recogniser, no turn detector and no voice, but turns, tokens by modality and a cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.livekit.recorded_run import RecordedRun

pytestmark = pytest.mark.real_clients
RunScenario = Callable[..., RecordedRun]


def test_each_exchange_is_a_turn_with_what_there_is(run_scenario: RunScenario) -> None:
    run = run_scenario("realtime")
    assert [Counter(child.kind for child in turn.children) for turn in run.turns] == [
        {"voice_input": 1, "vad": 1, "llm": 2, "tool": 1, "voice_output": 1},
        {"voice_input": 1, "vad": 1, "llm": 1, "voice_output": 1},
        {"voice_input": 1, "vad": 1, "llm": 1, "voice_output": 1},
    ]
    assert [turn.only("voice_input").payload["transcript"] for turn in run.turns] == [
        "where is my order",
        "tell me a story",
        "stop it",
    ]
    assert run.call.only("voice_agent").payload["voice_agent_context"]["mode"] == "realtime"
    assert not run.raw["console_output"]


def test_responses_have_their_real_times(run_scenario: RunScenario) -> None:
    run = run_scenario("realtime")
    calls = sorted((s for s in run.spans.values() if s.kind == "llm"), key=lambda one: one.start)
    times = zip(calls, run.log("llm_started"), run.log("llm_first_token"), run.log("llm_ended"), strict=True)
    for call, started, first, ended in times:
        assert run.near(call.start, started) and run.near(call.end, ended)
        assert run.near(call.start + call.payload["ttft"], first)


def test_tokens_are_split_by_modality(run_scenario: RunScenario) -> None:
    run = run_scenario("realtime")
    call = run.turns[1].only("llm")
    assert call.payload["model"] == "fake-realtime" and call.metrics["type"] == "realtime_model"
    split = {name: call.payload[name] for name in call.payload if name.endswith("_tokens")}
    assert split == {
        "input_tokens": 120,
        "output_tokens": 80,
        "total_tokens": 200,
        "input_audio_tokens": 90,
        "input_text_tokens": 30,
        "input_image_tokens": 0,
        "input_cached_tokens": 40,
        "output_audio_tokens": 60,
        "output_text_tokens": 20,
    }


def test_an_interruption_cuts_response_and_speech(run_scenario: RunScenario) -> None:
    run = run_scenario("realtime")
    story = run.turns[1]
    assert story.error == story.only("llm").error == story.only("voice_output").error == "interrupted"
    cut = run.log("playback_finished", lambda line: line["interrupted"])[0]
    assert run.near(story.only("voice_output").end, cut)
    assert run.turns[2].error is None


def test_connection_metrics_are_not_a_response(run_scenario: RunScenario) -> None:
    (metrics,) = run_scenario("realtime").call.delta_values("voice_metrics")
    assert metrics["type"] == "realtime_model" and metrics["acquire_time"] == 0.02
