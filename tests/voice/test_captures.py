"""Recordings of the reference SDK: several traces are one call, no turn twice, each stage with its length."""

from __future__ import annotations

import pytest

from etaoi_tui.view.voice.labels import line_pieces
from etaoi_tui.view.voice.model import Kind, MarkKind
from etaoi_tui.view.voice.rows import lines_of
from etaoi_tui.view.voice.thresholds import Thresholds
from tests.voice.calls import recorded


def test_the_text_session_is_one_call_of_six_turns() -> None:
    call = recorded("s09a_livekit_text.msgpack")
    assert len(call.store.traces) == 7
    turns = call.turns
    assert [turn.user_said for turn in turns] == [
        turns[0].user_said,
        "do the broken thing",
        "billing please",
        "",
        "",
        "what about June?",
    ]
    assert turns[0].user_said.startswith("Hi, I am")
    assert turns[3].agent_said == "One moment, connecting you to billing."
    assert all(turn.typed for turn in turns if turn.user_said)
    calls = [stage for turn in turns for stage in turn.stages if stage.kind is Kind.LLM]
    assert len(calls) == 10
    assert all(stage.end is not None and stage.end - stage.start > 0.08 for stage in calls)
    assert all(stage.first is not None and 0.08 < stage.first - stage.start < 0.09 for stage in calls)
    assert not call.call.outside


def test_the_driven_session_is_one_call() -> None:
    call = recorded("s09c_livekit_driven.msgpack")
    assert len(call.store.traces) == 4
    first, second, third = call.turns
    assert (first.user_said, first.agent_said) == ("hello there agent", "Hello from the agent")
    assert first.e2e_latency == 0.9 and first.gap == pytest.approx(0.9)
    assert first.part_seconds(Kind.STT) == pytest.approx(0.2)
    assert first.part_seconds(Kind.EOU) == pytest.approx(0.22)
    assert first.part_seconds(Kind.CALLBACK) == pytest.approx(0.01)
    (model,) = [stage for stage in first.stages if stage.kind is Kind.LLM]
    assert model.end is not None and model.end - model.start == pytest.approx(0.9)
    assert len(model.spans) == 2
    (realtime,) = [stage for stage in second.stages if stage.kind is Kind.LLM]
    assert realtime.end is not None and realtime.end - realtime.start == pytest.approx(1.2)
    kinds = {mark.kind for mark in second.marks}
    assert {MarkKind.INTERRUPTED, MarkKind.FALSE_INTERRUPTION, MarkKind.HANDOFF, MarkKind.ERROR} == kinds
    assert third.user_said == "nobody answered this late" and third.gap is None
    assert [span.kind for span in call.call.outside] == ["vad"]


CALLS = ("s09a_livekit_text.msgpack", "s09c_livekit_driven.msgpack")
TOOK_NO_TIME = 0.000_5
"""Seconds: what the recorded program itself did in less."""


@pytest.mark.parametrize("name", CALLS)
def test_no_turn_comes_twice_and_every_span_is_reached(name: str) -> None:
    call = recorded(name)
    turns = call.turns
    sources = [span.span_id for turn in turns for span in turn.sources]
    assert len(sources) == len(set(sources))
    words = [(turn.user_said, turn.agent_said) for turn in turns if turn.user_said or turn.agent_said]
    assert len(words) == len(set(words))
    reported_ids = [span.span_id for turn in turns for span in turn.also]
    reported_ids += {span.span_id for turn in turns for stage in turn.stages for span in stage.spans}
    assert len(reported_ids) == len(set(reported_ids))
    kinds = {"voice_turn", "voice_input", "voice_output", "llm", "tool", "eou", "vad"}
    spans = {
        span.span_id: span.kind
        for trace in call.store.traces.values()
        for span in trace.spans
        if span.kind in kinds
    }
    outside = {span.span_id for span in call.call.outside}
    assert spans.keys() == {*sources, *reported_ids} | outside


@pytest.mark.parametrize("name", CALLS)
def test_no_stage_is_without_length_that_took_time(name: str) -> None:
    for turn in recorded(name).turns:
        for stage in turn.stages:
            assert stage.end is not None
            took = [span.ended_at - span.started_at for span in stage.spans if span.ended_at is not None]
            if stage.kind in (Kind.TOOL, Kind.SPEECH):
                # Two tools of the script fail at once, and in a text session nothing is spoken.
                assert stage.end - stage.start >= max(took) - TOOK_NO_TIME
            else:
                assert stage.end - stage.start > 0.005
                assert stage.end - stage.start > max(took), "the spans themselves are marks without length"


def test_an_error_that_is_a_code_is_put_in_words() -> None:
    call = recorded("s09c_livekit_driven.msgpack")
    (turn,) = [turn for turn in call.turns if turn.errors]
    lines = [
        "".join(text for text, _ in line_pieces(turn, line, 0.0, 100, 160, Thresholds()))
        for line in lines_of(turn)
    ]
    failed = [line for line in lines if "boom" in line]
    assert failed and all("returned an error" in line and "tool_error" not in line for line in failed)
