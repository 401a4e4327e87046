"""What goes wrong in calls, or out of line: failures, noises, handoffs, answers made ahead of time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.livekit.recorded_run import RecordedRun, RecordedSpan

pytestmark = pytest.mark.real_clients
RunScenario = Callable[..., RecordedRun]
ACTIVATION = 0.05
"""Seconds of speech until the fake detector is sure of it."""


@pytest.fixture(params=["newest", "oldest"])
def run(run_scenario: RunScenario, request: pytest.FixtureRequest) -> RecordedRun:
    return run_scenario("troubles", request.param)


def _is_newest(run: RecordedRun) -> bool:
    return bool(run.log("playback_paused"))


def _turn(run: RecordedRun, user_text: str) -> RecordedSpan:
    (matching_turn,) = [
        turn
        for turn in run.turns
        if any(user_text in user_input.payload["transcript"] for user_input in turn.all("voice_input"))
    ]
    return matching_turn


def test_a_recogniser_that_fails_and_recovers_reports_both(run: RecordedRun) -> None:
    (error,) = run.call.delta_values("error_event")
    assert (error["stage"], error["recoverable"]) == ("stt", True)
    assert "hung up" in error["message"] and error["type"] == "APIConnectionError"
    (recovered,) = run.call.delta_values("error_recovered")
    assert recovered["stage"] == "stt" and recovered["errors"] == 1 and recovered["after"] > 0
    assert "unrecovered_errors" not in run.call.payload
    states = [state for _, state, _ in run.ticks]
    assert states.index("recovering") < states.index("recovered")
    assert _turn(run, "story").delta_values("error_event") == [error]


def test_a_false_interruption_stays_in_the_agents_turn(run_scenario: RunScenario) -> None:
    run = run_scenario("troubles")
    story = _turn(run, "story")
    assert story.error is None
    assert story.delta_values("false_interruption") == [True] and story.delta_values("resumed") == [True]
    voice = story.only("voice_output")
    assert run.near(voice.delta_values("paused_at")[0], run.log("playback_paused")[0])
    assert run.near(voice.delta_values("resumed_at")[0], run.log("playback_resumed")[0])
    noise = story.all("vad")[1]
    assert noise.payload["over_agent"] is True
    assert run.near(noise.start, run.log("user_started")[1])
    assert run.near(noise.end, run.log("user_stopped")[1])
    assert len(run.turns) == 7


def test_a_noise_that_ends_the_speech_of_livekit_agents_1_2_stays_in_its_turn(
    run_scenario: RunScenario,
) -> None:
    run = run_scenario("troubles", "oldest")
    story, broken = _turn(run, "story"), _turn(run, "broken")
    assert story.error == "interrupted"
    noise = story.all("vad")[1]
    assert noise.payload["over_agent"] is True and noise.payload["noticed_late"] is True
    assert run.near(noise.start, run.log("user_started")[1] + ACTIVATION)
    assert len(broken.all("vad")) == 1 and run.near(broken.start, run.log("user_started")[2] + ACTIVATION)
    assert len(run.turns) == 7


def test_a_failed_tool_has_an_error(run: RecordedRun) -> None:
    tool = _turn(run, "broken").only("tool")
    assert tool.error == "tool_error"
    assert tool.payload["is_error"] is True and tool.payload["output"] == "Broken for now."


def test_speech_from_a_tool_is_a_turn_of_its_own(run: RecordedRun) -> None:
    asked = _turn(run, "wait")
    (tool_turn,) = [turn for turn in run.turns if turn.payload.get("from_speech_id")]
    assert tool_turn.payload["from_speech_id"] == asked.speech_id and tool_turn.payload["source"] == "say"
    assert tool_turn.only("voice_output").payload["origin"] == "tool_say"
    assert tool_turn.only("voice_output").payload["text"] == "One moment please."
    assert asked.only("voice_output").payload["text"].strip() == "Here is the slow result."
    slow = asked.only("tool")
    assert slow.start <= tool_turn.start and slow.payload["output"] == "slow result"


def test_parallel_tools_are_separate_spans(run: RecordedRun) -> None:
    tools = _turn(run, "two things").all("tool")
    assert [tool.payload["arguments"] for tool in tools] == ['{"number": 1}', '{"number": 2}']
    assert tools[0].end > tools[1].start
    assert len({tool.payload["call_id"] for tool in tools}) == 2


def test_a_handoff_ends_one_agent_span_and_starts_the_next(run: RecordedRun) -> None:
    front, billing = run.call.all("voice_agent")
    names = [front.payload["agent_id"], billing.payload["agent_id"]]
    assert names == (["front", "billing"] if _is_newest(run) else ["__main__.Front", "__main__.Billing"])
    assert front.end == pytest.approx(billing.start, abs=1e-3)
    assert billing.payload["from_agent_id"] == names[0]
    (tool,) = [tool for tool in run.spans.values() if tool.name == "to_billing"]
    assert tool.delta_values("handoff") == [{"from_agent_id": names[0], "to_agent_id": names[1]}]
    (greeting,) = billing.all("voice_turn")
    assert greeting.only("voice_output").payload["text"] == "Billing here."


def test_every_user_turn_has_one_of_each_stage(run: RecordedRun) -> None:
    for turn in run.turns:
        if turn.all("voice_input"):
            assert len(turn.all("voice_input")) == len(turn.all("eou")) == 1
            assert len(turn.all("voice_output")) <= 1


def test_a_discarded_preemptive_answer_is_a_separate_span(run_scenario: RunScenario) -> None:
    run = run_scenario("preemptive")
    (turn,) = run.turns
    early, right, after_tool = turn.all("llm")
    assert early.payload["preemptive"] is True and early.delta_values("thrown_away") == [True]
    assert right.payload["preemptive"] is True and not right.delta_values("thrown_away")
    assert "preemptive" not in after_tool.payload
    assert turn.only("voice_input").payload["transcript"] == "where is my order"
    assert len(turn.all("vad")) == 2
    assert turn.error is None


def test_events_that_only_real_providers_bring_about(run_scenario: RunScenario) -> None:
    run = run_scenario("driven")
    story, again = run.turns
    (realtime,) = [call for call in story.all("llm") if call.metrics["type"] == "realtime_model"]
    assert realtime.end - realtime.start == pytest.approx(1.2)
    assert realtime.payload["input_audio_tokens"] == 90 and realtime.payload["output_text_tokens"] == 20
    assert realtime.payload["model"] == "gpt-realtime" and realtime.payload["ttft"] == 0.4
    kinds = [
        run_scenario["type"]
        for span in (story, run.call)
        for run_scenario in span.delta_values("voice_metrics")
    ]
    assert sorted(kinds) == ["avatar", "decision", "eot_inference", "interruption", "stt"]
    assert story.delta_values("is_interruption") == [True, False]
    assert story.delta_values("probability") == [0.93, 0.1]
    states = [state for _, state, _ in run.ticks]
    assert "interrupted" in states and "overlap_backchannel" in states
    (error,) = story.delta_values("error_event")
    assert (error["stage"], error["recoverable"], error["message"]) == ("llm", False, "no such model")
    (silence,) = run.call.delta_values("transcription_timeout")
    assert silence["speech_duration"] == 1.5
    agent = run.call.only("voice_agent")
    assert agent.delta_values("instructions_changed") == [True]
    assert agent.delta_values("voice_agent_context")[0]["instructions"]["full"] == "You are somebody else."
    assert again.only("voice_output").payload["text"].strip() == "I see."
    assert run.call.delta_values("score")[0]["span_id"] == "5f2b6d1e-8a0d-4f5e-9f5c-1d2e3f405162"


def test_an_event_of_an_unknown_shape_costs_that_event(run_scenario: RunScenario) -> None:
    run = run_scenario("driven")
    assert run.raw["console_output"].count("could not follow a voice event (metrics_collected)") == 1
    assert run.call.payload["close_reason"] == "user_initiated"


def test_a_model_call_that_is_retried_stays_one_span(run_scenario: RunScenario) -> None:
    run = run_scenario("flaky_model")
    flaky, dead = run.turns
    assert flaky.error is None and flaky.only("llm").error is None
    assert flaky.only("llm").payload["text"].strip() == "Here I am again."
    assert [error["recoverable"] for error in flaky.delta_values("error_event")] == [True]
    assert [one["stage"] for one in run.call.delta_values("error_recovered")] == ["llm"]
    assert "failed to generate" in str(dead.error) and "failed to generate" in str(dead.only("llm").error)
    assert [error["recoverable"] for error in dead.delta_values("error_event")] == [True, False]
    assert run.call.payload["unrecovered_errors"] == {"llm": 2}


def test_a_session_that_starts_again_is_a_call_of_its_own(run_scenario: RunScenario) -> None:
    run = run_scenario("twice")
    first, second = run.roots
    assert first.kind == second.kind == "voice_session" and first.session_id == second.session_id
    assert first.end <= second.start
    for call in (first, second):
        (turn,) = call.only("voice_agent").all("voice_turn")
        assert len(turn.all("llm")) == 2 and len(turn.all("voice_output")) == 1


def test_outcome_and_recording_of_a_job(run_scenario: RunScenario) -> None:
    run = run_scenario("job")
    (outcome,) = run.call.delta_values("session_outcome")
    assert outcome["outcome"] == "success" and outcome["outcome_reason"] == "solved"
    assert "vip" in outcome["tags"]
    (recording,) = run.call.delta_values("audio_artifact")
    assert recording["audio_status"] == "local_only"
    assert recording["local_path"].startswith(run.raw["folder"])
    assert run.near(recording["recording_started_at"], run.call.start, slack=1.0)
