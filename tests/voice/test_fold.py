"""Turns from spans: the same truth from either producer's telling."""

from __future__ import annotations

from itertools import pairwise

import pytest

from etaoi_tui.view.voice.model import Basis, Kind, MarkKind, Turn
from tests.scribe import Event, Open
from tests.voice.calls import START, Caller, Truth, events_of, folded, lengths, many, placed

HOW = ("ours", "theirs")
NEAR = pytest.approx


def only_turn(truth: Truth, how: str = "ours") -> Turn:
    (turn,) = folded(events_of([truth], how)).turns
    return turn


def assert_whole(turn: Turn) -> None:
    """The parts of a gap follow each other without a hole, from its one end to the other."""
    if turn.gap is None or not turn.parts:
        return
    assert turn.user_stopped is not None and turn.agent_heard is not None
    assert turn.parts[0].start == turn.user_stopped.at
    assert turn.parts[-1].end == turn.agent_heard.at
    assert all(earlier.end == right.start for earlier, right in pairwise(turn.parts))
    assert sum(part.seconds for part in turn.parts) == NEAR(turn.gap, abs=1e-6)


@pytest.mark.parametrize("how", HOW)
def test_the_heard_gap_and_all_its_parts(how: str) -> None:
    truth = Truth(callback=0.08, tool=0.9, playout=0.06, lost=0.25)
    turn = only_turn(truth, how)
    assert turn.gap == NEAR(truth.gap, abs=0.002)
    assert_whole(turn)
    parts = {kind: turn.part_seconds(kind) for kind in Kind}
    assert parts[Kind.STT] == NEAR(0.2, abs=0.002)
    assert parts[Kind.EOU] == NEAR(0.2, abs=0.002)  # 0.4 from the end of the speech, the transcript included
    assert parts[Kind.CALLBACK] == NEAR(0.08, abs=0.002)
    assert parts[Kind.TTFT] == NEAR(2 * 0.3, abs=0.002)
    assert parts[Kind.LLM] == NEAR(0.4 + 0.05, abs=0.002)
    assert parts[Kind.TOOL] == NEAR(0.9, abs=0.002)
    assert parts[Kind.TTS] == NEAR(0.12, abs=0.002)
    assert parts[Kind.PLAYOUT] == NEAR(0.06, abs=0.002)
    assert parts[Kind.UNEXPLAINED] == NEAR(0.25, abs=0.002)


@pytest.mark.parametrize("how", HOW)
def test_one_stage_for_each_real_thing_at_its_real_time(how: str) -> None:
    truth = Truth(tool=0.9)
    turn = only_turn(truth, how)
    kinds = [stage.kind for stage in turn.stages]
    assert sorted(kinds) == sorted(
        [Kind.USER, Kind.STT, Kind.EOU, Kind.LLM, Kind.LLM, Kind.TOOL, Kind.TTS, Kind.SPEECH]
    )
    (user,) = lengths(turn, Kind.USER)
    assert user == NEAR(1.5, abs=0.002)
    assert lengths(turn, Kind.LLM) == NEAR([0.7, 0.7], abs=0.002)
    assert lengths(turn, Kind.SPEECH) == NEAR([2.0], abs=0.01)
    models = [stage for stage in turn.stages if stage.kind is Kind.LLM]
    (truth,) = placed([truth])
    asked = START + truth.at + truth.speaks + truth.end_of_turn
    assert models[0].start == NEAR(asked, abs=0.002)
    assert models[0].first == NEAR(asked + truth.ttft, abs=0.002)
    assert turn.user_said == truth.user_text and turn.agent_said == truth.agent_text


def test_measured_and_derived_times_are_distinguished() -> None:
    ours, theirs = only_turn(Truth(), "ours"), only_turn(Truth(), "theirs")
    assert ours.gap_basis is Basis.MEASURED and theirs.gap_basis is Basis.DERIVED
    assert {stage.basis for stage in ours.stages} == {Basis.MEASURED}
    (model,) = [stage for stage in theirs.stages if stage.kind is Kind.LLM]
    assert model.basis is Basis.DERIVED


def test_duplicate_reports_are_merged_and_stay_reachable() -> None:
    turn = only_turn(Truth(), "theirs")
    (model,) = [stage for stage in turn.stages if stage.kind is Kind.LLM]
    (voice,) = [stage for stage in turn.stages if stage.kind is Kind.TTS]
    (transcription,) = [stage for stage in turn.stages if stage.kind is Kind.STT]
    assert [len(stage.spans) for stage in (model, voice, transcription)] == [2, 2, 2]


@pytest.mark.parametrize("how", HOW)
def test_a_call_of_all_kinds_of_turns(how: str) -> None:
    truths = placed(many(60, seed=4))
    call = folded(events_of(many(60, seed=4), how))
    assert len(call.turns) == 60
    for truth, turn in zip(truths, call.turns, strict=True):
        assert turn.gap == NEAR(truth.gap, abs=0.03)
        assert_whole(turn)
        assert (turn.part_seconds(Kind.UNEXPLAINED) or 0.0) == NEAR(truth.lost, abs=0.03)
        assert turn.interrupted is truth.interrupted
        assert (turn.user_said, turn.agent_said) == (truth.user_text, truth.agent_text)


