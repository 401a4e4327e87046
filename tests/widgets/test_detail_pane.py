"""The detail pane: tabs, folds, cursor, growth, large values, selection, hostile text."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import Selection

from etaoi_tui.detail.document.model import Document, Json, Section, Tab, Text
from etaoi_tui.text import UNSAFE
from etaoi_tui.widgets import page_view
from etaoi_tui.widgets.control_char_filter import CONTROL_CHAR_FILTER
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.tab_line import lay_out_tabs, tab_at
from tests.detail.pages import document_of

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x7f\x00\u202eevil\u2066\u200b\ufeff\ud800\U000e0041[/]x[bold]"


class PaneApp(App[None]):
    CSS = "Screen { layout: vertical; }"

    def __init__(self, filtered: bool = True) -> None:
        super().__init__()
        self.filtered = filtered

    def get_line_filters(self) -> Any:
        return [*super().get_line_filters(), *([CONTROL_CHAR_FILTER] if self.filtered else [])]

    def compose(self) -> ComposeResult:
        yield DetailPane(empty="Select a row.")

    @property
    def pane(self) -> DetailPane:
        return self.query_one(DetailPane)

    @property
    def rows(self) -> list[str]:
        """The text of every row on the screen."""
        return ["".join(s.text for s in strip) for strip in self.screen._compositor.render_strips()]

    @property
    def content(self) -> list[str]:
        """The rows below the tabs, without the scroll bar."""
        return [row[:-1] for row in self.rows[1:]]


def book(
    key: str = "k", tabs: tuple[str, ...] = ("one", "two", "three"), lines: int = 5, live: bool = False
) -> Document:
    def page(name: str) -> Tab:
        sections = [
            Section(f"{name}{n}", f"{name} section {n}", [Text(f"{name} {n} text\n" * lines)])
            for n in range(6)
        ]
        return Tab(name, name.title(), lambda: sections)

    return Document(key, [(f"head of {key}", "title")], [page(name) for name in tabs], tabs[0], live)


async def test_nothing_selected_says_so() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)):
        assert "Select a row." in app.rows[1]
        app.pane.clear("Nothing arrived yet.")
        assert app.pane.copy_target() is None
        app.pane.move_cursor(1)
        app.pane.toggle_section_at_cursor()
        app.pane.next_tab()
        assert app.pane.work(1) is False


@pytest.mark.parametrize(
    ("width", "title"),
    [(100, "3 turns · 1.2k tok · $0.02"), (32, "3 turns · 1.2k tok"), (24, "3 turns"), (12, "")],
)
async def test_what_a_document_comes_to_stays_in_its_title_as_far_as_it_fits(width: int, title: str) -> None:
    app = PaneApp()
    async with app.run_test(size=(width, 12)):
        app.pane.show(replace(book(tabs=("one",), lines=40), sums=["3 turns", "1.2k tok", "$0.02"]))
        app.pane.go_end()
        assert app.pane.scroll_offset.y > 0
        assert app.rows[0].split("One", 1)[1].strip() == title


async def test_tabs_step_around_and_the_choice_stays() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(book())
        await pilot.pause()
        assert "One" in app.rows[0] and "head of k" in app.rows[1]
        pane.next_tab()
        await pilot.pause()
        assert pane.tab == "two" and any("two 0 text" in row for row in app.rows)
        pane.previous_tab()
        pane.previous_tab()
        assert pane.tab == "three"
        assert pane.open_tab_number(2) and pane.tab == "two"
        assert not pane.open_tab("none") and not pane.open_tab_number(9)
        pane.show(book("other", ("one", "two")))
        assert pane.tab == "two"
        pane.show(book("third", ("alpha",)))
        assert pane.tab == "alpha"
        pane.show(book("k"))
        assert pane.tab == "two"


async def test_clicks_open_tabs_and_toggle_sections() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 20)) as pilot:
        pane = app.pane
        pane.show(book())
        await pilot.pause()
        await pilot.click(DetailPane, offset=(7, 0))
        assert pane.tab == "two"
        await pilot.click(DetailPane, offset=(2, 0))
        assert pane.tab == "one"
        title = next(y for y, row in enumerate(app.rows) if "one section 0" in row)
        await pilot.click(DetailPane, offset=(4, title))
        await pilot.pause()
        assert not any("one 0 text" in row for row in app.rows)
        assert "▸ one section 0" in app.rows[title]
        await pilot.click(DetailPane, offset=(4, title))
        await pilot.pause()
        assert any("one 0 text" in row for row in app.rows)
        await pilot.click(DetailPane, offset=(4, title + 2))
        assert pane.cursor_line == title + 1


async def test_folds_survive_other_documents() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 20)) as pilot:
        pane = app.pane
        pane.show(book())
        pane.next_section()
        pane.toggle_section_at_cursor()
        pane.show(book("another"))
        await pilot.pause()
        assert not any("one 0 text" in row for row in app.rows)
        pane.expand_all()
        await pilot.pause()
        assert any("one 0 text" in row for row in app.rows)
        pane.collapse_all()
        await pilot.pause()
        assert sum("section" in row for row in app.rows) == 6


async def test_the_cursor_moves_and_the_view_follows() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(book())
        await pilot.pause()
        pane.page_down()
        pane.cursor_down()
        assert pane.cursor_line == 11 and pane.scroll_offset.y == 1
        pane.go_end()
        await pilot.pause()
        assert pane.cursor_line == pane.line_count - 1
        assert "one 5 text" in app.rows[-1]
        pane.previous_section()
        assert pane.section_at_cursor is not None and pane.section_at_cursor.key == "one5"
        pane.go_home()
        await pilot.pause()
        assert pane.cursor_line == 0 and "head of k" in app.rows[1]
        pane.page_up()
        assert pane.cursor_line == 0
        pane.scroll_to(y=8, animate=False)
        await pilot.pause()
        assert pane.cursor_line == 8


async def test_place_is_kept_per_document_and_tab() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(book())
        pane.move_cursor(25)
        top, cursor = pane.scroll_offset.y, pane.cursor_line
        pane.show(book("another"))
        assert pane.scroll_offset.y == 0
        pane.show(book())
        await pilot.pause()
        assert (pane.scroll_offset.y, pane.cursor_line) == (top, cursor)


async def test_growth_above_the_reader_moves_nothing() -> None:
    def state(lines: int) -> Document:
        sections = [
            Section("grows", "Grows", [Text("more\n" * lines)]),
            Section("read", "Read", [Text("".join(f"line {n}\n" for n in range(40)))]),
        ]
        return Document("k", [("head", "")], [Tab("t", "T", lambda: sections)], "t", True)

    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(state(3))
        pane.go_home()
        pane.scroll_to(y=20, animate=False)
        await pilot.pause()
        content_before = app.content
        pane.refresh_document(state(30))
        await pilot.pause()
        assert app.content == content_before


async def test_the_end_of_a_streaming_answer_stays_in_sight_across_resizes() -> None:
    app = PaneApp()
    text = "\n".join(f"line {n} " + "word " * 12 for n in range(60)) + " the end"
    async with app.run_test(size=(80, 16)) as pilot:
        pane = app.pane
        pane.show(document_of(Text(text, prose=True), live=True))
        await pilot.pause()
        pane.go_end()
        await pilot.pause()
        for size in ((80, 10), (80, 30), (80, 12), (60, 12), (60, 30), (120, 8), (80, 16)):
            await pilot.resize_terminal(*size)
            while pane.work(1_000.0):  # as the viewer's ticks do, where 30 ms were not enough
                pass
            await pilot.pause()
            assert "the end" in app.rows[-1], size


async def test_a_live_answer_is_followed_until_the_reader_scrolls_up() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        text = ""
        for n in range(40):
            text += f"token {n}\n"
            pane.refresh_document(document_of(Text(text), live=True))
            await pilot.pause()
        assert "token 39" in app.rows[-1]
        pane.cursor_up()
        pane.page_up()
        await pilot.pause()
        content_before = app.content
        pane.refresh_document(document_of(Text(text + "token 40\n"), live=True))
        await pilot.pause()
        assert app.content == content_before
        pane.go_end()
        pane.refresh_document(document_of(Text(text + "token 40\ntoken 41\n"), live=True))
        await pilot.pause()
        assert "token 41" in app.rows[-1]


async def test_a_large_value_opens_with_what_is_seen_and_grows_by_slices() -> None:
    app = PaneApp()
    async with app.run_test(size=(100, 30)) as pilot:
        pane = app.pane
        pane.show(document_of(Json([{"n": n, "deep": {"x": [n, {"y": None}]}} for n in range(15_000)])))
        await pilot.pause()
        assert 60 <= pane.line_count < 5_000
        lines_before = pane.line_count
        assert pane.work(1) is True
        assert lines_before < pane.line_count and not pane.laid_out
        assert pane.virtual_size.height == pane.line_count + 1
        pane.go_end()
        await pilot.pause()
        assert pane.laid_out and pane.line_count > 100_000
        assert "]" in app.rows[-1]
        assert pane.work(1) is False


async def finds_its_position_again(
    lines: int, above_the_end: int, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Go near the end of a text, look at something else, and come back to what was seen before."""
    document = document_of(Text("".join(f"line {n}\n" for n in range(lines))))
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(document)
        pane.go_end()
        pane.move_cursor(-above_the_end)
        await pilot.pause()
        content_before = app.content
        pane.show(book())
        meanwhile()
        pane.show(document)
        while pane.work(5):
            pass
        await pilot.pause()
        assert app.content == content_before


