"""The search in a run as a person does it: typing, what rows say, what the detail marks, and back."""

from __future__ import annotations

import json
from typing import Any

from textual.pilot import Pilot

from .world import World, world

PROMPT = "Find the needle.\n" + "hay\n" * 120 + "The NEEDLE is thin.\n" + "hay\n" * 40


async def a_run(w: World, pilot: Pilot[Any]) -> None:
    """Two model calls; the word stands in the prompt of the second, three times, and in a tool's output."""
    scribe = w.scribe
    root = scribe.start("sub_agent", "researcher")
    for number in (1, 2):
        messages = [
            {"role": "system", "text": "Be short."},
            {"role": "user", "text": PROMPT if number == 2 else "Hello there."},
        ]
        call = scribe.start("llm", f"gpt-{number}", root, {"input_messages": messages})
        scribe.end(call, {"response": {"role": "ai", "text": "It is done."}})
    tool = scribe.start("tool", "look", root, {"input": '{"q": "x"}'})
    scribe.end(tool, {"output": "found " + "x" * 60 + " the needle behind it"})
    scribe.end(scribe.start("tool", "write", root, {"input": '{"q": "y"}'}), {"output": "nothing"})
    scribe.end(root, {"outputs": "{}"})
    await w.tick(pilot)
    w.tree.follow(False)
    w.tree.move_to(0)
    await settle(w, pilot)


async def settle(w: World, pilot: Pilot[Any]) -> None:
    await w.tick(pilot)
    await pilot.pause(0.1)
    for _ in range(4):
        await w.tick(pilot)


def row_of(w: World, name: str) -> str:
    row = next(row for row, span in enumerate(w.tree.rows.spans) if span.name == name)
    return "".join(text for text, _ in w.tree.draw_row(row, 0, 110))


def marked(w: World) -> list[str]:
    """What is marked in the lines of the detail that are on the screen; where the reader is in capitals."""
    pane = w.app.main.detail
    page = pane._page
    assert page is not None
    marked_words = []
    top = pane.scroll_offset.y
    for y in range(top, min(page.count, top + pane.size.height - 1)):
        line = "".join(text for text, _ in page.line(y).runs)
        for start, stop, look in pane.marks_of(y):
            word = line[start:stop].lower()
            marked_words.append(word.upper() if look == "match-here" else word)
    return marked_words


def note(w: World) -> str:
    return str(w.app.main.search_bar.query_one("#search-note").render())


async def test_which_prompt_has_a_word_is_read_in_the_rows() -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        await pilot.press("slash", *"needle")
        await settle(w, pilot)
        assert "in: " in row_of(w, "gpt-2") and "the needle." in row_of(w, "gpt-2")
        assert "needle" not in row_of(w, "gpt-1")
        assert "out: …" in row_of(w, "look") and "the needle behind" in row_of(w, "look")
        await pilot.press("escape")
        assert "in: " not in row_of(w, "gpt-2")


async def test_every_letter_searches_from_where_the_cursor_was_and_escape_goes_back() -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        w.tree.move_to(1)
        await pilot.press("slash")
        for typed in "needle":
            await pilot.press(typed)
            await w.tick(pilot)
        assert [hit.name for hit in w.tree.search.hits] == ["gpt-2", "look"]
        assert w.tree.cursor.name == "gpt-2"
        await pilot.press(*"xyz")
        await w.tick(pilot)
        assert w.tree.cursor.name == "gpt-1"
        await pilot.press("backspace", "backspace", "backspace")
        await w.tick(pilot)
        assert w.tree.cursor.name == "gpt-2"
        await pilot.press("escape")
        assert w.tree.cursor.name == "gpt-1"
        assert w.tree.search is None


async def test_a_search_from_below_a_hit_stays_below_it() -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        w.tree.move_to(3)
        assert w.tree.cursor.name == "look"
        await pilot.press("slash", *"needle")
        await w.tick(pilot)
        assert w.tree.cursor.name == "look"
        await pilot.press("enter", "ctrl+o")
        assert w.tree.cursor.name == "look"


