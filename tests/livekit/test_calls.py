"""A whole call in audio mode: one span for each real thing, at the times that the fakes wrote down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests.livekit.recorded_run import RecordedRun, RecordedSpan

pytestmark = pytest.mark.real_clients
RunScenario = Callable[..., RecordedRun]
VERSIONS = ("newest", "oldest")
ACTIVATION = 0.05
"""Seconds of speech until the fake detector is sure of it."""


@pytest.mark.parametrize("version", VERSIONS)
def test_one_tree_with_one_span_for_each_real_thing(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    assert run.roots == [run.call]
    agent = run.call.only("voice_agent")
    assert [turn.parent_id for turn in run.turns] == [agent.id] * 4
    shapes = [Counter(child.kind for child in turn.children) for turn in run.turns]
    listening_spans = {"voice_input": 1, "vad": 1, "eou": 1, "voice_output": 1}
    assert shapes == [
        {"voice_output": 1},
        {**listening_spans, "llm": 2, "tool": 1},
        {**listening_spans, "llm": 1},
        {**listening_spans, "llm": 1},
    ]
    assert all(span.end >= span.start for span in run.spans.values())
    assert not run.raw["console_output"]


@pytest.mark.parametrize("version", VERSIONS)
def test_session_and_agent_are_one_trace_and_each_turn_is_its_own(
    run_scenario: RunScenario, version: str
) -> None:
    run = run_scenario("call", version)
    assert run.call.only("voice_agent").trace_id == run.call.trace_id
    assert len({turn.trace_id for turn in run.turns} | {run.call.trace_id}) == 5
    for turn in run.turns:
        assert {span.trace_id for span in turn.under()} == {turn.trace_id}
        assert turn.speech_id and {child.speech_id for child in turn.all("llm")} <= {turn.speech_id}


def test_the_session_id_is_the_same_for_the_same_text(run_scenario: RunScenario) -> None:
    run = run_scenario("call")
    expected = str(uuid5(NAMESPACE_URL, "etaoi:session:call-1"))
    assert {span.session_id for span in run.spans.values()} == {expected}
    assert run.raw["session_id"] == expected
    assert {event.get("user_id", "u7") for event in run.raw["events"]} == {"u7"}


def _pairs(run: RecordedRun, kind: str, started: str, ended: str) -> list[tuple[RecordedSpan, float, float]]:
    spans = sorted((span for span in run.spans.values() if span.kind == kind), key=lambda one: one.start)
    starts, ends = run.log(started), run.log(ended)
    assert len(spans) == len(starts) == len(ends)
    return list(zip(spans, starts, ends, strict=True))


@pytest.mark.parametrize("version", VERSIONS)
def test_model_calls_and_tools_have_their_real_times(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    for span, started, ended in _pairs(run, "llm", "llm_started", "llm_ended"):
        assert run.near(span.start, started) and run.near(span.end, ended)
    for call, first in zip(
        sorted((s for s in run.spans.values() if s.kind == "llm"), key=lambda one: one.start),
        run.log("llm_first_token"),
        strict=True,
    ):
        assert run.near(call.start + call.payload["ttft"], first)
    for span, started, ended in _pairs(run, "tool", "tool_started", "tool_ended"):
        assert run.near(span.start, started) and run.near(span.end, ended)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_users_speech_has_its_real_times(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    # 1.2 tells when it noticed the speech, not when it began.
    noticed = 0.0 if version == "newest" else ACTIVATION
    for span, started, ended in _pairs(run, "vad", "user_started", "user_stopped"):
        assert run.near(span.start, started + noticed) and run.near(span.end, ended)
    for span, started, final in _pairs(run, "voice_input", "user_started", "final_transcript"):
        assert run.near(span.start, started + noticed) and run.near(span.end, final)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wait_for_the_end_of_the_turn_is_a_span(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    for turn, stopped in zip(run.turns[1:], run.log("user_stopped"), strict=True):
        wait = turn.only("eou")
        assert run.near(wait.start, stopped)
        assert wait.end - wait.start == pytest.approx(wait.payload["end_of_utterance_delay"], abs=1e-3)
        assert wait.metrics["type"] == "eou"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_agents_speech_has_its_real_times(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    for span, played, finished in _pairs(run, "voice_output", "playback_started", "playback_finished"):
        assert run.near(span.payload["playing_at"], played)
        assert run.near(span.end, finished)
        assert span.start <= span.payload["playing_at"]
    for span, started, first in zip(
        sorted((s for s in run.spans.values() if s.kind == "voice_output"), key=lambda one: one.start),
        run.log("tts_started"),
        run.log("tts_first_byte"),
        strict=True,
    ):
        (request,) = span.payload["tts_requests"]
        assert run.near(request["started_at"], started)
        assert run.near(request["started_at"] + request["ttfb"], first)
        assert span.metrics["type"] == "tts" and span.payload["characters_count"] > 0


@pytest.mark.parametrize("version", VERSIONS)
def test_the_heard_gap_can_be_taken_apart(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    turn = run.turns[1]
    stopped, played = run.log("user_stopped")[0], run.log("playback_started")[1]
    gap = turn.payload["agent_started_at"] - turn.payload["user_stopped_at"]
    assert run.near(gap, played - stopped)
    first, last = turn.all("llm")
    wait, tool, voice = turn.only("eou"), turn.only("tool"), turn.only("voice_output")
    (request,) = voice.payload["tts_requests"]
    parts = (
        (wait.end - wait.start)
        + (first.end - first.start)
        + (tool.end - tool.start)
        + last.payload["ttft"]
        + (request["started_at"] - (last.start + last.payload["ttft"]))
        + request["ttfb"]
    )
    # What is left is the time between the parts: milliseconds, since the fakes do nothing there.
    assert abs(gap - parts) <= 0.03 + 3 * run.raw["lag"]


@pytest.mark.parametrize("version", VERSIONS)
def test_both_transcripts_are_recorded(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    asked = run.turns[1].only("voice_input")
    assert asked.delta_values("transcript")[0] == "where" and asked.delta_values("is_final")[0] is False
    assert asked.payload["transcript"] == "where is my order" and asked.payload["is_final"] is True
    assert asked.payload["transcript_confidence"] == pytest.approx(0.93)
    answer = "Your order is on its way and will be there tomorrow morning."
    turn = run.turns[1]
    assert turn.delta_values("agent_transcript")[-1].strip() == answer
    assert turn.delta_values("agent_transcript_final") == [True]
    assert len(turn.delta_values("agent_transcript_delta")) > 1
    assert turn.only("voice_output").payload["text"].strip() == answer
    last = turn.all("llm")[-1]
    assert "".join(last.delta_values("text")).strip() == answer
    assert last.payload["response"]["text"].strip() == answer


@pytest.mark.parametrize("version", VERSIONS)
def test_each_stage_brings_its_metrics(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    kinds = {"voice_input": "stt", "vad": "vad", "eou": "eou", "llm": "llm", "voice_output": "tts"}
    for turn in run.turns[1:]:
        for kind, metrics in kinds.items():
            assert {span.metrics["type"] for span in turn.all(kind)} == {metrics}
        assert turn.only("voice_input").metrics["audio_duration"] == 1.0
        assert turn.only("vad").payload["inference_count"] > 0


@pytest.mark.parametrize("version", VERSIONS)
def test_the_agents_words_come_while_it_speaks(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    turn = run.turns[1]
    pieces = turn.delta_values("agent_transcript_delta")
    assert len(pieces) > 1 and turn.delta_values("agent_transcript")[-1].startswith("".join(pieces).strip())
    for sooner, later in pairwise(turn.delta_values("agent_transcript")):
        assert later.startswith(sooner.strip())


@pytest.mark.parametrize("version", VERSIONS)
def test_requests_tokens_and_tools_are_recorded(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    first, last = run.turns[1].all("llm")
    assert [message["role"] for message in first.payload["input_messages"]] == ["system", "ai", "human"]
    assert [message["role"] for message in last.payload["input_messages"]][-2:] == ["ai", "tool"]
    assert first.payload["response"]["tool_calls"][0]["name"] == "find_order"
    assert "find_order" in first.payload["tools"]
    assert first.payload["usage"]["input_tokens"] == 70
    assert first.payload["usage"]["input_token_details"]["cache_read"] == 35
    tool = run.turns[1].only("tool")
    assert tool.payload["output"] == "order 42: on its way" and tool.payload["arguments"] == '{"number": 42}'


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interruption_ends_the_turn_and_its_speech(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("call", version)
    story, stop = run.turns[2], run.turns[3]
    assert story.error == story.only("voice_output").error == "interrupted"
    assert story.payload["interrupted"] is True
    assert stop.error is None
    assert stop.only("voice_input").payload["transcript"] == "stop it"
    assert stop.start < story.end
    if version == "newest":
        assert story.payload["interrupted_by"] == "user_turn"
        silenced = run.log("playback_paused")[0]
        assert run.near(story.only("voice_output").payload["played_until"], silenced)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_session_says_how_it_went(run_scenario: RunScenario, version: str) -> None:
    call = run_scenario("call", version).call
    assert call.payload["close_reason"] == "user_initiated"
    assert (call.payload["release"], call.payload["environment"]) == ("1.4.2", "staging")
    assert call.delta_values("score") == [
        {"name": "csat", "source": "sdk", "data_type": "numeric", "value": 4.0, "comment": "fine"},
        {"name": "resolved", "source": "sdk", "data_type": "boolean", "value": 1.0, "string_value": "true"},
        {"name": "mood", "source": "judge", "data_type": "categorical", "string_value": "calm"},
        {
            "name": "resolved later",
            "source": "sdk",
            "data_type": "boolean",
            "value": 0.0,
            "string_value": "false",
        },
    ]
    context = call.delta_values("session_context")[0]
    assert context["userdata"]["plan"] == "gold"
    assert "sk-1234567890abcdef" not in str(context)
    assert context["session_options"]
    if version == "newest":
        models = call.delta_values("session_usage")[-1]["model_usage"]
        assert {"llm_usage", "stt_usage", "tts_usage"} <= {one["type"] for one in models}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_agents_time_on_duty_is_described(run_scenario: RunScenario, version: str) -> None:
    agent = run_scenario("call", version).call.only("voice_agent")
    context = agent.payload["voice_agent_context"]
    assert context["mode"] == "pipeline"
    assert context["instructions"]["full"] == "You are the front desk."
    assert context["instructions"]["len"] == 23
    assert set(context["tools"]) == {"find_order", "break_down", "to_billing", "slow_lookup"}
    assert {"llm", "stt", "tts", "vad"} <= set(context)


@pytest.mark.parametrize("version", VERSIONS)
def test_state_changes_are_recorded_as_ticks(run_scenario: RunScenario, version: str) -> None:
    ticks = [(subject, state) for subject, state, _ in run_scenario("call", version).ticks]
    agent = [state for subject, state in ticks if subject == "agent"]
    assert agent[:4] == ["listening", "speaking", "listening", "thinking"]
    user = [state for subject, state in ticks if subject == "user"]
    assert user == ["speaking", "listening"] * 3