async def test_a_place_deep_in_a_large_value_is_found_again() -> None:
    await finds_its_position_again(60_000, 100)


@pytest.mark.parametrize("lines", [1_500, 1_800, 2_100, 2_400])
async def test_a_place_is_found_again_on_a_machine_too_slow_for_more_than_a_slice(
    lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count()
    await finds_its_position_again(
        lines, 40, lambda: monkeypatch.setattr(page_view, "perf_counter", lambda: next(seconds))
    )


async def test_width_changes_keep_the_place() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(document_of(*[Text(f"paragraph {n} " + "word " * 40) for n in range(30)]))
        pane.scroll_to(y=60, animate=False)
        await pilot.pause()
        first = next(row for row in app.rows[1:] if "paragraph" in row).split()[1]
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        numbers = [int(row.split()[1]) for row in app.rows[1:] if "paragraph" in row]
        assert numbers and abs(numbers[0] - int(first)) <= 1


async def test_copy_target_is_the_section_under_the_cursor() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)):
        pane = app.pane
        pane.show(document_of(Json({"a": 1})))
        pane.next_section()
        assert pane.copy_target() == ("Section", '{\n  "a": 1\n}')
        pane.go_home()
        label, text = pane.copy_target() or ("", "")
        assert label == "Main" and text.startswith("Section\n")


