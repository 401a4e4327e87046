"""The lanes on the screen: where they stand, how they move, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from etaoi_tui.view.timeline import Axis
from etaoi_tui.view.voice import call_model as voice_call
from etaoi_tui.view.voice.build_turn import build_turn
from etaoi_tui.view.voice.lane_scale import LaneScale
from tests.app.world import World, world
from tests.scribe import Event
from tests.voice.calls import Truth, events_of, many


def lanes_text(viewer: World) -> list[str]:
    """The lines of the lanes, header included."""
    lanes = viewer.app.main.lanes
    return [lanes.render_line(y).text.rstrip() for y in range(lanes.size.height)]


async def show(viewer: World, pilot: Pilot[Any], events: list[Event]) -> None:
    """Let events arrive, and bring the screen up to them."""
    viewer.source.send(events)
    for _ in range(3):
        await viewer.tick(pilot)


async def press(viewer: World, pilot: Pilot[Any], *keys: str) -> None:
    """Press keys and let the screen follow."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        await viewer.tick(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 45), (200, 60)])
async def test_a_call_opens_as_lanes_and_v_changes_to_the_tree(size: tuple[int, int]) -> None:
    async with world(size=size, live=False) as (viewer, pilot):
        await show(viewer, pilot, events_of(many(5)))
        main = viewer.app.main
        assert main.in_lanes and main.lanes.display and not main.span_tree.display
        text = lanes_text(viewer)
        assert "5 turns" in text[0] and "heard gap" in text[1]
        assert "stt" in text[2] or "transcript" in text[2]
        assert sum("question" in line for line in text) == 5
        assert any("█" in line and "▒" in line for line in text[4:])
        assert "v tree" in " ".join(main.footer.render_line(0).text.split())
        await press(viewer, pilot, "v")
        assert not main.in_lanes and main.span_tree.display and main.focused is main.span_tree
        assert "v lanes" in " ".join(main.footer.render_line(0).text.split())
        await press(viewer, pilot, "v")
        assert main.in_lanes and main.focused is main.lanes


