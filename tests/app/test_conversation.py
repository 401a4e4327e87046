"""The conversation in the tree's place: it opens at its end, grows, leads to spans and goes away again."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

import pytest
from textual.color import Color
from textual.pilot import Pilot

from etaoi_tui.screens import conversation_controller
from etaoi_tui.widgets.colours import colours_of
from tests.app.world import World, world


def asked(text: str) -> dict[str, Any]:
    return {"inputs": json.dumps({"messages": [{"type": "human", "content": text}]})}


def response_of(text: str) -> dict[str, Any]:
    return {"outputs": json.dumps({"messages": [{"type": "ai", "content": text}]})}


def turn(w: World, n: int) -> None:
    """One question, a tool that works, one that does not, an agent below, and an answer."""
    scribe = w.scribe
    root = scribe.start(
        "sub_agent", "shop", payload=asked(f"where is order {n}?"), metadata={"thread_id": "t"}
    )
    for name, error in (("find_order", None), ("change_order", "locked")):
        tool = scribe.start("tool", name, root, payload={"input": json.dumps({"order": f"A-{n}"})})
        scribe.clock.advance(124_000)
        scribe.end(tool, {"output": "found"}, error=error)
    below = scribe.start("sub_agent", "critic", root, payload=asked(f"check {n}"))
    scribe.end(scribe.start("tool", "lookup", below, payload={"input": "{}"}), {"output": "ok"})
    scribe.end(below, response_of(f"fine {n}"))
    call = scribe.start("llm", "gpt", root, {"input_messages": [{"role": "human", "text": "?"}]})
    scribe.end(call, {"response": {"role": "ai", "text": f"it is at {n}"}})
    scribe.end(root, response_of(f"it is at {n}"))
    scribe.clock.advance(60_000_000)


def text(w: World) -> list[str]:
    talk = w.app.main.talk
    return [talk.render_line(y).text.rstrip() for y in range(talk.size.height)]


async def settle(w: World, pilot: Pilot[Any]) -> None:
    for _ in range(3):
        await w.tick(pilot)


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks come by hand here: each may draw, and the selection follows at once."""
    monkeypatch.setattr(conversation_controller, "_REDRAWN_AFTER", 0.0)
    monkeypatch.setattr(conversation_controller, "_POINTS_AFTER", 0.001)


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (160, 45)])
async def test_c_stands_in_the_trees_place_at_its_end_and_grows(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, pilot):
        main = w.app.main
        for n in range(8):
            turn(w, n)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        assert main.talk.display and main.focused is main.talk and not main.span_tree.display
        assert not w.app.screen.is_modal
        lines = text(w)
        assert any("it is at 7" in line for line in lines)
        line = [line for line in lines if "change_order" in line][-1]
        assert line.split() == ["⚒", "change_order", "A-7", "✗", "locked", "124ms"]
        assert any("⚒ find_order A-7" in line and "✗" not in line for line in lines)
        title = lines[0].split(" ", 1)[1]
        assert "Conversation" in title and "8 turns" in title and "8 calls · 24 tools" in title
        assert any("▸ ◇ ✓ critic" in line for line in lines) and not any("lookup" in line for line in lines)
        turn(w, 8)
        await settle(w, pilot)
        assert any("it is at 8" in line for line in text(w)) and main.talk.at_end
        await pilot.press("c")
        await settle(w, pilot)
        assert not main.talk.display and main.span_tree.display and main.focused is main.span_tree


async def test_a_tool_that_failed_is_red_in_the_conversation_and_no_other_is() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        turn(w, 0)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        talk = w.app.main.talk
        failure = Color.parse(colours_of(w.app)["failure"]).rich_color
        red = {}
        for y in range(talk.size.height):
            for segment in talk.render_line(y):
                if "_order" in segment.text:
                    red[segment.text.split()[1]] = segment.style.color == failure
        assert red == {"find_order": False, "change_order": True}


async def test_the_scroll_position_stays_while_turns_arrive_and_the_end_follows_again() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        for n in range(8):
            turn(w, n)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        await pilot.press("g")
        await settle(w, pilot)
        lines_before = text(w)
        assert any("where is order 0?" in line for line in lines_before)
        turn(w, 8)
        await settle(w, pilot)
        assert text(w)[5:] == lines_before[5:]
        await pilot.press("G")
        turn(w, 9)
        await settle(w, pilot)
        assert any("it is at 9" in line for line in text(w))