async def test_text_can_be_selected() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(document_of(Text("first line\nsecond line")))
        await pilot.pause()
        pane.screen.selections = {pane: Selection(Offset(2, 3), Offset(8, 4))}
        await pilot.pause()
        assert app.screen.get_selected_text() == "first line\nsecond"


async def test_what_is_selected_is_without_bars_and_glyphs() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.pane.show(document_of(Text("first line\nsecond line"), glyph="✦", bar=True))
        await pilot.pause()
        assert any("▎ second" in row for row in app.rows)
        app.pane.screen.selections = {app.pane: Selection(Offset(0, 2), Offset(8, 4))}
        await pilot.pause()
        assert app.screen.get_selected_text() == "Section\nfirst line\nsecond"
        drawn = [
            "".join(segment.text for segment in app.pane.render_line(y) if segment.style.reverse)
            for y in range(3, 6)
        ]
        assert [text.strip() for text in drawn] == ["Section", "first line", "second"]


async def test_what_is_selected_of_markdown_is_without_the_bars_of_code_and_quotes() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.pane.show(document_of(Text("```python\nif a:\n    b()\n```\n> said", prose=True), bar=True))
        await pilot.pause()
        assert any("▏ " in row for row in app.rows)
        app.pane.screen.selections = {app.pane: Selection(Offset(0, 3), Offset(0, 99))}
        await pilot.pause()
        assert (app.screen.get_selected_text() or "").rstrip() == "python\nif a:\n    b()\nsaid"


@pytest.mark.parametrize("filtered", [True, False])
async def test_no_control_character_reaches_the_screen(filtered: bool) -> None:
    """The first net holds alone; with the second one nothing can come through at all."""
    section = Section(HOSTILE, HOSTILE, [Text(HOSTILE), Json({HOSTILE: [HOSTILE]})], HOSTILE, HOSTILE)
    document = Document(
        HOSTILE,
        [(HOSTILE, "title")],
        [Tab("t", HOSTILE, lambda: [section]), Tab("u", "U", list)],
        "t",
        notes=[HOSTILE],
    )
    app = PaneApp(filtered)
    async with app.run_test(size=(50, 30)) as pilot:
        app.pane.show(document)
        await pilot.pause()
        screen_text = "".join(app.rows)
        assert "evil" in screen_text and "[/]x[bold]" in screen_text
        assert not UNSAFE.search(screen_text)
        app.pane.clear(HOSTILE)
        await pilot.pause()
        assert not UNSAFE.search("".join(app.rows))


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark"])
async def test_every_style_is_told_apart_in_every_theme(theme: str) -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.theme = theme
        await pilot.pause()
        pane = app.pane
        plain = pane._painter.style("")
        for name in ("error", "role.user", "role.ai", "json.key", "diff.added", "diff.removed"):
            assert pane._painter.style(name).color not in (None, plain.color), name
        for one, other in (("diff.added", "diff.removed"), ("ok", "error"), ("role.user", "role.ai")):
            assert pane._painter.style(one).color != pane._painter.style(other).color