def test_a_turn_that_is_reported_twice_is_one() -> None:
    caller = Caller()
    caller.begin()
    caller.theirs(Truth(at=0.5, speech="speech_1"))
    caller.at(6.0)
    again = caller.scribe.start(
        "voice_turn", None, caller.session, {}, trace_id=caller.scribe.new_id(), speech_id="speech_1"
    )
    caller.scribe.delta(again, {"agent_transcript": ""})
    caller.scribe.end(again)
    (turn,) = folded(caller.finish(7.0)).turns
    assert len(turn.sources) == 2
    assert turn.agent_said == "It is on its way."


def test_interruptions_false_ones_and_errors_are_marked_once() -> None:
    caller = Caller()
    caller.begin()
    caller.ours(Truth(at=0.5, interrupted=True))
    turn = next(event for event in caller.scribe.events if event.get("node_kind") == "voice_turn")
    at = START + 4.0
    extra = {
        "is_interruption": True,
        "probability": 0.94,
        "detection_delay": 0.2,
        "overlap_started_at": at,
    }
    caller.at(4.2)
    opened = _opened(turn)
    caller.scribe.delta(opened, extra)
    caller.scribe.delta(opened, {"false_interruption": True, "resumed": True})
    error = {"stage": "stt", "type": "STTError", "message": "hung up", "recoverable": True}
    caller.scribe.delta(opened, {"error_event": error})
    (folded_turn,) = folded(caller.finish(9.0)).turns
    marks = {mark.kind: mark for mark in folded_turn.marks}
    assert len(marks) == len(folded_turn.marks) == 3
    assert marks[MarkKind.INTERRUPTED].at == at and marks[MarkKind.INTERRUPTED].probability == 0.94
    assert marks[MarkKind.FALSE_INTERRUPTION].text == "the agent went on"
    assert marks[MarkKind.ERROR].text == "stt: hung up (it tries again)"


def test_an_error_that_only_the_session_reports_counts_once() -> None:
    caller = Caller()
    caller.begin()
    caller.theirs(Truth(at=0.5))
    opened = _opened(next(e for e in caller.scribe.events if e.get("node_kind") == "voice_turn"))
    error = {"stage": "stt", "type": "STTError", "message": "hung up", "recoverable": True}
    caller.at(1.0)
    caller.scribe.delta(caller.session, {"error_event": error})
    for span in (caller.session, opened):
        caller.at(2.0)
        caller.scribe.delta(span, {"error_event": {**error, "stage": "llm"}})
    call = folded(caller.finish(9.0))
    assert [mark.text for mark in call.turns[0].marks] == ["llm: hung up (it tries again)"]
    assert [text for _, text in call.call.errors] == ["stt: hung up (it tries again)"]


def test_a_tool_that_speaks_breaks_the_silence() -> None:
    caller = Caller()
    caller.begin()
    truth = Truth(at=0.5, tool=2.0)
    caller.ours(truth)
    asked = truth.at + truth.speaks + truth.end_of_turn
    caller.tick(asked + 1.0, "agent", "speaking")
    caller.tick(asked + 1.6, "agent", "thinking")
    (turn,) = folded(caller.finish(12.0)).turns
    assert turn.gap == NEAR(truth.end_of_turn + 1.0, abs=0.002)
    assert_whole(turn)


def test_a_typed_message_is_no_speech() -> None:
    caller = Caller()
    caller.begin()
    caller.at(1.0)
    turn = caller.scribe.start("voice_turn", None, caller.session, {}, trace_id=caller.scribe.new_id())
    item = {"transcript": "hello", "item_id": "i", "transcription_delay": None, "end_of_turn_delay": None}
    caller._span("voice_input", turn, 1.0, 1.0, item)
    caller.tick(1.4, "agent", "speaking")
    caller.at(2.0)
    caller.scribe.end(turn)
    (folded_turn,) = folded(caller.finish(2.0)).turns
    assert folded_turn.typed and folded_turn.gap == NEAR(0.4, abs=0.002)
    assert not lengths(folded_turn, Kind.USER)


def test_nobody_spoke_before_a_greeting() -> None:
    caller = Caller()
    caller.begin()
    caller.at(1.0)
    turn = caller.scribe.start("voice_turn", None, caller.session, {}, trace_id=caller.scribe.new_id())
    voice_payload = {"text": "Hello!", "playing_at": START + 1.2, "played_until": START + 2.0}
    caller._span("voice_output", turn, 1.1, 2.0, {}, voice_payload)
    caller.scribe.end(turn)
    (folded_turn,) = folded(caller.finish(2.0)).turns
    assert folded_turn.gap is None and not folded_turn.parts
    assert lengths(folded_turn, Kind.SPEECH) == NEAR([0.8], abs=0.001)


def test_a_running_turn_waits_longer_and_longer() -> None:
    caller = Caller()
    caller.begin()
    caller.at(1.0)
    turn = caller.scribe.start("voice_turn", None, caller.session, {}, trace_id=caller.scribe.new_id())
    caller._span("vad", turn, 1.0, 2.0, {})
    caller._span("eou", turn, 2.0, 2.5, {"end_of_utterance_delay": 0.5}, {})
    caller._span("llm", turn, 2.5, None, {"model": "mind"})
    call = folded(caller.scribe.take())
    call.call.session.is_gone = False
    (group,) = call.call.groups
    for now in (3.0, 4.0):
        running_turn = call.call.turn(group, START + now)
        assert running_turn.running and running_turn.waits_for(START + now) == NEAR(now - 2.0, abs=0.001)
        assert [part.kind for part in running_turn.parts] == [Kind.EOU, Kind.TTFT]
        assert running_turn.parts[-1].end == START + now


def _opened(event: Event) -> Open:
    return Open(event["span_id"], event["trace_id"], event["parent_span_id"], event["node_kind"], None)