async def test_bars_drawn_before_the_tree_knows_its_width_are_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lanes hid it until now: its first picture comes before the message that says how wide it is."""
    async with world(live=False) as (viewer, pilot):
        agent = viewer.scribe.start("sub_agent", "planner")
        viewer.scribe.clock.advance(4_000_000)
        viewer.scribe.end(agent)
        await viewer.tick(pilot)
        tree = viewer.app.main.span_tree
        right = tree.painter.axis
        tree.painter.axis = Axis.over(right.start, right.start + right.seconds, 1)
        asked: list[Any] = []
        monkeypatch.setattr(tree, "refresh", lambda *regions, **_: asked.append(regions))
        tree.on_resize()
        assert tree.painter.axis == right
        assert () in asked  # all of it


async def test_both_views_stand_on_the_same_moment() -> None:
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events_of(many(5)))
        main = viewer.app.main
        await press(viewer, pilot, "j", "j", "j")
        turn = main.lanes.turn_at_cursor
        assert turn is not None and main.span_tree.cursor is turn.sources[0]
        await press(viewer, pilot, "l", "j", "j", "j")
        span = main.lanes.span_at_cursor
        assert span is not None and span.kind != "voice_turn" and main.span_tree.cursor is span
        await press(viewer, pilot, "v", "j")
        below = main.span_tree.cursor
        assert below is not None and below is not span
        await press(viewer, pilot, "v")
        call = main.lanes.call
        span_in_lanes = main.lanes.span_at_cursor
        assert call is not None and span_in_lanes is not None
        assert call.group_of(below) is call.group_of(span_in_lanes)


async def test_folding_and_the_worst_turn() -> None:
    truths = [Truth(), Truth(tool=3.0), Truth()]
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events_of(truths))
        lanes = viewer.app.main.lanes
        await press(viewer, pilot, "w")
        turn = lanes.turn_at_cursor
        assert turn is not None and lanes.cursor_row == 1 and lanes.row_count == 3
        await press(viewer, pilot, "space")
        assert lanes.row_count > 10 and any("tool find" in line for line in lanes_text(viewer))
        await press(viewer, pilot, "G", "space")
        assert any("agent speaks" in line for line in lanes_text(viewer)[-4:])
        await press(viewer, pilot, "w")
        await press(viewer, pilot, "left_square_bracket")
        assert lanes.row_count == 3
        await press(viewer, pilot, "right_square_bracket")
        assert lanes.row_count > 25
        await press(viewer, pilot, "j", "j", "h", "h", "h")
        assert lanes.turn_at_cursor is None
        cursor = viewer.app.main.span_tree.cursor
        assert cursor is not None and cursor.kind == "voice_session"


async def test_the_detail_takes_the_silence_apart() -> None:
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events_of([Truth(lost=0.5), Truth()]))
        await press(viewer, pilot, "w")
        document = viewer.app.main.detail.document
        assert document is not None and document.default == "turn"
        text = "\n".join(
            viewer.app.main.detail.render_line(y).text for y in range(viewer.app.main.detail.size.height)
        )
        assert "Heard gap" in text and "unexplained" in text and "500ms" in text
        assert "both ends are measured" in text
        targets = [section.target for section in document.tabs[0].sections if section.target]
        assert len(targets) > 5 and all(viewer.app.store.find_span(target) for target in targets)


async def test_errors_and_search_move_the_lanes_too() -> None:
    events = events_of(many(6))
    tools = [event for event in events if event.get("node_kind") == "tool" and event["kind"] == "span_end"]
    if not tools:
        tools = [e for e in events if e.get("node_kind") == "llm" and e["kind"] == "span_end"]
    tools[-1]["error"] = "tool_error"
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events)
        main = viewer.app.main
        await press(viewer, pilot, "e")
        call = main.lanes.call
        failed = viewer.app.store.find_span(tools[-1]["span_id"])
        assert failed is not None and call is not None
        turn = main.lanes.turn_at_cursor
        assert turn is not None and turn.sources[0] is failed.parent
        assert main.lanes.span_at_cursor is failed


async def test_the_axis_can_mean_three_things() -> None:
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events_of(many(5)))
        lanes = viewer.app.main.lanes
        pictures = set()
        for scale in (LaneScale.GAP, LaneScale.TURN, LaneScale.CALL):
            assert lanes.scale is scale
            pictures.add("\n".join(lanes_text(viewer)[4:]))
            await press(viewer, pilot, "X")
        assert len(pictures) == 3 and lanes.scale is LaneScale.GAP


async def test_live_the_states_stand_on_top_and_the_silence_grows() -> None:
    events = events_of([Truth(), Truth()], "theirs")
    agent = max(n for n, e in enumerate(events) if e["kind"] == "state_tick" and e["state"] == "thinking")
    async with world() as (viewer, pilot):
        viewer.app.main.span_tree.following = False
        await show(viewer, pilot, events[: agent + 1])
        assert "agent thinking" in lanes_text(viewer)[0] and "user listening" in lanes_text(viewer)[0]
        assert "agent thinking" in viewer.app.main.status_bar.render_line(0).text
        waiting = next(line for line in lanes_text(viewer)[1:] if " 2 " in line[:8])
        viewer.time += 1.5
        await viewer.tick(pilot)
        later = next(line for line in lanes_text(viewer)[1:] if " 2 " in line[:8])
        assert "…" in waiting and later != waiting
        await show(viewer, pilot, events[agent + 1 :])
        assert "agent" not in viewer.app.main.status_bar.render_line(0).text
        assert "ended" in lanes_text(viewer)[0] and not any(
            "…  " in line[:24] for line in lanes_text(viewer)[4:]
        )


async def test_the_cursor_of_a_call_that_is_followed_goes_to_each_turn_as_it_begins() -> None:
    events = events_of(many(3))
    begins = [
        n
        for n, one in enumerate(events)
        if (one["kind"], one.get("node_kind")) == ("span_start", "voice_turn")
    ]
    assert len(begins) == 3
    async with world() as (viewer, pilot):
        main = viewer.app.main
        await show(viewer, pilot, events[: begins[1]])
        assert main.in_lanes and main.span_tree.following
        for row, begin in enumerate(begins[1:], 1):
            viewer.source.send(events[begin : begin + 1])
            await viewer.tick(pilot)
            turn = main.lanes.turn_at_cursor
            assert turn is not None and main.selection.span in turn.sources
            assert main.lanes.cursor_row == row
            following = [n for n in begins if n > begin]
            viewer.source.send(events[begin + 1 : min(following, default=len(events))])
            await viewer.tick(pilot)


async def test_another_run_of_the_same_session_keeps_its_tree() -> None:
    async with world(live=False) as (viewer, pilot):
        events = events_of(many(2))
        await show(viewer, pilot, events)
        scribe = viewer.scribe
        scribe.session_id = events[0]["session_id"]
        root = scribe.start("sub_agent", "researcher")
        scribe.end(root)
        await viewer.tick(pilot)
        main = viewer.app.main
        main.show_trace(viewer.app.store.traces[root.trace_id])
        assert not main.in_lanes
        await press(viewer, pilot, "v")
        assert not main.in_lanes


async def test_a_cleared_view_has_no_lanes() -> None:
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events_of(many(2)))
        await press(viewer, pilot, "ctrl+l")
        assert not viewer.app.main.in_lanes and not viewer.app.main.lanes.row_count


async def test_hostile_words_reach_no_screen() -> None:
    ugly = "\x1b]52;c;aGFja2Vk\x07 \u202egnp.exe [/bold] \x9b2J\u200b"
    events = events_of([Truth(user_text=ugly, agent_text=ugly), Truth()])
    async with world(live=False) as (viewer, pilot):
        await show(viewer, pilot, events)
        await press(viewer, pilot, "right_square_bracket", "j", "j")
        drawn = "\n".join(lanes_text(viewer))
        drawn += "\n".join(viewer.app.main.detail.render_line(y).text for y in range(30))
        assert not set(drawn) & set("\x1b\x07\u202e\x9b\u200b")


async def _folds(turns: int, monkeypatch: pytest.MonkeyPatch, work: Callable[..., Any]) -> tuple[int, int]:
    """Count the turns that are folded while something is done, and the most of them on the screen."""
    folded = 0
    fold = build_turn

    def counted(*args: Any) -> Any:
        nonlocal folded
        folded += 1
        return fold(*args)

    monkeypatch.setattr(voice_call, "build_turn", counted)
    async with world(size=(120, 40)) as (viewer, pilot):
        viewer.app.main.span_tree.following = False
        events = events_of(many(turns))
        late = events[-60:-30]
        await show(viewer, pilot, events[:-60])
        call = viewer.app.main.lanes.call
        assert call is not None
        call.work(60.0)
        await viewer.tick(pilot)
        folded = 0
        await work(viewer, pilot, late)
        return folded, viewer.app.main.lanes.rows_shown


async def test_keys_and_ticks_cost_the_same_at_hundreds_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keys(viewer: World, pilot: Pilot[Any], late: list[Event]) -> None:
        await press(viewer, pilot, "j", "j", "G", "k", "pageup", "space", "j", "v", "v", "g")

    async def arrivals(viewer: World, pilot: Pilot[Any], late: list[Event]) -> None:
        await show(viewer, pilot, late)

    for work in (keys, arrivals):
        few, _ = await _folds(30, monkeypatch, work)
        many_, rows = await _folds(300, monkeypatch, work)
        assert many_ <= few + rows