async def test_too_many_tabs_keep_the_active_one_in_view() -> None:
    tabs = [(f"t{n}", f"Title {n}") for n in range(12)]
    for n in range(12):
        labels = lay_out_tabs(tabs, f"t{n}", 40)
        assert f"t{n}" in [label.key for label in labels]
        assert all(tab_at(labels, label.x) == label.key for label in labels)
        assert labels[-1].x + labels[-1].width <= 40
    assert tab_at(lay_out_tabs(tabs, "t0", 40), 0) is None
    assert lay_out_tabs([], "", 40) == []
    app = PaneApp()
    async with app.run_test(size=(24, 12)) as pilot:
        app.pane.show(book(tabs=("first", "second", "third", "fourth")))
        app.pane.open_tab("fourth")
        await pilot.pause()
        assert "Fourth" in app.rows[0] and app.rows[0].startswith("‹")


@pytest.mark.parametrize("size", [(1, 1), (4, 2), (12, 3), (300, 80)])
async def test_every_size_draws(size: tuple[int, int]) -> None:
    app = PaneApp()
    async with app.run_test(size=size) as pilot:
        app.pane.show(book())
        app.pane.go_end()
        app.pane.toggle_section_at_cursor()
        app.pane.go_home()
        await pilot.pause()
        assert len(app.rows) == size[1]


async def test_the_mouse_selects_text_without_folding_anything() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(document_of(Text("first line\nsecond line")))
        await pilot.pause()
        await pilot.mouse_down(DetailPane, offset=(2, 4))
        await pilot.hover(DetailPane, offset=(8, 5))
        await pilot.mouse_up(DetailPane, offset=(8, 5))
        await pilot.pause()
        selected = app.screen.get_selected_text() or ""
        assert selected.startswith("first line\n") and "secon" in selected
        assert any("second line" in row for row in app.rows)


async def test_the_wheel_scrolls_and_the_cursor_stays_in_view() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pane = app.pane
        pane.show(book())
        await pilot.pause()
        pane.scroll_down(animate=False)
        pane.scroll_down(animate=False)
        await pilot.pause()
        assert pane.scroll_offset.y == 2 and pane.cursor_line >= 2


async def test_a_search_opens_the_tab_that_has_the_word_and_the_next_document_in_the_readers_own() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)):
        pane = app.pane
        pane.show(book("a"))
        pane.look_for(["three 4"])
        for _ in range(5):
            pane.search_on(50)
        assert pane.tab == "three"
        assert pane.occurrence_count == (1, 5, True)
        assert pane.line_count > pane.cursor_line > 12
        pane.look_for([])
        assert pane.occurrence_count == (None, 0, True)
        pane.show(book("b"))
        assert pane.tab == "one"


async def test_a_search_for_what_is_nowhere_moves_nothing() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)):
        pane = app.pane
        pane.show(book("a"))
        pane.look_for(["nowhere"])
        for _ in range(5):
            pane.search_on(50)
        assert (pane.tab, pane.cursor_line) == ("one", 0)
        assert not pane.step_occurrence(1, 50)
        assert not pane.step_occurrence(-1, 50)


async def test_occurrences_are_marked_in_colours_of_their_own_and_where_the_reader_is_in_another() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)):
        pane = app.pane
        pane.show(book("a"))
        pane.look_for(["text"])
        pane.search_on(50)
        looks = {}
        for y in (4, 5):
            for segment in pane.render_line(y):
                looks.setdefault((y, segment.text), segment.style)
        line = next(y for y, text in looks if text == "text")
        here, plain = (
            looks[(line, "text")],
            next(style for (y, text), style in looks.items() if text != "text"),
        )
        assert here != plain and here.reverse


async def test_a_step_waits_for_what_was_not_looked_through_in_time() -> None:
    app = PaneApp()
    async with app.run_test(size=(60, 12)):
        pane = app.pane
        values = {f"k{n}": "hay and hay " * 8 for n in range(3_000)} | {"z": "the needle"}
        tab = Tab("one", "One", lambda: [Section("s", "Section", [Json(values)], open=False)])
        pane.show(Document("k", [("head", "title")], [tab]))
        pane.look_for(["needle"])
        assert pane.step_occurrence(1, 0)
        assert pane.occurrence_count == (None, 0, False)
        while not pane.occurrence_count[2]:
            pane.search_on(5)
        assert pane.occurrence_count == (1, 1, True)
        assert not pane.step_occurrence(1, 0)
