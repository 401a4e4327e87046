"""Questions about more than one run, and how many keys their answers take: over a chat of thirty turns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from etaoi_collector.pricing.book import price_book
from tests.app.world import World, world

TURNS = 30
FAILED, SLOW, ODD = 11, 7, 21
"""Turns in which a tool fails, takes long, and is asked about a word that stands nowhere else."""
CALLS = 4


def turn(w: World, number: int) -> None:
    """A run of the chat: a question, model calls with a tool between each, an answer."""
    scribe = w.scribe
    asked = f"question {number}" + (" about zebrafish" if number == ODD else "")
    thread = {"lc_chain_kind": "sub_agent", "thread_id": "chat-1"}
    run = scribe.start("sub_agent", "support", None, {"inputs": f'{{"input": "{asked}"}}'}, metadata=thread)
    model = {"ls_model_name": "gpt-4o", "ls_provider": "openai"}
    for call in range(CALLS):
        messages = [{"role": "human", "text": f"{asked}, call {call}"}]
        asks = scribe.start("llm", "gpt-4o", run, {"input_messages": messages}, metadata=model)
        scribe.end(asks, {"usage": {"input_tokens": 1_000, "output_tokens": 100}})
        tool = scribe.start("tool", "find_order", run, {"input": "{}"})
        scribe.clock.advance(9_000_000 if (number, call) == (SLOW, 1) else 1_000)
        failed = "ValueError('locked')" if (number, call) == (FAILED, 2) else None
        scribe.end(tool, {"output": "x"}, error=failed)
    scribe.end(run, {"outputs": "{}"}, error="ValueError('locked')" if number == FAILED else None)


class Counted:
    """Presses keys, and counts them."""

    def __init__(self, w: World, pilot: Pilot[Any]) -> None:
        self.w, self.pilot = w, pilot
        self.keys = 0

    async def press(self, *keys: str) -> None:
        """Press keys, and let the screen follow."""
        self.keys += len(keys)
        await self.pilot.press(*keys)
        await self.w.tick(self.pilot)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let time pass until something holds."""
        for _ in range(50):
            if holds():
                return
            await self.w.tick(self.pilot)
        raise AssertionError(self.screen_text)

    @property
    def cursor(self) -> Any:
        """The span that is selected."""
        return self.w.app.main.selection.span

    @property
    def list_text(self) -> str:
        """What the list of runs shows."""
        runs = self.w.app.main.traces
        return "\n".join(runs.render_line(y).text for y in range(runs.size.height))

    @property
    def screen_text(self) -> str:
        """Everything that is shown."""
        return "\n".join(strip.text for strip in self.w.app.screen._compositor.render_strips())

    @property
    def detail_text(self) -> str:
        """What the detail shows."""
        detail = self.w.app.main.detail
        region = detail.region
        strips = detail.screen._compositor.render_strips()
        return "\n".join(strip.text[region.x : region.right] for strip in strips[region.y : region.bottom])


@pytest.fixture(autouse=True)
def prices() -> None:
    """Prices are there; loading them takes half a second."""
    price_book().load()


both_ways = pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])


@asynccontextmanager
async def chat(live: bool) -> AsyncIterator[Counted]:
    async with world(live=live) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        for number in range(TURNS):
            turn(w, number)
        await w.tick(pilot)
        w.tree.follow(False)
        await pilot.press("g")
        await w.tick(pilot)
        yield Counted(w, pilot)


def turn_of(w: World, number: int) -> Any:
    """The trace of a turn."""
    return list(w.app.store.traces.values())[number]


@both_ways
async def test_which_run_failed_takes_one_key(live: bool) -> None:
    async with chat(live) as at:
        await at.press("e")
        assert at.w.app.main.selection.trace is turn_of(at.w, FAILED)
        assert (at.cursor.name, at.cursor.error) == ("find_order", "ValueError('locked')")
        assert at.keys == 1


@both_ways
async def test_the_cost_of_a_chat_takes_no_key(live: bool) -> None:
    """Four calls in each of thirty turns, of 1,000 tokens in and 100 out, at $2.50 and $10 a million."""
    async with chat(live) as at:
        await at.until(lambda: "$0.420" in at.list_text)
        assert at.keys == 0


@both_ways
async def test_a_word_in_any_prompt_takes_two_keys_and_the_word(live: bool) -> None:
    async with chat(live) as at:
        await at.press("1", "slash", *"zebrafish")
        assert at.w.app.main.traces.rows.runs == 1
        await at.until(lambda: "zebrafish" in at.screen_text)
        assert at.keys == 2 + len("zebrafish")


@both_ways
async def test_the_request_of_the_third_model_call_takes_four_keys(live: bool) -> None:
    async with chat(live) as at:
        run = at.w.app.main.selection.trace
        await at.press("right_parenthesis", "right_parenthesis", "right_parenthesis", "r")
        calls = sorted((one for one in run.spans if one.kind == "llm"), key=lambda one: one.started_at)
        assert at.cursor is calls[2]
        assert at.w.app.main.detail.tab == "request"
        await at.until(lambda: f"question {TURNS - 1}, call 2" in at.detail_text)
        assert at.keys == 4


@both_ways
async def test_the_slowest_tool_of_the_session_takes_one_key(live: bool) -> None:
    async with chat(live) as at:
        await at.press("w")
        assert at.w.app.main.selection.trace is turn_of(at.w, SLOW)
        assert (at.cursor.name, round(at.cursor.ended_at - at.cursor.started_at)) == ("find_order", 9)
        assert at.keys == 1


async def test_the_third_call_takes_four_keys_while_the_run_is_followed() -> None:
    async with chat(live=True) as at:
        scribe = at.w.scribe
        run = scribe.start("sub_agent", "support", None, {"inputs": '{"input": "more"}'})
        for number in range(1, 5):
            messages = [{"role": "human", "text": f"more, call {number}"}]
            call = scribe.start("llm", "gpt-4o", run, {"input_messages": messages})
            scribe.say(call, "words")
            if number < 4:
                scribe.end(call, {"usage": {"input_tokens": 1_000, "output_tokens": 100}})
        await at.w.tick(at.pilot)
        await at.pilot.press("f")
        await at.until(lambda: at.cursor.span_id == call.span_id)
        await at.press("right_parenthesis", "right_parenthesis", "right_parenthesis", "r")
        await at.until(lambda: "more, call 3" in at.detail_text)
        assert at.keys == 4 and at.w.app.main.detail.tab == "request"


async def test_behind_the_last_call_comes_the_first_and_it_says_so() -> None:
    async with chat(live=False) as at:
        for _ in range(CALLS):
            await at.press("right_parenthesis")
        assert not at.w.message
        await at.press("right_parenthesis")
        assert at.w.message == "Round the end of the run: its first model call."
        first = at.cursor
        await at.press("left_parenthesis")
        assert at.w.message == "Round the beginning of the run: its last model call."
        assert at.cursor.started_at > first.started_at
        await at.press("b")
        assert at.cursor.name == "support"
        await at.press("b")
        assert at.w.message == "This is the run's only agent."