async def test_the_detail_follows_the_cursor_and_enter_goes_to_the_row_in_the_tree() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        main = w.app.main
        for n in range(3):
            turn(w, n)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        await pilot.press("g")
        for _ in range(40):
            target = main.conversation.target
            if target is not None and target.name == "change_order":
                break
            await pilot.press("j")
        deadline = monotonic() + 30
        while w.tree.cursor is not main.conversation.target and monotonic() < deadline:
            await w.tick(pilot)
        await settle(w, pilot)
        assert main.talk.display, "moving the cursor must not leave the conversation"
        assert w.tree.cursor.name == "change_order" and w.tree.cursor.error == "locked"
        assert main.selection.trace.number == 0
        assert main.detail.document.key.endswith(w.tree.cursor.span_id)
        await pilot.press("enter")
        await settle(w, pilot)
        assert not main.talk.display and main.focused is main.span_tree
        assert any("change_order" in line for line in w.lines())
        # And back at the same moment.
        await pilot.press("c")
        await settle(w, pilot)
        assert main.conversation.target is w.tree.cursor


async def test_an_agent_unfolds_with_its_tools_and_escape_leads_back() -> None:
    async with world(size=(120, 60)) as (w, pilot):
        turn(w, 0)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        await pilot.press("right_square_bracket")
        await settle(w, pilot)
        lines = text(w)
        places = [
            next(y for y, line in enumerate(lines) if words in line)
            for words in ("find_order", "change_order", "critic", "check 0", "lookup", "fine 0", "it is at 0")
        ]
        assert places == sorted(places)
        await pilot.press("escape")
        await settle(w, pilot)
        assert w.app.main.pane == "tree" and w.app.main.span_tree.display


async def test_the_detail_has_its_keys_beside_the_conversation_and_gives_them_back() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        main = w.app.main
        turn(w, 0)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        assert not main.detail.display
        await pilot.press("3")
        await settle(w, pilot)
        assert main.detail.display and main.talk.display and main.focused is main.detail
        await pilot.press("escape")
        await settle(w, pilot)
        assert main.focused is main.talk and not main.detail.display


async def test_going_to_an_error_shows_its_row() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        turn(w, 0)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        await pilot.press("e")
        await settle(w, pilot)
        assert w.app.main.span_tree.display and w.tree.cursor.name == "change_order"


async def test_a_tick_reads_nothing_of_turns_that_stand_still() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        for n in range(20):
            turn(w, n)
        await settle(w, pilot)
        await pilot.press("c")
        await settle(w, pilot)
        read: list[Any] = []
        original = w.app.main.payloads.event

        def event(ref: int) -> Any:
            read.append(ref)
            return original(ref)

        w.app.main.payloads.event = event
        turn(w, 20)
        w.source.send(w.scribe.take())
        w.app.main.detail_controller.apply = lambda changes: None
        w.app.tick()
        assert 0 < len(read) < 40
        read.clear()
        w.app.tick()
        assert not read


async def test_an_answer_has_its_bar_from_its_first_word_on() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        root = w.scribe.start("sub_agent", "shop", payload=asked("where?"), metadata={"thread_id": "t"})
        call = w.scribe.start("llm", "gpt", root, {"input_messages": [{"role": "human", "text": "?"}]})
        await w.tick(pilot)
        await pilot.press("c")
        w.scribe.say(call, "it is on its way")
        await settle(w, pilot)
        (line,) = (line for line in text(w) if "on its way" in line)
        assert "▎" in line
        w.scribe.end(call, {"response": {"role": "ai", "text": "it is on its way"}})
        w.scribe.end(root, response_of("it is on its way"))
        await settle(w, pilot)
        assert line in text(w), "its end moves nothing"


async def test_who_asks_for_the_agent_of_a_run_that_names_none_is_told_how_to_record_it() -> None:
    async with world() as (w, pilot):
        w.scribe.end(w.scribe.start("sub_agent", "shop"))
        await w.tick(pilot)
        await pilot.press("a")
        assert "etaoi_tui.attach(agent)" in w.message
