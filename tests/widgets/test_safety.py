"""The net under the one door for text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.control import Control
from rich.segment import Segment
from textual.color import Color

from etaoi_tui.text import UNSAFE
from etaoi_tui.widgets.control_char_filter import CONTROL_CHAR_FILTER

BLACK = Color(0, 0, 0)


@given(st.lists(st.text(st.characters(codec=None))))
def test_nothing_unsafe_gets_past_and_no_width_changes(texts: list[str]) -> None:
    drawn = CONTROL_CHAR_FILTER.apply([Segment(text) for text in texts], BLACK)
    assert not any(UNSAFE.search(segment.text) for segment in drawn)
    for text, segment in zip(texts, drawn, strict=True):
        # A joiner swallows the character behind it, so widths are only comparable without one.
        if "\u200d" not in text:
            assert cell_len(segment.text) == cell_len(text)


def test_clean_segments_and_the_apps_own_controls_pass_untouched() -> None:
    clean = Segment("plain 日本 ✓")
    control = Control.home().segment
    assert CONTROL_CHAR_FILTER.apply([clean, control], BLACK) == [clean, control]
    assert CONTROL_CHAR_FILTER.apply([clean], BLACK)[0] is clean
