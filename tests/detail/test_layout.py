"""Documents become lines: wrapped by cells, printable, and no more of them than asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from etaoi_tui.detail.document.json_printer import json_lines, parse_json
from etaoi_tui.detail.document.model import (
    BarRow,
    Bars,
    Block,
    Diff,
    Document,
    Json,
    JsonText,
    KeyValues,
    Section,
    StyledLine,
    Tab,
    Table,
    Text,
    Trend,
    section_text,
)
from etaoi_tui.detail.layout.block_layout import layout_for
from etaoi_tui.detail.layout.page import GUTTER, PageLayout
from etaoi_tui.detail.layout.wrap import break_line
from etaoi_tui.text import UNSAFE
from tests.detail.pages import document_of, lines_of, page_of, text_of

HOSTILE = (
    "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x7f\x00 \u202eevil\u2066 \u200b\ufeff \ud800 \U000e0041 a\u200db \t\r"
)


def blocks_of(text: str) -> list[Block]:
    return [
        Text(text, prose=True),
        Text(text),
        StyledLine([(text, "tag")]),
        Json({text: text, "list": [text, {text: [text]}], "lines": f"a\n{text}"}),
        Json(text),
        JsonText(text),
        JsonText(json.dumps({text: [text]}, ensure_ascii=False)),
        JsonText('{"a": "' + text),
        KeyValues([(text, text), (text, [(text, "tag")])]),
        Diff([("+", text), ("-", text), (" ", text), ("@", text)]),
        Table([text, ">" + text], [[text, text]]),
        Table([text, ">" + text], [[(text, "tag"), text]]),
        Bars([BarRow([(text, "tag")], 0.5, "ok", [(text, "muted")])]),
        Trend([(1.0, "ok"), (None, "")]),
    ]


@pytest.mark.parametrize("n", range(len(blocks_of(""))))
def test_no_block_passes_control_characters(n: int) -> None:
    block = blocks_of(HOSTILE)[n]
    document = document_of(block, glyph="✦", summary=HOSTILE, preview=HOSTILE)
    for folds in ({"s": True}, {"s": False}):
        page = page_of(document, width=30, folds=folds)
        for y in range(page.count):
            line = "".join(text for text, _ in page.line(y).runs)
            assert not UNSAFE.search(line), line
            assert "\u200d" not in line


def test_titles_notes_and_headlines_are_printable() -> None:
    section = Section(HOSTILE, HOSTILE, [Text("x")])
    document = Document("k", [(HOSTILE, "title")], [Tab("t", "T", lambda: [section])], "t", notes=[HOSTILE])
    assert not any(UNSAFE.search(line) for line in lines_of(document))


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=200), st.integers(10, 40))
def test_lines_are_printable_fit_and_contain_all_text(text: str, width: int) -> None:
    flow = layout_for(Text(text), width)
    while not flow.done:
        assert flow.work(50) > 0
    lines = ["".join(piece for piece, _ in flow.line(n)) for n in range(flow.count)]
    for line in lines:
        assert cell_len(line) <= width
        assert not UNSAFE.search(line)
    all_text = "".join(lines).replace(" ", "")
    for character in text:
        if character.isalnum():
            assert character in all_text


@settings(deadline=None)
@given(st.text(st.sampled_from("ab 日本👍é\u0301\u200d\ufe0f❤\t\n"), max_size=120), st.integers(2, 20))
def test_line_breaking_terminates_and_fits(text: str, width: int) -> None:
    at, end = 0, len(text)
    while at < end:
        stop, following = break_line(text, at, end, width)
        assert at < following <= end and at <= stop <= following
        at = following


def test_words_break_at_blanks_and_wide_text_anywhere() -> None:
    assert lines_of(document_of(Text("one two three four")), width=12)[3:] == ["  one two", "  three four"]
    assert lines_of(document_of(Text("日本語日本語")), width=12)[3:] == ["  日本語日本", "  語"]
    assert lines_of(document_of(Text("x" * 15)), width=12)[3:] == ["  " + "x" * 10, "  " + "x" * 5]
    assert lines_of(document_of(Text("a\r\n\tb\n")), width=20)[3:] == ["  a", "      b"]


def test_key_values_stand_in_columns() -> None:
    lines = lines_of(
        document_of(KeyValues([("a", "1"), ("längerer", "x " * 30), ("日本", "p\nq")])), width=70
    )
    starts = {line.index(mark) for line, mark in zip(lines[3:], "1x", strict=False)}
    assert starts == {24}
    assert lines[-1].strip() == "q" and lines[-1].index("q") == 24


def test_tables_fit_and_align() -> None:
    table = Table(["name", ">count"], [["日本語のとても長い名前" * 3, "7"], ["b", "1,204"]])
    lines = lines_of(document_of(table), width=40)[3:]
    assert all(cell_len(line) <= 40 for line in lines)
    assert {cell_len(line) for line in lines} == {max(map(cell_len, lines))}


def test_json_is_indented_and_strings_keep_their_lines() -> None:
    value = {"a": [1, 2.5, None, True], "b": {}, "text": "first\nsecond", "deep": [{"x": ["y" * 80]}]}
    text = text_of(document_of(Json(value)), width=60)
    assert '"a": [1, 2.5, null, true],' in text and '"b": {},' in text
    assert '"text": "first↵\n' in text and '      second",' in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="\n")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)
def test_printed_json_means_the_same(value: Any) -> None:
    lines = [text for _, text, _, _ in json_lines(value)]
    assert json.loads(" ".join(lines).replace("\n", "\\n")) == value


def test_deep_json_needs_no_recursion() -> None:
    value: Any = "bottom"
    for _ in range(50_000):
        value = [value]
    assert sum(1 for _ in json_lines(value)) > 50_000
    assert text_of(document_of(JsonText("[" * 100_000)))


@given(st.data())
def test_truncated_json_shows_what_is_there(data: st.DataObject) -> None:
    value = {"messages": [{"type": "human", "content": 'hello\n"there"'}], "n": [1, 22, {"k": None}]}
    text = json.dumps(value)
    at = data.draw(st.integers(2, len(text) - 1))
    parsed = parse_json(text[:at] + f"… [truncated {len(text) - at} chars]")
    assert parsed.ok and isinstance(parsed.value, dict)
    assert f"{len(text) - at:,} more characters were not sent" in parsed.note


def test_invalid_json_stays_text_with_a_note() -> None:
    text = text_of(document_of(JsonText('{"a" 1}\nsecond line')))
    assert '{"a" 1}' in text and "second line" in text and "‹not JSON: " in text
    assert parse_json('{"a": 1} and more').ok is False


@pytest.mark.parametrize(
    "block",
    [
        Text("word and more " * 75_000),
        Text("x" * 1_000_000),
        Text("日本" * 170_000),
        Text("line\n" * 200_000),
        Json([{"n": n, "t": f"text {n}", "l": [n, {"d": None}]} for n in range(12_000)]),
        Json({"one": "z" * 1_000_000}),
        KeyValues([("k", "v " * 500_000)]),
        Diff([("+", "added " * 20)] * 10_000),
    ],
    ids=["prose", "one line", "wide", "lines", "json", "long string", "value", "diff"],
)
def test_a_large_value_is_laid_out_only_as_far_as_requested(block: Block) -> None:
    page = PageLayout(document_of(block), document_of(block).tabs[0], 100, {})
    count_before = page.count
    used = page.work(4_000)
    assert used < 20_000 or page.count - count_before < 20
    assert 10 <= page.count < 1_000 and not page.done
    line_count = page.count
    first = [page.line(y).runs for y in range(page.count - 1)]
    page.work(4_000)
    assert page.count > line_count
    assert [page.line(y).runs for y in range(line_count - 1)] == first


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("ab \n日"), min_size=1, max_size=30), min_size=1, max_size=8))
def test_growing_text_equals_text_laid_out_at_once(pieces: list[str]) -> None:
    flow = layout_for(Text(pieces[0]), 12)
    text = pieces[0]
    for piece in pieces[1:]:
        flow.work(20)
        text += piece
        assert flow.grow(Text(text))
    fresh = layout_for(Text(text), 12)
    for each in (flow, fresh):
        while not each.done:
            each.work(10_000)
    assert [flow.line(n) for n in range(flow.count)] == [fresh.line(n) for n in range(fresh.count)]


def test_growing_text_is_laid_out_once() -> None:
    text = "streamed words " * 50_000
    document = document_of(Text(text))
    page = page_of(document)
    grown = document_of(Text(text + "and more"))
    again = PageLayout(grown, grown.tabs[0], 100, {}, page)
    assert again.work(10_000_000) < 1_000
    assert "more" in "".join(piece for piece, _ in again.line(again.count - 1).runs)


def test_folds_hide_blocks_and_anchors_find_lines_again() -> None:
    sections = [Section(f"s{n}", f"Section {n}", [Text(f"line {n}\n" * 5)]) for n in range(4)]
    document = Document("k", [("head", "")], [Tab("t", "T", lambda: sections)], "t")
    page = page_of(document)
    line = next(y for y in range(page.count) if "line 2" in "".join(t for t, _ in page.line(y).runs))
    anchor = page.anchor(line + 2)
    folded = page_of(document, folds={"s0": False, "s1": False})
    assert folded.count < page.count
    line_number = folded.locate(anchor)
    assert line_number is not None and line_number < line + 2
    assert "line 2" in "".join(text for text, _ in folded.line(line_number).runs)
    assert folded.locate(page.anchor(page.title_line("s0") + 2)) == folded.title_line("s0")  # type: ignore[operator]
    assert [folded.section_at(y).key for y in folded.title_lines()] == ["s0", "s1", "s2", "s3"]  # type: ignore[union-attr]


def test_copies_are_the_original_text() -> None:
    section = Section("s", "S", [Text("a\x1bb"), Json({"a": 1}), KeyValues([("k", "v")]), Diff([("+", "x")])])
    assert section_text(section) == 'a\x1bb\n\n{\n  "a": 1\n}\n\nk: v\n\n+x'


def test_the_gutter_carries_the_bar() -> None:
    assert lines_of(document_of(Text("said"), bar=True))[-1] == "▎" + " " * (GUTTER - 1) + "said"


@pytest.mark.parametrize(
    ("width", "summary"),
    [
        (60, "2 calls · 1 tool · 16.4k tok · $0.0025 · 2.10s"),
        (50, "1 tool · 16.4k tok · $0.0025 · 2.10s"),
        (34, "$0.0025 · 2.10s"),
        (12, "2.10s"),
    ],
)
def test_a_title_keeps_the_last_parts_of_its_summary(width: int, summary: str) -> None:
    section = Section("turn", "reviewer", [Text("So")], "2 calls · 1 tool · 16.4k tok · $0.0025 · 2.10s")
    tab = Tab("t", "T", lambda: [section])
    page = PageLayout(Document("k", [], [tab]), tab, width, {})
    page.work(10_000)
    (title,) = ("".join(text for text, _ in page.line(y).runs) for y in page.title_lines())
    assert title.endswith(f" {summary}") and len(title) == width
