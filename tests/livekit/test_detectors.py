"""How sure the turn detector was: taken from the detector itself, which is left as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.livekit.recorded_run import RecordedRun, read

pytestmark = pytest.mark.real_clients
RunScenario = Callable[..., RecordedRun]


@pytest.mark.parametrize("version", ["newest", "oldest"])
def test_end_of_turn_spans_have_probability_and_threshold(run_scenario: RunScenario, version: str) -> None:
    run = run_scenario("measured", version)
    judged = [line for line in run.raw["log"] if line["what"] == "judged"]
    ends = [turn.only("eou") for turn in run.turns]
    assert [(end.payload["end_of_turn_probability"], end.payload["unlikely_threshold"]) for end in ends] == [
        (0.875, 0.4),
        (0.1, 0.4),
    ]
    predictions = [one for end in ends for one in end.payload["predictions"]]
    assert len(predictions) == len(judged)
    for one, line in zip(predictions, judged, strict=True):
        assert one["probability"] == line["probability"] and run.near(one["at"], line["at"])
        assert one["took"] == pytest.approx(0.03, abs=0.03 + run.raw["lag"])
    assert {end.payload["detector"] for end in ends} == {"fake-judge"}
    assert run.raw["attributes_on_detector"] == ["_world"]


def test_a_detector_that_listens_is_followed_from_before_and_after_the_start(
    run_scenario: RunScenario,
) -> None:
    run = run_scenario("streaming")
    late = read({**run.raw, "events": run.raw["late"]})
    for one in (run, late):
        payload = one.turns[0].only("eou").payload
        assert (payload["end_of_turn_probability"], payload["unlikely_threshold"]) == (0.75, 0.55)
        assert payload["detector"] == "fake-ear" and payload["predictions"][0]["took"] == 0.02


def test_detaching_one_tracer_leaves_the_other_listening(run_scenario: RunScenario) -> None:
    run = run_scenario("streaming")
    late = read({**run.raw, "events": run.raw["late"]})
    ours = {"predict", "unlikely_threshold"}
    assert [set(names) & ours for names in run.raw["tapped"]] == [ours, ours]
    assert len(run.turns) == 1 and len(late.turns) == 2
    assert late.turns[1].only("eou").payload["end_of_turn_probability"] == 0.75
    assert not set(run.raw["attributes_on_detector"]) & ours
    for one in (run, late):
        assert [call.metrics["type"] for call in one.turns[0].all("llm")] == ["llm", "llm"]


def test_a_shared_detector_reports_to_each_call_its_own_predictions(run_scenario: RunScenario) -> None:
    run = run_scenario("shared")
    other = read({**run.raw, "events": run.raw["other"]})
    for one, words, probability in ((run, "where is my order", 0.875), (other, "tell me a story and", 0.1)):
        (turn,) = one.turns
        assert turn.only("voice_input").payload["transcript"] == words
        answers = turn.only("eou").payload["predictions"]
        assert {answer["probability"] for answer in answers} == {probability}
    assert run.raw["attributes_on_detector"] == ["_world"]
