"""The rounded frames around the panes."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size, Spacing
from textual.strip import Strip

from etaoi_tui.widgets.frame import Frame

GROUND, SURFACE = Style.parse("white on black"), Style.parse("white on blue")


def drawn(y: int, text: str, width: int, padding: Spacing) -> Strip:
    frame = Frame(lambda name: GROUND, lambda: SURFACE.bgcolor)
    return frame.line(y, lambda _: Strip([Segment(text, SURFACE)]), Size(width, 5), padding)


def test_the_header_is_the_top_of_the_frame_and_its_gaps_are_line() -> None:
    top = drawn(0, " [1] runs    3 · $1 ", 22, Spacing(0, 1, 1, 1))
    assert top.text == "╭ [1] runs ── 3 · $1 ╮"
    assert {segment.style.bgcolor for segment in top if segment.style} == {GROUND.bgcolor}


def test_a_header_of_wide_characters_keeps_its_width() -> None:
    assert drawn(0, " [2] 日本      ", 17, Spacing(0, 1, 1, 1)).text == "╭ [2] 日本 ─────╮"
    assert drawn(0, "          ", 12, Spacing(0, 1, 1, 1)).text == "╭──────────╮"


def test_sides_and_foot_stand_where_there_is_padding_and_reach_over_a_scroll_bar() -> None:
    assert drawn(1, "text", 8, Spacing(0, 1, 1, 2)).text == "│ text │"
    assert drawn(1, "text", 5, Spacing(0, 0, 1, 1)).text == "│text"
    assert drawn(4, "text", 6, Spacing(0, 1, 1, 1)).text == "╰────╯"
    assert drawn(4, "text", 5, Spacing(0, 0, 1, 1)).text == "╰────"


def test_a_line_that_is_as_before_is_framed_once_until_the_frame_changes() -> None:
    strip = Strip([Segment("text", SURFACE)])
    frame = Frame(lambda name: GROUND, lambda: None)
    first = frame.line(1, lambda _: strip, Size(6, 5), Spacing(0, 1, 1, 1))
    assert frame.line(1, lambda _: strip, Size(6, 5), Spacing(0, 1, 1, 1)) is first
    frame.lit = True
    assert frame.line(1, lambda _: strip, Size(6, 5), Spacing(0, 1, 1, 1)) is not first
