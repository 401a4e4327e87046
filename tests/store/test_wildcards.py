"""Words with stars: found like a regular expression would, in time that does not explode."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from etaoi_collector.query.match import Word

_TEXTS = st.text("abc", max_size=40)
_WORDS = st.text("ab*", min_size=1, max_size=6)


@given(_WORDS, _TEXTS, st.integers(0, 300))
def test_stars_find_what_a_regular_expression_finds(word: str, text: str, gap: int) -> None:
    pieces = [re.escape(piece) for piece in word.split("*")]
    assert Word(word).within(text) == bool(re.search(".*".join(pieces), text))
    long = text + "x" * gap + text
    inside = [piece for piece in pieces if piece]
    matches = bool(re.search(".{0,200}?".join(inside), long))
    if "**" not in word:
        assert Word(word).within_bytes(long.encode()) == (matches and bool(long))


def test_many_stars_in_a_long_text_come_back() -> None:
    assert not Word("a*a*a*a*a*a*b").within("a" * 256)
    assert not Word("a*a*a*a*a*a*b").within_bytes(b"a" * 100_000)
