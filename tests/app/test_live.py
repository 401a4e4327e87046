"""Watching: rows at the start, growing bars, streamed text, and a view that does not jump."""

from __future__ import annotations

from etaoi_tui.widgets.span_tree import SpanTree

from .world import world


async def test_the_empty_screen_shows_its_address_and_the_lines_to_paste() -> None:
    async with world() as (w, pilot):
        welcome = w.app.main.welcome
        assert w.app.main.has_class("-empty")
        text = "\n".join(welcome.render_line(y).text for y in range(welcome.size.height))
        assert "import etaoi_tui" in text
        assert "etaoi_tui.attach(agent)" in text
        assert "etaoi-schema 0.5.1 is connected" in text
        assert "open" not in w.app.main.footer.render_line(0).text
        root = w.scribe.start("sub_agent", "researcher")
        await w.tick(pilot)
        assert not w.app.main.has_class("-empty")
        assert root


async def test_the_footer_offers_the_commands_of_the_row_under_the_cursor() -> None:
    async with world(live=False) as (w, pilot):
        tree_text = "\n".join(w.tree.render_line(y).text for y in range(4))
        assert "This recording holds no spans" in tree_text
        root = w.scribe.start("sub_agent", "researcher")
        w.scribe.start("llm", "gpt-5", root)
        w.scribe.start("task", "house keeping", root)
        await w.tick(pilot)
        for key, offered in (("g", True), ("j", True), ("G", False)):
            await pilot.press(key)
            await w.tick(pilot)
            keys = " ".join(w.app.main.footer.render_line(0).text.split())
            assert ("r request d diff" in keys) is offered, (key, w.tree.cursor)


async def test_a_row_appears_when_its_span_starts_and_grows_until_it_ends() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        await w.tick(pilot)
        row = w.lines()[0]
        assert "researcher" in row
        w.time += 3
        w.app.tick()
        later = w.lines()[0]
        assert "3.00s" in later
        assert later.count("▄") > row.count("▄")
        w.scribe.clock.advance(3_500_000)
        w.scribe.end(root, {"outputs": "{}"})
        await w.tick(pilot)
        assert " ✓ " in w.lines()[0]
        assert "3.50s" in w.lines()[0]


async def test_streamed_text_stands_in_the_open_row_and_in_the_detail() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        llm = w.scribe.start("llm", "gpt-5", root, {"input_messages": [{"role": "human", "text": "hi"}]})
        w.scribe.say(llm, "The three changes ")
        w.scribe.say(llm, "that matter are")
        await w.tick(pilot)
        assert "The three changes that matter are▌" in w.lines()[1]
        w.tree.select(w.app.store.find_span(llm.span_id))
        await w.tick(pilot)
        detail = w.app.main.detail
        detail_text = "\n".join(detail.render_line(y).text for y in range(detail.size.height))
        assert "The three changes that matter are" in detail_text


async def test_following_goes_with_the_newest_and_moving_up_lets_go() -> None:
    async with world(size=(120, 30)) as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        await w.tick(pilot)
        for number in range(60):
            w.scribe.end(w.scribe.start("tool", f"tool-{number}", root), {"output": "x"})
            await w.tick(pilot)
            assert w.tree.cursor.name == f"tool-{number}"
        await pilot.press("up")
        assert not w.tree.following
        at = w.tree.cursor
        w.tree.scroll_rows(-20)
        for number in range(60, 70):
            w.scribe.start("tool", f"tool-{number}", root)
            await w.tick(pilot)
        assert w.tree.cursor is at
        assert "10 new" in w.tree.render_line(w.tree.size.height - 1).text
        await pilot.press("f")
        assert w.tree.cursor.name == "tool-60", "of what runs, what has run longest"
        assert "new" not in w.tree.badge()


async def test_rows_above_grow_without_moving_the_visible_rows() -> None:
    async with world(size=(160, 40)) as (w, pilot):
        root = w.scribe.start("sub_agent", "root")
        first = w.scribe.start("sub_agent", "early", root)
        second = w.scribe.start("sub_agent", "late", root)
        for number in range(60):
            w.scribe.start("tool", f"late-{number:02d}", second)
        await w.tick(pilot)
        w.tree.follow(False)
        await pilot.press("G", "up", "up")
        line = w.line_of("late-57")
        for number in range(40):
            w.scribe.start("tool", f"early-{number:02d}", first)
            await w.tick(pilot)
            assert w.line_of("late-57") == line
        assert w.tree.cursor.name == "late-57"


