"""The reference SDK tells a run and the call that it works for in two sessions: here they are joined."""

from __future__ import annotations

from etaoi_collector.store import Store
from etaoi_tui.detail.pages.voice_turn import sections
from etaoi_tui.feed import Feed
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.linked_runs import LinkedRuns, parts_of
from etaoi_tui.view.voice.model import Kind
from etaoi_tui.view.voice.rows import lines_of
from etaoi_tui.view.voice.thresholds import Thresholds
from tests.app.world import FedSource, world
from tests.scribe import Event, Scribe
from tests.voice.calls import START, Truth, events_of, folded
from tests.voice.test_screen import lanes_text, press, show

TURNS = [Truth(speech="speech_first"), Truth(speech="speech_second", user_text="where is it")]


def run_for(speech: str, name: str, at: float) -> list[Event]:
    """A LangChain run inside a turn, as the reference tells it: another session, another trace, one key."""
    scribe = Scribe(f"run {name}")
    scribe.clock.at = round((START + at) * 1_000_000)
    metadata = {"lk_speech_id": speech, "lc_chain_kind": "sub_agent"}
    root = scribe.start("sub_agent", name, metadata=metadata)
    model = scribe.start("llm", "mind", root, {"input_messages": []}, metadata={"lk_speech_id": speech})
    scribe.clock.advance(300_000)
    scribe.end(model, {"response": {"role": "ai", "text": "", "tool_calls": []}})
    tool = scribe.start("tool", "find", root, {"input": "{}"})
    scribe.clock.advance(200_000)
    scribe.end(tool, {"output": "found"})
    scribe.end(root, {"outputs": "{}"})
    return scribe.take()


def events() -> list[Event]:
    """A call, with a run in its second turn and one of no turn at all."""
    call = events_of(TURNS, "theirs")
    return [*call, *run_for("speech_second", "desk", 9.0), *run_for("speech_elsewhere", "other", 9.0)]


def test_a_run_belongs_to_the_turn_of_its_speech() -> None:
    result = folded(events())
    call = VoiceCall(
        result.call.session, result.source, LinkedRuns(result.source, result.store.traces.values())
    )
    first, second = call.turns()
    assert not first.runs
    (run,) = second.runs
    assert run.name == "desk" and run.trace.session is not call.session
    assert [line.run for line in lines_of(second) if line.run is not None] == [run]
    assert [part.kind for part in parts_of(run, 0.0)] == [Kind.TOOL, Kind.LLM]
    assert [round(part.seconds, 2) for part in parts_of(run, 0.0)] == [0.2, 0.3]
    page = [one for one in sections(second, START, Thresholds()) if one.target == run.span_id]
    assert page and "desk" in page[0].title


async def test_one_key_leads_to_the_run_and_back() -> None:
    call = events_of(TURNS, "theirs")
    async with world(size=(160, 45), live=False) as (viewer, pilot):
        await show(viewer, pilot, call)
        main = viewer.app.main
        main.span_tree.following = False
        await show(viewer, pilot, run_for("speech_second", "desk", 9.0))
        await press(viewer, pilot, "2", "G", "l", "G")
        assert any("run desk" in line for line in lanes_text(viewer))
        run = main.lanes.run_at_cursor
        assert run is not None and run.name == "desk"
        voice = main.span_tree.rows.trace
        await press(viewer, pilot, "v")
        assert main.span_tree.rows.trace is run.trace and main.span_tree.cursor is run and not main.in_lanes
        assert "v lanes" in " ".join(main.footer.render_line(0).text.split())
        await press(viewer, pilot, "j", "v")
        assert main.span_tree.rows.trace is voice and main.in_lanes
        turn = main.lanes.turn_at_cursor
        assert turn is not None and turn.user_said == "where is it"


def test_a_run_with_unreadable_metadata_belongs_to_no_turn() -> None:
    strange = run_for("speech_second", "desk", 9.0)
    for event in strange:
        if event["kind"] == "span_start":
            event["metadata"] = {"lk_speech_id": 7, "name": "desk"}
    result = folded([*events_of(TURNS, "theirs"), *strange])
    runs = LinkedRuns(result.source, result.store.traces.values())
    assert (
        not runs.of("speech_second")
        and runs.speech_of(next(iter(result.store.traces.values())).roots[0]) is None
    )


def test_a_run_of_which_a_step_arrives_first_is_found_when_it_begins() -> None:
    source, store = FedSource(), Store()
    source.connect()
    feed = Feed(source, store)
    runs = LinkedRuns(source)
    begin, *steps = run_for("speech_second", "desk", 9.0)
    nothing: set[str] = set()
    for part, speeches in ((steps, nothing), ([begin], {"speech_second"})):
        source.send(part)
        feed.work(10_000, 0.0)
        assert runs.apply(store.drain_changes()) == speeches
    (run,) = runs.of("speech_second")
    assert run.name == "desk" and runs.speech_of(run) == "speech_second"


def test_a_run_that_left_memory_is_forgotten() -> None:
    source, store = FedSource(), Store(max_spans=6)
    source.connect()
    feed = Feed(source, store)
    runs = LinkedRuns(source)
    for number in range(20):
        source.send(run_for(f"speech {number}", f"desk {number}", float(number)))
        feed.work(10_000, 0.0)
        runs.apply(store.drain_changes())
    assert store.evicted_traces > 10
    remaining = [number for number in range(20) if runs.of(f"speech {number}")]
    assert remaining and len(remaining) == len(store.traces)
    assert set(runs._in) == set(store.traces.values())
    assert len(runs._of) == len(runs._speech) == len(remaining)
