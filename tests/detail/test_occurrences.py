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
    occurrences = Occurrences(page, words)
    while not occurrences.done:
        if not occurrences.work():
            page.work(200)
    return occurrences


def text_at(page: PageLayout, y: int) -> str:
    return "".join(text for text, _ in page.line(y).runs)


def test_every_occurrence_is_found_in_order_in_any_case() -> None:
    page = page_of([Text("a Needle, and a needle\nhay\nNEEDLE"), Json({"needle": ["x", "needle"]})])
    occurrences = look(page, "needle")
    assert len(occurrences.occurrences) == 5
    assert occurrences.occurrences == sorted(occurrences.occurrences)
    for occurrence in occurrences.occurrences:
        assert text_at(page, occurrence.line)[occurrence.start : occurrence.stop].lower() == "needle"
        assert (occurrence.start, occurrence.stop) in marks_in(page, occurrence.line, ["needle"])


def test_occurrences_are_visited_in_both_directions() -> None:
    occurrences = look(page_of([Text("x needle needle\nneedle")]), "needle")
    first, second, third = occurrences.occurrences
    assert occurrences.below(0, -1) == first
    assert occurrences.below(first.line, first.start) == second
    assert occurrences.below(third.line, third.start) is None
    assert occurrences.above(third.line, third.start) == second
    assert occurrences.above(first.line, first.start) is None
    assert occurrences.number_at(second.line, second.start) == 2
    assert occurrences.number_at(second.line, second.start + 1) is None


def test_adjacent_words_are_found_across_a_line_break() -> None:
    page = page_of([Text("the quick brown fox jumps over the lazy dog and runs far away")], width=24)
    occurrences = look(page, "jumps over the lazy")
    assert len(occurrences.occurrences) == 1
    occurrence = occurrences.occurrences[0]
    parts = []
    for y in range(page.count):
        parts += [text_at(page, y)[a:b] for a, b in marks_in(page, y, ["jumps over the lazy"])]
    assert " ".join(parts) == "jumps over the lazy"
    assert text_at(page, occurrence.line)[occurrence.start : occurrence.stop] == parts[0]


def test_a_long_word_is_found_across_a_line_break() -> None:
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
def test_a_wide_page_has_as_many_occurrences_as_its_text(text: str, word: str) -> None:
    page = page_of([Text(text)], width=400)
    expected = sum(len(re.findall(re.escape(word), folded(line))) for line in text.split("\n"))
    inside = [one for one in look(page, word).occurrences if page.anchor(one.line).block == 0]
    broken = [one for one in inside if one.stop - one.start < len(word)]
    head = [one for one in inside if page.section_at(one.line) is None]
    assert len(inside) - len(broken) - len(head) == expected


def test_characters_that_are_longer_in_lower_case_keep_their_columns() -> None:
    assert folded("İneedle").index("needle") == 1
    assert len(folded("İİİx")) == 4


def test_a_megabyte_is_searched_in_slices() -> None:
    page = page_of([Text("hay and hay\n" * 90_000 + "needle")])
    occurrences = Occurrences(page, ["needle"])
    bits = 0
    while not occurrences.done:
        count_before = page.count
        if not occurrences.work():
            page.work(4_000)
        assert page.count - count_before < 4_000
        bits += 1
    assert bits > 1_000
    assert [one.line for one in occurrences.occurrences] == [page.count - 1]


def test_a_closed_section_is_marked_if_it_contains_the_word() -> None:
    section = Section("s", "Title", [Json({"q": "a Needle"})], open=False)
    assert has_word(section, ["needle"])
    assert not has_word(section, ["title"])
