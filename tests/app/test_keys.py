"""Every key: what it does, where, and that the registry, the screen and the help agree."""

from __future__ import annotations

from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import OptionList

from etaoi_tui.app import THEME_NAMES, ViewerApp
from etaoi_tui.commands import load_commands
from etaoi_tui.screens.help import help_document
from etaoi_tui.screens.palette import Palette
from etaoi_tui.screens.palette_entries import palette_entries
from etaoi_tui.view.command import EVERYWHERE
from etaoi_tui.widgets.welcome import RecentRecording

from .world import World, world


async def a_tree(w: World, pilot: Pilot[Any]) -> None:
    """A small agent: a model call, two tools one of which fails deep down, inner steps of the framework."""
    scribe = w.scribe
    root = scribe.start("sub_agent", "researcher")
    step = scribe.start("middleware", "model", root, metadata={"lc_chain_kind": "graph_node"})
    llm = scribe.start("llm", "gpt-5", step, {"input_messages": []})
    scribe.end(llm, {"response": {"role": "ai", "text": "hello world"}})
    scribe.end(step, {"outputs": "{}"})
    sub = scribe.start("sub_agent", "reviewer", root)
    bad = scribe.start("tool", "run_tests", sub, {"input": '{"path": "tests"}'})
    scribe.end(bad, {}, error="RuntimeError('exit 1')")
    scribe.end(sub, {"outputs": "{}"})
    scribe.end(scribe.start("tool", "search", root, {"input": '{"q": "x"}'}), {"output": "found the needle"})
    scribe.end(root, {"outputs": "{}"})
    await w.tick(pilot)
    w.tree.follow(False)
    w.tree.move_to(0)
    await pilot.pause()


def keys_of(text: str) -> list[str]:
    return ["space" if letter == " " else letter for letter in text]


def names(w: World) -> list[str]:
    return [span.name for span in w.tree.rows.spans]


COMMANDS = load_commands()


def test_every_command_is_explained_and_every_key_has_one_meaning() -> None:
    for command in COMMANDS:
        assert command.help
        assert command.label
    for pane in EVERYWHERE:
        keys = [key for command in COMMANDS.in_pane(pane) for key in command.keys]
        assert len(keys) == len(set(keys)), pane
        assert {"help.show", "app.quit"} <= {command.id for command in COMMANDS.for_footer(pane)}


def test_ids_of_commands_do_not_change() -> None:
    """They stand in people's keymaps."""
    assert {command.id for command in COMMANDS} >= set(
        """
        cursor.down cursor.up cursor.page_down cursor.page_up cursor.first cursor.last fold.in fold.out
        fold.toggle fold.all fold.none fold.less fold.more plumbing.toggle pane.open pane.back
        error.next error.previous trace.next trace.previous agent.show conversation.show voice.toggle
        voice.worst voice.axis follow.toggle search.open search.next search.previous pane.next
        pane.previous pane.traces pane.tree pane.detail tab.next tab.previous tab.right tab.left
        section.next section.previous section.follow diff.sides call.request call.diff call.diff_step
        call.mark call.diff_marked pane.zoom pane.grow pane.shrink copy.open problems.show view.clear
        theme.next palette.open help.show app.quit
        """.split()
    )


@pytest.mark.parametrize("pane", EVERYWHERE)
def test_help_lists_every_key_of_the_pane(pane: Any) -> None:
    from etaoi_tui.detail.document.model import section_text

    document = help_document("", pane, COMMANDS)
    text = "\n".join(section_text(section) for section in document.tabs[0].sections)
    for command in COMMANDS.in_pane(pane):
        assert command.help in text
    titles = [section.title for section in document.tabs[0].sections]
    assert len(titles) == len(set(titles))


async def test_moving_and_folding() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        everything = ["researcher", "gpt-5", "reviewer", "run_tests", "search"]
        assert names(w) == everything
        await pilot.press("j", "down", "k")
        assert w.tree.cursor.name == "gpt-5"
        await pilot.press("G")
        assert w.tree.cursor.name == "search"
        await pilot.press("g", "j", "j", "h")
        assert names(w) == ["researcher", "gpt-5", "reviewer", "search"]
        assert "+1" in w.lines()[2]
        assert "✗ handled" in w.lines()[2]
        await pilot.press("right", "right")
        assert w.tree.cursor.name == "run_tests"
        await pilot.press("left")
        assert w.tree.cursor.name == "reviewer"
        await pilot.press("space")
        assert len(names(w)) == 4
        await pilot.press("right_square_bracket")
        assert names(w) == everything
        await pilot.press("left_square_bracket")
        assert names(w) == ["researcher", "gpt-5", "reviewer", "search"]
        await pilot.press("o")
        assert names(w) == everything
        await pilot.press("O")
        assert names(w) == ["researcher", "gpt-5", "reviewer", "search"]
        await pilot.press("x")
        assert "model" in names(w)


