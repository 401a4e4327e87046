"""Which entries of the palette answer what was typed, and in which order."""

from __future__ import annotations

import pytest

from etaoi_tui.commands import load_commands
from etaoi_tui.view.layout import Layout
from etaoi_tui.view.palette import PaletteEntry, matching


def entry(name: str, title: str, words: str = "", offered: bool = True) -> PaletteEntry:
    return PaletteEntry(name, title, lambda: None, words=words, offered=offered)


ENTRIES = [
    entry("a", "Show the agent", "cost price"),
    entry("b", "Copy the cost of a run"),
    entry("c", "Accost somebody"),
    entry("d", "Theme: nord", offered=False),
]


def ids(typed: str, recent: list[str] | None = None) -> list[str]:
    return [one.id for one in matching(ENTRIES, typed, recent or [])]


def test_a_title_is_better_than_a_synonym_and_the_start_of_a_word_better_than_its_middle() -> None:
    assert ids("cost") == ["b", "c", "a"]


def test_every_word_must_fit_in_any_order() -> None:
    assert ids("run copy") == ["b"]
    assert ids("run theme") == []


def test_an_empty_query_offers_recent_commands_first_and_no_search_only_command() -> None:
    assert ids("") == ["a", "b", "c"]
    assert ids("", ["c", "gone"]) == ["c", "a", "b"]
    assert ids("NORD") == ["d"]


@pytest.mark.parametrize(
    "word",
    ["cost", "price", "token", "prompt", "graph", "export", "filter", "theme", "why", "slow", "internals"],
)
def test_the_words_that_people_type_find_a_command(word: str) -> None:
    entries = [
        entry(one.id, one.help, f"{one.label} {one.words} {one.group}")
        for one in load_commands().in_pane("tree")
    ]
    assert matching(entries, word), word


def test_recent_commands_are_unique_and_bounded() -> None:
    layout = Layout()
    for number in range(30):
        layout.used(f"c{number}")
    layout.used("c25")
    assert layout.recent[:3] == ["c25", "c29", "c28"] and len(layout.recent) == 12
