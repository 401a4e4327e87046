"""Where words stand in a page: every place once, in order, across the ends of lines, in slices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_tui.detail.document.model import Block, Document, Json, Section, Tab, Text
from etaoi_tui.detail.layout.occurrences import Occurrences, folded, has_word, marks_in
from etaoi_tui.detail.layout.page import PageLayout


def page_of(blocks: Sequence[Block], width: int = 40) -> PageLayout:
    tab = Tab("one", "One", lambda: [Section("s", "Section", blocks)])
    return PageLayout(Document("k", [("head", "title")], [tab]), tab, width, {})


def look(page: PageLayout, *words: str) -> Occurrences:
    found = Occurrences(page, words)
    while not found.done:
        if not found.work():
            page.work(200)
    return found


def text_at(page: PageLayout, y: int) -> str:
    return "".join(text for text, _ in page.line(y).runs)


def test_every_place_is_found_in_order_whatever_its_case() -> None:
    page = page_of([Text("a Needle, and a needle\nhay\nNEEDLE"), Json({"needle": ["x", "needle"]})])
    found = look(page, "needle")
    assert len(found.occurrences) == 5
    assert found.occurrences == sorted(found.occurrences)
    for place in found.occurrences:
        assert text_at(page, place.line)[place.start : place.stop].lower() == "needle"
        assert (place.start, place.stop) in marks_in(page, place.line, ["needle"])


def test_they_are_walked_in_both_directions() -> None:
    found = look(page_of([Text("x needle needle\nneedle")]), "needle")
    first, second, third = found.occurrences
    assert found.below(0, -1) == first
    assert found.below(first.line, first.start) == second
    assert found.below(third.line, third.start) is None
    assert found.above(third.line, third.start) == second
    assert found.above(first.line, first.start) is None
    assert found.number_at(second.line, second.start) == 2
    assert found.number_at(second.line, second.start + 1) is None


def test_words_in_a_row_are_found_where_the_line_was_broken_between_them() -> None:
    page = page_of([Text("the quick brown fox jumps over the lazy dog and runs far away")], width=24)
    found = look(page, "jumps over the lazy")
    assert len(found.occurrences) == 1
    place = found.occurrences[0]
    parts = []
    for y in range(page.count):
        parts += [text_at(page, y)[a:b] for a, b in marks_in(page, y, ["jumps over the lazy"])]
    assert " ".join(parts) == "jumps over the lazy"
    assert text_at(page, place.line)[place.start : place.stop] == parts[0]


def test_a_long_word_is_found_where_the_line_was_broken_inside_it() -> None:
    page = page_of([Text("x" * 30 + "needle" + "y" * 30)], width=35)
    assert len(look(page, "needle").occurrences) == 1


def test_the_title_of_the_next_section_does_not_complete_a_word() -> None:
    tab = Tab("one", "One", lambda: [Section("a", "A", [Text("a nee")]), Section("b", "dle", [Text("x")])])
    page = PageLayout(Document("k", [], [tab]), tab, 40, {})
    assert look(page, "needle").occurrences == []


@settings(deadline=None, max_examples=60)
@given(
    st.text(st.sampled_from("abİßK \n"), max_size=120),
    st.text(st.sampled_from("abk"), min_size=1, max_size=3),
)
def test_a_wide_page_has_as_many_as_its_text(text: str, word: str) -> None:
    page = page_of([Text(text)], width=400)
    shown = sum(len(re.findall(re.escape(word), folded(line))) for line in text.split("\n"))
    inside = [one for one in look(page, word).occurrences if page.anchor(one.line).block == 0]
    broken = [one for one in inside if one.stop - one.start < len(word)]
    head = [one for one in inside if page.section_at(one.line) is None]
    assert len(inside) - len(broken) - len(head) == shown


def test_characters_that_grow_in_lower_case_keep_their_places() -> None:
    assert folded("İneedle").index("needle") == 1
    assert len(folded("İİİx")) == 4


def test_a_megabyte_is_looked_through_in_slices() -> None:
    page = page_of([Text("hay and hay\n" * 90_000 + "needle")])
    found = Occurrences(page, ["needle"])
    bits = 0
    while not found.done:
        before = page.count
        if not found.work():
            page.work(4_000)
        assert page.count - before < 4_000
        bits += 1
    assert bits > 1_000
    assert [one.line for one in found.occurrences] == [page.count - 1]


def test_a_closed_section_tells_whether_a_word_stands_in_it() -> None:
    section = Section("s", "Title", [Json({"q": "a Needle"})], open=False)
    assert has_word(section, ["needle"])
    assert not has_word(section, ["title"])