async def test_errors_are_found_where_they_began_even_when_folded_away() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        await pilot.press("left_square_bracket", "e")
        assert w.tree.cursor.name == "run_tests"
        await pilot.press("G", "E")
        assert w.tree.cursor.name == "run_tests"


async def test_search_dims_other_rows_and_visits_the_hits() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        await pilot.press("slash", *"needle")
        await w.tick(pilot)
        assert [span.name for span in w.tree.search.hits] == ["search"]
        assert len(names(w)) == 5
        assert w.tree.cursor.name == "search"
        await pilot.press("enter")
        assert not w.app.main.search_bar.query_one("Input").has_focus
        await pilot.press("slash", *"kind:tool")
        await w.tick(pilot)
        await pilot.press("enter", "n")
        first = w.tree.cursor.name
        await pilot.press("n")
        assert {first, w.tree.cursor.name} == {"run_tests", "search"}
        await pilot.press("escape")
        assert w.tree.search is None
        await pilot.press("slash", *"nofield:x")
        await w.tick(pilot)
        note = w.app.main.search_bar.query_one("#search-note")
        assert note.has_class("-error")


async def test_search_reads_payloads_and_not_the_ids_around_them() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        part_of_an_id = w.tree.rows.spans[0].trace.session.session_id[:8]
        await pilot.press("slash", *part_of_an_id)
        await w.tick(pilot)
        assert w.tree.search.done
        assert not w.tree.search.hits


async def test_traces_are_stepped_through_from_any_pane() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        for name in ("second", "third"):
            w.scribe.end(w.scribe.start("sub_agent", name), {"outputs": "{}"})
        await w.tick(pilot)
        assert w.tree.rows.trace.spans[0].name == "researcher"
        await pilot.press("3", "K")
        assert w.tree.rows.trace.spans[0].name == "second"
        await pilot.press("K")
        assert w.tree.rows.trace.spans[0].name == "third"
        await pilot.press("J")
        assert w.tree.rows.trace.spans[0].name == "second"


async def test_drilling_down_and_peeling_back_on_a_small_screen() -> None:
    async with world(size=(80, 24)) as (w, pilot):
        await a_tree(w, pilot)
        main = w.app.main
        assert main.span_tree.region.height and main.detail.region.height >= 11
        await pilot.press("enter")
        await pilot.pause()
        assert main.detail.region.height > 20
        assert "researcher" in main.breadcrumb.render_line(0).text
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert main.traces.region.height > 10
        assert not main.span_tree.region.height


async def test_zoom_and_the_sizes_of_panes() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        await a_tree(w, pilot)
        main = w.app.main
        height_before = main.detail.region.height
        await pilot.press("3", "plus")
        await pilot.pause()
        assert main.detail.region.height == height_before + 2
        await pilot.press("underscore", "underscore")
        await pilot.pause()
        assert main.detail.region.height == height_before - 2
        await pilot.press("z")
        await pilot.pause()
        assert main.detail.region.width == 160
        assert not main.span_tree.region.height
        await pilot.press("z")
        await pilot.pause()
        assert main.span_tree.region.height
        await pilot.press("1", "plus")
        await pilot.pause()
        assert main.traces.region.width == 26


@pytest.mark.parametrize("size", [(20, 6), (80, 24), (200, 60)])
async def test_any_size_shows_something_and_survives_every_key(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, pilot):
        await a_tree(w, pilot)
        quitting = {"app.quit", "palette.open", "search.open"}
        for pane in ("1", "2", "3"):
            await pilot.press(pane)
            for command in COMMANDS:
                if command.id not in quitting:
                    await pilot.press(command.keys[0])
                    while w.app.screen is not w.app.main:
                        await pilot.press("escape")
        assert w.app.is_running