async def test_a_confirmed_search_is_one_jump_to_come_back_from() -> None:
    async with world() as (w, pilot):
        await a_run(w, pilot)
        await pilot.press("slash", *"needle")
        await w.tick(pilot)
        await pilot.press("enter")
        assert w.tree.cursor.name == "gpt-2"
        await pilot.press("n", "escape", "ctrl+o")
        assert w.tree.cursor.name == "researcher"


async def test_n_walks_through_the_detail_and_on_to_the_next_hit() -> None:
    async with world(size=(120, 30)) as (w, pilot):
        await a_run(w, pilot)
        w.tree.move_to(1)
        await pilot.press("slash", *"needle", "enter")
        await settle(w, pilot)
        assert w.tree.cursor.name == "gpt-2"
        assert marked(w)[0] == "NEEDLE"
        assert note(w).startswith("match 1 of 2, 1 of 2 hits")
        await pilot.press("n")
        assert w.tree.cursor.name == "gpt-2"
        assert "NEEDLE" in marked(w)
        assert note(w).startswith("match 2 of 2")
        assert w.app.main.detail.scroll_offset.y > 100
        await pilot.press("n")
        assert w.tree.cursor.name == "look"
        await settle(w, pilot)
        assert marked(w) == ["NEEDLE"]
        await pilot.press("N")
        await settle(w, pilot)
        assert w.tree.cursor.name == "gpt-2"
        assert note(w).startswith("match 2 of 2")
        await pilot.press("escape")
        assert marked(w) == []


async def test_rows_that_the_search_unfolds_are_closed_again_and_rows_that_the_user_closes_stay_closed() -> (
    None
):
    async with world(size=(120, 30)) as (w, pilot):
        await a_run(w, pilot)
        w.tree.move_to(2)
        await settle(w, pilot)
        pane = w.app.main.detail
        pane.collapse_all()
        closed = {one.key for one in pane._page.sections if not pane._page.is_open(one)}
        assert closed
        await pilot.press("slash", *"needle", "enter")
        await settle(w, pilot)
        opened = {one.key for one in pane._page.sections if pane._page.is_open(one)}
        assert len(opened & closed) == 1
        assert marked(w)[0] == "NEEDLE"
        section = next(one for one in pane._page.sections if one.key in opened)
        pane.toggle_section(section)
        await settle(w, pilot)
        assert not pane._page.is_open(section)
        await pilot.press("escape")
        assert {one.key for one in pane._page.sections if not pane._page.is_open(one)} == closed


async def test_a_large_value_is_searched_while_keys_are_handled() -> None:
    async with world(size=(120, 30)) as (w, pilot):
        root = w.scribe.start("sub_agent", "run")
        big = w.scribe.start("tool", "big", root, {"input": "{}"})
        w.scribe.end(big, {"output": "hay and hay\n" * 90_000 + "the needle"})
        w.scribe.end(root, {"outputs": "{}"})
        await w.tick(pilot)
        w.tree.follow(False)
        w.tree.move_to(0)
        await pilot.press("slash", *"needle", "enter")
        await pilot.pause(0.1)
        pane = w.app.main.detail
        ticks = 0
        while not pane.occurrence_count[1]:
            lines = pane.line_count
            await w.tick(pilot)
            ticks += 1
            assert pane.line_count - lines < 80_000
            assert ticks < 2_000
        assert ticks > 3
        await w.tick(pilot)
        assert marked(w) == ["NEEDLE"]


async def test_a_row_shows_the_words_of_a_message_without_the_json_around_them() -> None:
    async with world() as (w, pilot):
        inputs = json.dumps({"messages": [{"type": "human", "content": "Do you ship to Oslo?"}]})
        root = w.scribe.start("sub_agent", "support", None, {"inputs": inputs})
        w.scribe.end(w.scribe.start("tool", "look", root, {"input": '{"city": "Oslo"}'}), {"output": "no"})
        w.scribe.end(root, {"outputs": "{}"})
        await w.tick(pilot)
        await pilot.press("2", "slash", *"Oslo")
        await settle(w, pilot)
        assert "support in: Do you ship to Oslo?  " in row_of(w, "support")
        assert 'city="Oslo"' in row_of(w, "look") or 'in: {"city": "Oslo' in row_of(w, "look")
