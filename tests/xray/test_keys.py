"""The keys of calls and agents in the real app: compare, mark, side by side, the pages, the ways back."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from etaoi_tui.widgets.detail_pane import DetailPane
from tests.app.world import World, world


async def two_calls(w: World, pilot: Pilot[Any]) -> None:
    """An agent that calls its model twice, the second time with an edited prompt."""
    scribe = w.scribe
    root = scribe.start(
        "sub_agent", "researcher", payload={"inputs": '{"messages": [["user", "what is new?"]]}'}
    )
    for n, prompt in enumerate(("Be brief.", "Be very brief.")):
        messages = [{"role": "system", "text": prompt}, {"role": "human", "text": "what is new?"}]
        call = scribe.start("llm", f"gpt-{n}", root, {"input_messages": messages})
        scribe.end(call, {"response": {"role": "ai", "text": f"answer {n}"}})
    scribe.end(root, {"outputs": '{"messages": [["user", "what is new?"], ["assistant", "nothing"]]}'})
    await w.tick(pilot)
    w.tree.follow(False)
    w.tree.move_to(2)
    await pilot.pause()


def page_text(pane: DetailPane) -> str:
    page = pane._page
    assert page is not None
    return "\n".join("".join(text for text, _ in page.line(y).runs) for y in range(page.count))


async def test_d_compares_with_the_call_before_and_D_with_the_marked_one() -> None:
    async with world(size=(120, 60)) as (w, pilot):
        await two_calls(w, pilot)
        detail = w.app.main.detail
        await pilot.press("d")
        await w.tick(pilot)
        assert detail.tab == "diff"
        text = page_text(detail)
        assert "Against the call before" in text
        assert "Be very brief." in text
        w.tree.move_to(1)
        await pilot.press("m")
        w.tree.move_to(2)
        await pilot.press("D")
        await w.tick(pilot)
        assert "the marked call" in page_text(detail)
        await pilot.press("s")
        await w.tick(pilot)
        assert " │ " in page_text(detail)
        await pilot.press("r")
        await w.tick(pilot)
        assert detail.tab == "request"


async def test_a_marked_call_has_a_sign_until_the_mark_is_removed() -> None:
    async with world(size=(160, 40)) as (w, pilot):
        await two_calls(w, pilot)

        def signs() -> list[bool]:
            return ["◈ marked" in w.tree.render_line(y).text for y in range(1, w.tree.row_count + 1)]

        w.tree.move_to(1)
        await pilot.press("m")
        assert signs() == [row == 1 for row in range(w.tree.row_count)]
        w.tree.move_to(2)
        await pilot.press("m")
        assert signs() == [row == 2 for row in range(w.tree.row_count)]
        await pilot.press("m")
        assert not any(signs())


async def test_the_request_of_a_call_opens_from_the_row_of_its_agent_or_a_message_says_there_is_none() -> (
    None
):
    async with world(size=(120, 40)) as (w, pilot):
        await two_calls(w, pilot)
        w.tree.move_to(0)
        assert w.tree.cursor.kind == "sub_agent"
        await pilot.press("d")
        await pilot.pause()
        assert w.tree.cursor.kind == "llm" and w.app.main.detail.tab == "diff"
        w.scribe.end(w.scribe.start("tool", "alone"))
        await w.tick(pilot)
        w.app.main.show_trace(w.app.main.traces.rows.newest())
        await pilot.pause()
        await pilot.press("r")
        await pilot.pause()
        assert w.message == "There is no model call (✦) near this row."


async def test_keys_say_when_they_do_not_apply() -> None:
    async with world(size=(120, 40)) as (w, pilot):
        await two_calls(w, pilot)
        w.tree.move_to(0)
        for key, words in (
            ("m", "Only model calls"),
            ("D", "No call is marked"),
            ("a", "Nothing tells what this agent is"),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert words in w.message