async def test_copying_sends_the_chosen_text_and_names_its_destination(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("etaoi_tui.screens.copy_menu.copy_locally", lambda text: None)
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        span = w.tree.cursor
        await pilot.press("y", "s")
        await pilot.pause()
        assert w.app.clipboard == span.span_id
        await pilot.press("y", "b")
        await pilot.pause()
        lines = w.app.clipboard.splitlines()
        assert len(lines) == 6
        assert span.trace.trace_id in lines[0]
        assert "terminal" in w.message


async def test_an_answer_takes_the_place_of_the_one_before_and_a_warning_stays() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        w.app.notify("mind this", severity="warning", timeout=60)
        await pilot.pause()
        for key in ("D", "x", "x"):
            await pilot.press(key)
            await pilot.pause()
        assert "inner steps" in w.message


async def test_a_theme_is_remembered_when_it_was_chosen_here() -> None:
    async with world() as (w, pilot):
        assert w.app.sizes.theme == ""
        for name in ("etaoi-light", "etaoi-dark"):
            w.app.theme = name
            await pilot.pause()
            assert w.app.sizes.theme == name
    named = ViewerApp(w.source, theme="light", automatic=False)
    async with named.run_test() as pilot:
        assert (named.theme, named.sizes.theme) == ("etaoi-light", "")


async def test_the_language_of_the_search_stands_in_two_columns() -> None:
    from etaoi_tui.detail.document.model import KeyValues

    (section,) = help_document("", "tree", COMMANDS).tabs[2].sections
    table, rest = section.blocks
    assert isinstance(table, KeyValues)
    rows = dict(table.rows)
    assert rows["name:fetch  tool:fetch"].startswith("part of the name")
    assert rows["dur>2s  ttft<800ms"].startswith("times:")
    assert all(key and value for key, value in rows.items())
    assert "unknown field" in str(rest)


async def test_clearing_empties_the_list_and_later_runs_are_listed() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        await pilot.press("ctrl+l")
        await w.tick(pilot)
        assert w.app.main.has_class("-empty")
        w.scribe.start("sub_agent", "afterwards")
        await w.tick(pilot)
        assert [root.name for root in w.tree.rows.trace.roots] == ["afterwards"]


async def test_the_mouse_selects_folds_opens_and_drags() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        main = w.app.main
        row = w.line_of("reviewer") + 1
        await pilot.click("#tree", offset=(60, row))
        assert w.tree.cursor.name == "reviewer"
        arrow_x = w.lines()[row - 1].index("▾") + w.tree.content_offset.x
        await pilot.click("#tree", offset=(arrow_x, row))
        assert "run_tests" not in names(w)
        await pilot.click("#tree", offset=(60, row), times=2)
        assert main.pane == "detail"
        width_before = main.traces.region.width
        await pilot.mouse_down("#split-traces", offset=(0, 5))
        await pilot.hover(offset=(width_before + 10, 5))
        await pilot.mouse_up(offset=(width_before + 10, 5))
        await pilot.pause()
        assert main.traces.region.width > width_before
        await pilot.click("#footer", offset=(2, 0))


async def test_the_palette_offers_every_command_of_the_pane_by_what_people_call_it() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        offered = {one.id for one in palette_entries(w.app.main, [])}
        assert {"follow.toggle", "copy.open", "help.show", "error.next"} <= offered
        await pilot.press("colon", *"maximise", "enter")
        await pilot.pause()
        assert w.app.screen is w.app.main and w.app.main.arrangement.zoomed
        assert w.app.sizes.recent == ["pane.zoom"]


async def test_the_palette_finds_runs_themes_and_recordings_and_reports_when_nothing_matches() -> None:
    async with world() as (w, pilot):
        await a_tree(w, pilot)
        w.scribe.end(w.scribe.start("sub_agent", "another \x1b[31mrun"))
        await w.tick(pilot)
        trace = w.app.main.traces.rows.newest()
        entries = palette_entries(w.app.main, [RecentRecording("/x.msgpack", "10:56", "2 KB", "a chat")])
        titles = [one.title for one in entries]
        assert "Recording: 10:56 a chat" in titles and "Theme: nord" in titles
        await pilot.press("ctrl+p", *keys_of("run another"), "enter")
        await pilot.pause()
        assert w.app.main.selection.trace is trace
        await pilot.press("ctrl+p", *"zzzz", "enter")
        await pilot.pause()
        assert isinstance(w.app.screen, Palette)
        offered = w.app.screen.query_one(OptionList).get_option_at_index(0)
        assert offered.disabled and str(offered.prompt).strip() == "Nothing is called that."
        await pilot.press("escape")
        await pilot.press("ctrl+p", *keys_of("theme nord"), "enter")
        await pilot.pause()
        assert w.app.theme == "nord"


async def test_keys_right_behind_the_one_that_opens_the_search_belong_to_it() -> None:
    async with world() as (w, pilot):
        w.scribe.end(w.scribe.start("sub_agent", "run"))
        await w.tick(pilot)
        for key in "/c/j":
            w.app.post_message(Key("slash" if key == "/" else key, key))
        await pilot.pause()
        await pilot.pause()
        main = w.app.main
        assert w.app.screen is main and main.search.text == "c/j"


async def test_control_c_shows_how_to_quit() -> None:
    async with world() as (w, pilot):
        await pilot.press("ctrl+c")
        assert w.message == "Press q to quit."


@pytest.mark.parametrize("key", ["colon", "y"])
async def test_a_dialog_in_sixteen_colours_shows_which_row_is_chosen(key: str) -> None:
    async with world(size=(100, 40)) as (w, pilot):
        await a_tree(w, pilot)
        w.app.theme = THEME_NAMES["ansi"]
        await pilot.press(key)
        await w.tick(pilot)
        options = w.app.screen.query_one(OptionList)
        options.highlighted = 1
        await w.tick(pilot)
        grounds = [
            {segment.style.bgcolor for segment in options.render_line(line) if segment.style is not None}
            for line in range(3)
        ]
        assert not grounds[1] & (grounds[0] | grounds[2])
