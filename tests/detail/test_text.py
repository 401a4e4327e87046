"""The door for outside text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from etaoi_tui.text import UNSAFE, cells, crop, crop_start, fit, one_line, printable

HOSTILE = "\x1b]52;c;aGk=\x07 \x9b2J \x7f \u202eevil\u202c \u200b \ud800 \U000e0041 \r\n\t\x00"


def test_controls_become_pictures() -> None:
    assert printable("a\x1b[2J\x00\x07\x7fb") == "a␛[2J␀␇␡b"


def test_c1_bidi_tags_and_surrogates_become_the_replacement() -> None:
    assert printable("\x9b\u202e\u2066\u200b\ufeff\U000e0041\ud800") == "\ufffd" * 7


def test_emoji_families_stay_whole_and_stray_joiners_do_not() -> None:
    assert printable("👨‍👩‍👧 ❤️‍🔥 🏳️‍🌈 👩🏽‍💻") == "👨‍👩‍👧 ❤️‍🔥 🏳️‍🌈 👩🏽‍💻"
    assert printable("a\u200db\u200d") == "a\ufffdb\ufffd"


def test_invisible_characters_become_visible() -> None:
    for hidden in "\xad\u034f\u115f\u1160\u3164\uffa0\ufe00\ufe0f\u180b":
        assert printable(f"pass{hidden}word") == "pass\ufffdword", hex(ord(hidden))
    assert printable("1️⃣ ©️ ✈️ ❤︎") == "1️⃣ ©️ ✈️ ❤︎"


def test_combining_marks_are_bounded() -> None:
    assert printable("e\u0301 שָׁלוֹם tiếng Việt") == "e\u0301 שָׁלוֹם tiếng Việt"
    assert printable("a" + "\u0300" * 300 + "b") == "a" + "\u0300" * 8 + "\ufffdb"


def test_newlines_and_tabs_by_context() -> None:
    assert printable("a\r\nb\rc\n\td") == "a␍␊b␍c␊␉d"
    assert printable("a\r\nb\rc\n\td", newline=True, tab=4) == "a\nb␍c\n    d"


def test_clean_text_is_the_same_object() -> None:
    for clean in ("plain", "naïve – 日本語 ✓"):
        assert printable(clean) == clean


@given(st.text())
def test_no_unsafe_character_is_printed(s: str) -> None:
    safe = printable(s)
    assert not UNSAFE.search(safe)
    assert not {unicodedata.category(c) for c in safe} & {"Cc", "Cs", "Zl", "Zp"}
    assert "\n" not in printable(s) and not UNSAFE.search(printable(s, newline=True).replace("\n", ""))


@given(st.text(), st.integers(1, 40))
def test_one_line_is_bounded_and_safe(s: str, limit: int) -> None:
    line = one_line(s, limit)
    assert cell_len(line) <= limit
    assert not UNSAFE.search(line)


@given(st.text().map(printable), st.integers(0, 40), st.sampled_from(["left", "right", "center"]))
def test_fit_is_exact(s: str, width: int, align: str) -> None:
    assert cell_len(fit(s, width, align)) == width  # type: ignore[arg-type]


def test_one_line_reads_only_what_it_shows() -> None:
    class Counting(str):
        longest = 0

        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            piece = super().__getitem__(key)
            Counting.longest = max(Counting.longest, len(piece))
            return piece

    assert one_line(Counting("word " * 200_000), 30) == "word word word word word word…"
    assert Counting.longest < 1_000


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("\n\n  hello \t wor\x1bld \nmore", 40, "hello wor␛ld…"),
        ("one\n \n", 40, "one"),
        ("日本語日本語", 5, "日本…"),
        ("x" * 10, 10, "x" * 10),
        ("x" * 11, 10, "x" * 9 + "…"),
        ("", 5, ""),
        ("abc", 0, ""),
    ],
)
def test_one_line(text: str, limit: int, expected: str) -> None:
    assert one_line(text, limit) == expected


def test_widths_are_cells() -> None:
    assert cells("日本") == 4 and cells("ab") == 2
    assert crop("日本語", 4) == "日…" and fit("日本語", 4) == "日… "
    assert fit("ab", 5, "right") == "   ab" and fit("ab", 5, "center") == " ab  "


def test_one_line_splits_sequences_that_terminals_draw_at_different_widths() -> None:
    family = "\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f44d\U0001f3fd \U0001f1f3\U0001f1f4"
    assert one_line(family, 40) == "\U0001f469\U0001f467 \u2764 \U0001f44d NO"


def test_the_end_of_a_text_begins_with_a_whole_word() -> None:
    assert crop_start("by the page", 11) == "by the page"
    assert crop_start("since this morning; by the page", 15) == "by the page"
    assert crop_start("this morning; by the page", 11) == "by the page"
    assert crop_start("a word, incomprehensibilities", 12) == "ensibilities", (
        "most of the room would be empty"
    )
    assert crop_start("anything", 0) == crop_start("anything", -3) == crop_start("", 4) == ""


@given(st.text(), st.integers(0, 30))
def test_the_end_of_a_text_fits(s: str, width: int) -> None:
    end = crop_start(printable(s), width)
    assert cells(end) <= width and printable(s).endswith(end)
