"""Attaching in the middle, letting go, and not being in the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import etaoi_tui
from tests.livekit.recorded_run import RecordedRun

pytestmark = pytest.mark.real_clients
RunScenario = Callable[..., RecordedRun]
VERSIONS = ("newest", "oldest")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_speech_that_was_under_way_is_followed(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("late", version)
    first = run.turns[0]
    assert first.payload["source"] == "unknown"
    assert first.only("voice_output").payload["text"].startswith("Once upon a time")
    finished = run.log("playback_finished")[0]
    assert run.near(first.only("voice_output").end, finished)
    assert run.ticks[0][:2] == ("agent", "speaking")


@pytest.mark.parametrize("version", VERSIONS)
def test_detach_ends_open_spans_and_unsubscribes(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("late", version)
    assert run.call.payload["close_reason"] == "detached"
    assert all(span.end >= 0 for span in run.spans.values())
    cut = run.turns[-1]
    assert cut.error == cut.only("voice_output").error == "span_end_synthesized_on_detach"
    assert run.raw["events_at_detach"] == len(run.raw["events"]), "nothing came after the detach"
    assert run.raw["subscribers_after"] == run.raw["subscribers_before"]
    assert run.raw["attributes"] == []


def test_attached_twice_is_attached_once(run_scenario: RunScenario) -> None:
    assert run_scenario("late").raw["same"] is True


@pytest.mark.parametrize("version", VERSIONS)
def test_text_mode(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("text", version)
    asked, story = run.turns
    typed = asked.only("voice_input")
    assert typed.payload["transcript"] == "where is my order" and typed.payload["modality"] == "text"
    assert [call.metrics["type"] for call in asked.all("llm")] == ["llm", "llm"]
    assert asked.only("tool").payload["output"] == "order 42: on its way"
    assert story.only("voice_output").payload["text"].startswith("Once upon a time")
    assert story.only("voice_output").payload["modality"] == "text"
    assert not story.all("vad") and not story.all("eou")


def test_a_tracer_that_fails_at_every_turn_leaves_the_call_alone(run_scenario: RunScenario) -> None:
    run = run_scenario("hostile")
    assert [text.strip() for text in run.raw["messages"]] == [
        "Hello.",
        "where is my order",
        "Your order is on its way and will be there tomorrow morning.",
    ]
    console = run.raw["console_output"]
    assert console.count("WARNING:etaoi_tui") == 1


def test_prompts_and_stretches_of_speech_can_be_left_out(run_scenario: RunScenario) -> None:
    run = run_scenario("no_prompts")
    (turn,) = run.turns
    assert "You are the front desk." not in str(run.raw["events"])
    assert turn.all("llm")[0].payload["input_messages"][0] == {
        "role": "system",
        "text": "(23 characters, not captured)",
    }
    assert "instructions" not in run.call.only("voice_agent").payload["voice_agent_context"]
    assert not turn.all("vad") and len(turn.all("voice_input")) == len(turn.all("eou")) == 1


class _Session:
    agent_state = "listening"

    def on(self, event: str, callback: object) -> None:
        raise AssertionError("nobody should subscribe")


def test_switched_off_it_subscribes_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_DISABLED", "1")
    handle = etaoi_tui.attach_session(_Session(), session_id="x")
    handle.score("csat", 1)
    handle.detach()
    assert not handle.attached


def test_an_object_that_is_no_session_is_refused_with_a_clear_error() -> None:
    with pytest.raises(TypeError, match="AgentSession, not dict"):
        etaoi_tui.attach_session({})
    with pytest.raises(ValueError, match="full, digest, off"):
        etaoi_tui.attach_session(_Session(), capture_prompts="some", sink="noop")
