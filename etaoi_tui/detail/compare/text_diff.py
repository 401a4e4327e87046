"""Compares two texts: by lines, and by words within lines that were changed.

Effort is bounded, so that two large texts that have nothing in common do not hold up the screen: what is too
large to compare is shown as removed and added whole. Words are compared when their line is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from etaoi_tui.detail.compare.alignment import align
from etaoi_tui.detail.compare.word_diff import compare_later
from etaoi_tui.detail.document.model import Block, Diff, Sides, StyledText

CONTEXT_LINES = 3
"""Unchanged lines that are shown around a change."""


class Hunk(NamedTuple):
    """Equal lines, or lines that were replaced by others."""

    equal: bool
    old: Sequence[str]
    new: Sequence[str]


def hunks(old: str, new: str) -> list[Hunk]:
    """Return two texts as hunks that alternate between equal and changed."""
    old_lines = old.split("\n") if old else []
    new_lines = new.split("\n") if new else []
    return [
        Hunk(s.equal, old_lines[s.old_from : s.old_to], new_lines[s.new_from : s.new_to])
        for s in align(old_lines, new_lines, counts=str.strip)
    ]


Side = tuple[str, Sequence[StyledText]]
Pair = tuple[Side | None, Side | None]


def pair_lines(old: str, new: str) -> list[Pair]:
    """Return two texts as pairs of lines, words that differ in styles of their own."""
    pairs: list[Pair] = []
    groups = hunks(old, new)
    for n, hunk in enumerate(groups):
        if not hunk.equal:
            pairs += _changed(hunk)
            continue
        head = 0 if n == 0 else CONTEXT_LINES
        tail = 0 if n == len(groups) - 1 else CONTEXT_LINES
        count = len(hunk.old)
        if count <= head + tail + 1:
            pairs += [_same(line) for line in hunk.old]
            continue
        pairs += [_same(line) for line in hunk.old[:head]]
        left_out = count - head - tail
        skipped: Side = "@", [(f"{left_out:,} line{'s' if left_out != 1 else ''} the same", "muted")]
        pairs.append((skipped, skipped))
        pairs += [_same(line) for line in hunk.old[count - tail :]] if tail else []
    return pairs


def diff_block(old: str, new: str, *, sides: bool = False) -> Block:
    """Return the difference of two texts, below each other or side by side."""
    pairs = pair_lines(old, new)
    if sides:
        return Sides(pairs)
    return Diff(unified(pairs))


def unified(pairs: Sequence[Pair]) -> list[Side]:
    """Return pairs as one list of lines: of each changed group first what went, then what came."""
    lines: list[Side] = []
    added: list[Side] = []
    for left, right in pairs:
        if left is not None and left == right:
            lines += added
            added = []
            lines.append(left)
            continue
        if left is not None:
            lines.append(left)
        if right is not None:
            added.append(right)
    return lines + added


def _same(line: str) -> Pair:
    side: Side = " ", [(line, "diff.same")]
    return side, side


def _changed(hunk: Hunk) -> list[Pair]:
    old, new = hunk.old, hunk.new
    pairs: list[Pair] = []
    for n in range(max(len(old), len(new))):
        was = old[n] if n < len(old) else None
        now = new[n] if n < len(new) else None
        if was is None or now is None:
            pairs.append(
                (
                    None if was is None else ("-", [(was, "diff.removed")]),
                    None if now is None else ("+", [(now, "diff.added")]),
                )
            )
        else:
            old_side, new_side = compare_later(was, now)
            pairs.append((("-", old_side), ("+", new_side)))
    return pairs
