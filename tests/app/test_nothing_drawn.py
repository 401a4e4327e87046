"""While nothing happens nothing is drawn, whatever is open."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App
from textual.widgets import Input

from .world import World, world

STATES = {
    "the start": "",
    "a search with hits": "/ o r d e r enter",
    "a search without hits": "/ x y z z y",
    "a search in the list": "1 / o r d e r enter",
    "a filter of the list": "1 F",
    "a zoomed detail": "z",
    "a request": "r",
    "a diff": "d",
    "an agent": "a",
    "a conversation": "c",
    "the problems": "exclamation_mark",
    "the help": "question_mark",
    "the palette": "colon",
    "find everywhere": "ctrl+f",
    "the light theme": "t",
    "internals and a search": "i / o r d e r",
}


async def _filled(w: World, pilot: Any) -> None:
    w.source.connect()
    for number in range(3):
        agent = w.scribe.start("sub_agent", f"agent {number}", None, {"inputs": "{}"})
        call = w.scribe.start(
            "model", "model", agent, {"model": "gpt-5", "messages": [{"role": "user", "content": "order 1"}]}
        )
        w.scribe.end(call, {"response": {"content": "the order"}})
        tool = w.scribe.start("tool", "find_order", agent, {"input": '{"order": 1}'})
        w.scribe.end(tool, {"output": "an order"})
        w.scribe.end(agent, {"outputs": "{}"})
    for _ in range(4):
        await w.tick(pilot)


@pytest.mark.parametrize("keys", STATES.values(), ids=list(STATES))
async def test_nothing_is_drawn_while_nothing_happens(keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as (w, pilot):
        await _filled(w, pilot)
        footer = w.app.main.footer
        # What it says goes by the clock of the wall.
        monkeypatch.setattr(footer, "_draw_message", footer.refresh)
        await pilot.press(*keys.split())
        for field in w.app.screen.query(Input):
            field.cursor_blink = False  # by the clock of the wall, and only its own line
        footer.say_nothing()
        for _ in range(7):
            await w.tick(pilot)
        drawn = 0

        def count(self: App[None], screen: Any, renderable: Any) -> None:
            nonlocal drawn
            drawn += renderable is not None

        monkeypatch.setattr(App, "_display", count)
        for _ in range(10):
            await w.tick(pilot)
        assert drawn == 0