async def test_columns_stand_still_whatever_the_name() -> None:
    async with world(size=(160, 40)) as (w, pilot):
        root = w.scribe.start("sub_agent", "root")
        family = "family \U0001f469\u200d\U0001f469\u200d\U0001f467"
        for name in ("plain", "日本語のテキスト", family, "e\u0301\u0301"):
            w.scribe.end(w.scribe.start("tool", name, root), {"output": "x"})
        await w.tick(pilot)
        tree: SpanTree = w.tree
        for y in range(1, 7):
            assert tree.render_line(y).cell_length == tree.size.width
        starts = {line.index("⚒") for line in w.lines() if "⚒" in line}
        assert len(starts) == 1


async def test_a_client_that_goes_leaves_its_open_spans_lost_and_comes_back() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "victim")
        await w.tick(pilot)
        w.source.disconnect(at=w.time)
        await w.tick(pilot)
        assert "◌" not in w.lines()[0]
        w.time += 11
        w.app.tick()
        w.app.tick()
        assert "◌" in w.lines()[0]
        w.source.connect(2)
        w.scribe.say(root, "still here")
        w.source.send(w.scribe.take(), number=2)
        w.app.tick()
        assert "◌" not in w.lines()[0]


async def test_a_lost_run_took_as_long_in_every_place() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        w.scribe.end(w.scribe.start("sub_agent", "other"))
        w.scribe.start("llm", "gpt-5", w.scribe.start("sub_agent", "victim"))
        await w.tick(pilot)
        w.time += 2.5
        w.source.disconnect(at=w.time)
        w.time += 11
        w.app.tick()
        await w.tick(pilot)
        runs = w.app.main.traces
        (row,) = (line for line in map(runs.render_line, range(runs.size.height)) if "≥" in line.text)
        assert "≥2.50s" in row.text and "≥2.50s" in w.lines()[0] and "≥2.50s" in w.tree.render_line(0).text


async def test_rejected_events_are_counted_on_the_screen_and_explained_on_the_problems_page() -> None:
    async with world() as (w, pilot):
        w.scribe.start("sub_agent", "root")
        w.source.send([{"kind": "span_start", "event_id": "not a uuid"}, {"kind": "nonsense"}])
        await w.tick(pilot)
        assert "2 rejected" in w.app.main.status_bar.render_line(0).text
        await pilot.press("exclamation_mark")
        await pilot.pause()
        page = w.app.screen.query_one("DetailPane")
        page_text = "\n".join(page.render_line(y).text for y in range(page.size.height))
        assert "nonsense" in page_text
        await pilot.press("escape")
        assert w.app.screen is w.app.main


async def test_the_state_of_a_voice_session_is_on_the_first_line() -> None:
    async with world() as (w, pilot):
        w.scribe.start("voice_session", "room")
        w.scribe.tick("agent", "thinking")
        await w.tick(pilot)
        assert "agent thinking" in w.app.main.status_bar.render_line(0).text


async def test_the_first_screen_offers_lines_to_copy() -> None:
    """A number chooses one, y copies the whole of it; rejected clients are shown."""
    async with world() as (w, pilot):
        welcome = w.app.main.welcome

        def text() -> str:
            return "\n".join(welcome.render_line(y).text for y in range(welcome.size.height))

        assert "etaoi-tui run -- python agent.py" in text()
        await pilot.press("5", "y")
        expected = (
            "export LANGSMITH_TRACING=true LANGSMITH_ENDPOINT=http://127.0.0.1:8787 LANGSMITH_API_KEY=x"
        )
        assert w.app.clipboard == expected
        await pilot.press("9", "y")
        assert w.app.clipboard == expected
        w.source.notices = ["Turned away: a client asked for POST /v1/messages"]
        await w.tick(pilot)
        assert "POST /v1/messages" in text()
