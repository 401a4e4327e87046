"""Texts and lists are aligned as an exhaustive search would, in effort that has a bound."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_tui.detail.compare.alignment import AlignedRange, align
from etaoi_tui.detail.compare.text_diff import pair_lines
from etaoi_tui.detail.compare.word_diff import AROUND, compare_words

few = st.lists(st.sampled_from("abcd"), max_size=14)


def longest(old: Sequence[str], new: Sequence[str]) -> int:
    """Length of a longest common subsequence, by the book."""
    above = [0] * (len(new) + 1)
    for one in old:
        row = [0]
        for at, other in enumerate(new):
            row.append(above[at] + 1 if one == other else max(above[at + 1], row[at]))
        above = row
    return above[-1]


def unchanged(ranges: list[AlignedRange]) -> int:
    return sum(s.old_to - s.old_from for s in ranges if s.equal)


@given(few, few)
@settings(max_examples=400, deadline=None)
def test_as_much_as_possible_is_kept_and_both_sides_are_covered(old: list[str], new: list[str]) -> None:
    ranges = align(old, new)
    at_old = at_new = 0
    for aligned_range in ranges:
        assert (aligned_range.old_from, aligned_range.new_from) == (at_old, at_new)
        at_old, at_new = aligned_range.old_to, aligned_range.new_to
        same = (
            old[aligned_range.old_from : aligned_range.old_to]
            == new[aligned_range.new_from : aligned_range.new_to]
        )
        assert same == aligned_range.equal
    assert (at_old, at_new) == (len(old), len(new))
    assert all(one.equal != other.equal for one, other in pairwise(ranges))
    assert unchanged(ranges) == longest(old, new)


@given(few, few)
@settings(max_examples=200, deadline=None)
def test_what_says_nothing_holds_no_change_apart(old: list[str], new: list[str]) -> None:
    ranges = align(old, new, counts=lambda element: element != "a")
    assert all(one.equal != other.equal for one, other in pairwise(ranges))
    for aligned_range in ranges[1:-1]:
        assert not aligned_range.equal or set(old[aligned_range.old_from : aligned_range.old_to]) != {"a"}


def test_beyond_the_bound_only_the_ends_are_compared() -> None:
    old, new = list("xxabcyy"), list("xxcbayy")
    assert align(old, new, most=8) == [
        AlignedRange(True, 0, 2, 0, 2),
        AlignedRange(False, 2, 5, 2, 5),
        AlignedRange(True, 5, 7, 5, 7),
    ]


def test_a_change_in_a_long_line_is_shown_and_not_the_line_twice() -> None:
    words = " ".join(f"word{n}" for n in range(4_000))
    old_words, right = compare_words(words, words.replace("word2000 ", "other "))
    assert ("word2000", "diff.removed.word") in old_words
    assert ("other", "diff.added.word") in right
    shown_length = sum(len(text) for text, _ in right)
    assert shown_length < 2 * AROUND + 100
    assert sum("characters the same" in text for text, _ in right) == 2


def test_lines_are_compared_only_when_they_are_looked_at() -> None:
    pairs = pair_lines("one two three\nsame", "one 2 three\nsame")
    old_line, right = pairs[0]
    assert old_line is not None
    assert right is not None
    assert old_line[1]._compared._sides is None
    assert list(old_line[1])[1] == ("two", "diff.removed.word")
    assert list(right[1])[1] == ("2", "diff.added.word")


def test_lines_that_only_one_side_has_take_no_memory() -> None:
    old, new = ["h", *map(str, range(60_000))], ["g", *map(str, range(0, 1_800, 2)), "end"]
    tracemalloc.start()
    ranges = align(old, new)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert unchanged(ranges) == 900
    assert most < 40_000_000
