"""Pictures of the list of runs and of the first line: a long chat, three agents at once, a question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.app.world import World
from tests.screens.test_snapshots import ANSI, DARK, LIGHT, MEDIUM, NARROW, WIDE, same_everywhere
from tests.scribe import Scribe

__all__ = ["same_everywhere"]

LARGE = (200, 60)
QUESTIONS = (
    "where is my order A-1007?",
    "and can I have 30 of them?",
    "by when does it arrive?",
    "is it cheaper elsewhere?",
)


def turn(scribe: Scribe, number: int, thread: str | None, agent: str, model: str, *, fails: bool) -> None:
    """A run: a model call and a tool call."""
    question = QUESTIONS[number % len(QUESTIONS)]
    metadata = {"lc_chain_kind": "sub_agent"} | ({"thread_id": thread} if thread else {})
    inputs = f'{{"messages": [{{"type": "human", "content": "{question}"}}]}}'
    root = scribe.start("sub_agent", agent, None, {"inputs": inputs}, metadata=metadata, agent=agent)
    call = scribe.start("llm", model, root, metadata={"ls_model_name": model, "ls_provider": "openai"})
    scribe.clock.advance(400_000)
    used = {"input_tokens": 400 + 150 * number, "output_tokens": 40}
    scribe.end(call, {"model_name": model, "usage": used, "response": {"text": "Let me look."}})
    tool = scribe.start("tool", "find_order", root, {"input": '{"order": "A-1007"}'})
    scribe.clock.advance(90_000 + 31_000 * (number % 7))
    error = "RuntimeError('order A-1007 is locked')" if fails else None
    scribe.end(tool, {"output": "open"}, error=error)
    scribe.end(root, {"outputs": "{}"}, error=error)
    scribe.clock.advance(4_000_000)


def a_day(scribe: Scribe) -> None:
    """Thirty turns of one chat, a few runs beside it, and a model without a price."""
    for number in range(30):
        turn(scribe, number, "chat-7f", "shop-bot", "gpt-4o-mini", fails=number == 12)
        if number % 12 == 3:
            turn(scribe, number, None, "indexer", "nobody-knows", fails=False)
    for number in range(3):
        turn(scribe, number, "chat-80", "shop-bot", "gpt-4o-mini", fails=number == 2)


def three_at_once(scribe: Scribe) -> None:
    """An agent that waits for a tool, one whose model streams, and one that waits for a person."""
    ask = "GraphInterrupt((Interrupt(value='May I drop the table orders_2019?', id='1'),))"
    scribe.end(scribe.start("sub_agent", "dba", agent="dba"), error=ask)
    researcher = scribe.start("sub_agent", "researcher", agent="researcher")
    scribe.start("tool", "fetch_page", researcher, {"input": '{"url": "https://docs.example.org/1.0"}'})
    bot = scribe.start("sub_agent", "shop-bot", metadata={"thread_id": "chat-7f"}, agent="shop-bot")
    call = scribe.start("llm", "gpt-5", bot)
    for _ in range(12):
        scribe.clock.advance(100_000)
        scribe.say(call, "It arrives by Thursday; ")


PICTURES = [
    ("list", LARGE, DARK, False, ("1",)),
    ("list", WIDE, LIGHT, False, ("1",)),
    ("list", MEDIUM, DARK, False, ("1",)),
    ("list", NARROW, DARK, False, ("1",)),
    ("live", WIDE, DARK, True, ()),
    ("live", LARGE, ANSI, True, ()),
    ("live", NARROW, DARK, True, ()),
    ("filtered", WIDE, DARK, False, ("1", "slash", *"status:error", "enter")),
    ("sorted", NARROW, LIGHT, False, ("1", "S")),
    ("facets", MEDIUM, DARK, False, ("F",)),
]


@pytest.mark.parametrize(
    ("size", "theme", "live", "keys"),
    [picture[1:] for picture in PICTURES],
    ids=[f"{name}-{size[0]}x{size[1]}" for name, size, *_ in PICTURES],
)
def test_runs(
    size: tuple[int, int], theme: str, live: bool, keys: tuple[str, ...], snap_compare: Any
) -> None:
    world = World(live=live)

    def run() -> Callable[[Pilot[Any]], Awaitable[None]]:
        async def play(pilot: Pilot[Any]) -> None:
            world.app.theme = theme
            world.source.connect()
            a_day(world.scribe)
            if live:
                three_at_once(world.scribe)
            await world.tick(pilot)
            for key in ("", "", *keys):
                if key:
                    await pilot.press(key)
                await world.tick(pilot)
            await world.finish(pilot)
            await pilot.pause()

        return play

    assert snap_compare(world.app, terminal_size=size, run_before=run())
