"""Search, errors, facets and jumps go through all runs, not only the one that is open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from etaoi_tui.screens.facets import FacetPicker
from etaoi_tui.view.layout import Layout
from tests.app.world import World, world


def run(w: World, name: str, *, thread: str | None = None, tool: str = "search", fails: bool = False) -> None:
    """A run with a model call and a tool call."""
    scribe = w.scribe
    root = scribe.start("sub_agent", name, metadata={"thread_id": thread} if thread else {}, agent=name)
    scribe.end(scribe.start("llm", "gpt-5", root, metadata={"ls_model_name": "gpt-5"}), {"response": {}})
    call = scribe.start("tool", tool, root, {"input": f'{{"about": "{name}"}}'})
    scribe.clock.advance(1_000_000 if tool == "slow" else 1_000)
    scribe.end(call, {"output": "done"}, error="ValueError('no')" if fails else None)
    scribe.end(root, {"outputs": "{}"}, error="ValueError('no')" if fails else None)


async def five(w: World, pilot: Pilot[Any]) -> None:
    """Five runs: alpha, beta (fails), gamma, delta (fails), epsilon; the newest is shown."""
    for name in ("alpha", "beta", "gamma", "delta", "epsilon"):
        run(w, name, thread=name, fails=name in ("beta", "delta"))
    await w.tick(pilot)
    w.tree.follow(False)
    w.app.main.show_trace(w.app.main.traces.newest())
    await w.tick(pilot)


def shown_run(w: World) -> str:
    return str(w.tree.rows.trace.roots[0].name)


def note(w: World) -> str:
    return str(w.app.main.search_bar.query_one("#search-note").render())


def listed(w: World) -> list[str]:
    return [item.roots[0].name for item in w.app.main.traces.rows.items]


async def test_e_goes_on_into_the_next_run_that_failed_and_around() -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        visited = []
        for key in ("e", "e", "e", "E", "E"):
            await pilot.press(key)
            visited.append((shown_run(w), w.tree.cursor.name))
        assert [name for name, _ in visited] == ["delta", "beta", "delta", "beta", "delta"]
        assert {tool for _, tool in visited} == {"search"}


async def test_e_begins_with_the_failure_that_ended_the_run_and_comes_to_handled_ones_after_it() -> None:
    async with world() as (w, pilot):
        scribe = w.scribe
        root = scribe.start("sub_agent", "researcher")
        for name in ("first", "second"):
            scribe.end(scribe.start("tool", name, root), error=f"TimeoutError('{name}')")
        scribe.end(scribe.start("llm", "gpt-5", root), {"response": {"text": "Another way, then."}})
        inner = scribe.start("sub_agent", "writer", root)
        scribe.end(scribe.start("tool", "publish", inner), error="KeyError('title')")
        scribe.end(inner, error="KeyError('title')")
        scribe.end(root, error="RuntimeError('KeyError')")
        await w.tick(pilot)
        w.tree.follow(False)
        await pilot.press("2", "g")
        visited = []
        for key in ("e", "e", "e", "e", "E", "E"):
            await pilot.press(key)
            visited.append(w.tree.cursor.name)
        assert visited == ["publish", "first", "second", "publish", "second", "first"]
        await pilot.press("g", "e")
        assert w.tree.cursor.name == "first", "what ended it was seen: on in order from the cursor"


async def test_e_reports_no_errors_only_when_there_are_none() -> None:
    async with world() as (w, pilot):
        for name in ("one", "two"):
            run(w, name)
        await w.tick(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert w.message == "No errors in 2 runs."


async def test_a_search_without_hits_in_this_run_names_other_runs_and_n_goes_there() -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        await pilot.press("2", "slash", *"beta")
        await w.tick(pilot)
        assert "0 hits here, more in 1 other run" in note(w)
        await pilot.press("enter")
        assert shown_run(w) == "beta"
        assert w.tree.cursor in w.tree.search.hits
        await pilot.press("escape", "slash", *"kind:tool", "enter", "n")
        names = {shown_run(w)}
        for _ in range(4):
            await pilot.press("n")
            names.add(shown_run(w))
        assert names == {"alpha", "beta", "gamma", "delta", "epsilon"}
        await pilot.press("N")
        await w.tick(pilot)
        assert w.tree.cursor in w.tree.search.hits


async def test_in_the_list_only_runs_with_hits_are_listed_and_more_as_they_come() -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        await pilot.press("1", "slash", *"status:error")
        await w.tick(pilot)
        assert listed(w) == ["delta", "beta"]
        assert "2 of 5 runs" in note(w)
        assert "/status:error" in w.app.main.traces.render_line(0).text
        run(w, "zeta", thread="zeta", fails=True)
        run(w, "eta", thread="eta")
        await w.tick(pilot)
        await w.tick(pilot)
        assert listed(w) == ["zeta", "delta", "beta"]
        await pilot.press("enter")
        assert w.app.main.pane == "traces"
        await pilot.press("escape")
        await w.tick(pilot)
        assert len(listed(w)) == 7


async def test_a_filter_is_saved_by_name_and_survives_a_restart(tmp_path: Any) -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        await pilot.press("1", "slash", *"@bad=status:error", "enter")
        await w.tick(pilot)
        assert listed(w) == ["delta", "beta"]
        await pilot.press("escape", "slash", *"@bad beta", "enter")
        await w.tick(pilot)
        assert listed(w) == ["beta"]
        await pilot.press("escape", "slash", *"@nothing")
        await w.tick(pilot)
        assert "There is no filter @nothing: @bad" in note(w)
        file = tmp_path / "layout.json"
        await asyncio.to_thread(w.app.sizes.save, file)
        again = await asyncio.to_thread(Layout.load, file)
        assert again.filters == {"bad": "status:error"}


async def test_facets_offer_what_there_is_and_list_it() -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        run(w, "other", tool="send mail")
        await w.tick(pilot)
        await pilot.press("F")
        await w.finish(pilot)
        picker = w.app.screen
        assert isinstance(picker, FacetPicker)
        options = picker.query_one(OptionList)
        lines = [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]
        assert any(line.split() == ["status", "error", "2"] for line in lines)
        assert any(line.split()[-2:] == ["search", "5"] for line in lines)
        assert any(line.split()[-3:] == ["send", "mail", "1"] for line in lines)
        picker.query_one(Input).value = "send"
        await pilot.pause()
        await pilot.press("enter")
        await w.tick(pilot)
        assert listed(w) == ["other"]
        assert w.app.main.search.text == 'tool="send mail"'


async def test_back_and_forward_through_jumps_across_runs() -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        await pilot.press("2", "G")
        began = w.tree.cursor
        await pilot.press("e")
        first = w.tree.cursor
        await pilot.press("e")
        second = w.tree.cursor
        await pilot.press("ctrl+o")
        assert w.tree.cursor is first
        await pilot.press("ctrl+o")
        assert w.tree.cursor is began and shown_run(w) == "epsilon"
        await pilot.press("alt+o", "alt+o")
        assert w.tree.cursor is second
        await pilot.press("J", "J", "ctrl+o")
        assert w.tree.cursor is second, "steps through the list are one jump"


async def test_motions_by_kind() -> None:
    async with world() as (w, pilot):
        scribe = w.scribe
        root = scribe.start("sub_agent", "planner", metadata={"thread_id": "t"})
        for number in range(3):
            scribe.end(scribe.start("llm", f"call-{number}", root))
            inner = scribe.start("sub_agent", f"agent-{number}", root)
            scribe.end(scribe.start("tool", f"tool-{number}", inner))
            scribe.end(inner)
        scribe.end(root)
        run(w, "later", thread="t")
        await w.tick(pilot)
        w.app.main.go_to_span(w.app.store.find_span(root.span_id))
        visited = []
        for key in (")", ")", ">", "<", "b", "B", "(", ")", ")"):
            await pilot.press(
                {")": "right_parenthesis", "(": "left_parenthesis", ">": "greater_than_sign"}.get(key)
                or {"<": "less_than_sign"}.get(key, key)
            )
            visited.append(w.tree.cursor.name)
        assert visited == [
            "call-0", "call-1", "tool-1", "tool-0", "agent-1", "agent-0", "call-0", "call-1", "call-2",
        ]  # fmt: skip
        await pilot.press("u")
        assert shown_run(w) == "later"
        await pilot.press("U")
        assert shown_run(w) == "planner"


@pytest.mark.parametrize("pane", ["1", "2", "3"])
async def test_escape_ends_a_search_from_any_pane(pane: str) -> None:
    async with world() as (w, pilot):
        await five(w, pilot)
        await pilot.press("1", "slash", *"beta", "enter", pane, "escape")
        await w.tick(pilot)
        assert len(listed(w)) == 5 and w.tree.search is None


async def test_the_third_call_is_reached_by_its_number_and_shows_it() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "planner")
        for number in range(5):
            w.scribe.end(w.scribe.start("llm", f"model-{number}", root), {"response": {"text": "x"}})
        await w.tick(pilot)
        await pilot.press("colon", *"go to call 3", "enter")
        await w.tick(pilot)
        assert w.tree.cursor.name == "model-2"
        assert "model-2 call 3" in w.lines()[w.line_of("model-2")]
        detail = w.app.main.detail
        page = "\n".join(detail.render_line(y).text for y in range(detail.size.height))
        assert "call 3 of 5" in page
