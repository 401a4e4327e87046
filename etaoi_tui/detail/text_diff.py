"""Compares two texts: by lines, and by words within lines that were changed.

Effort is bounded, so that two large texts that have nothing in common do not hold up the screen: what is too
large to compare is shown as removed and added whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from etaoi_tui.detail.document import Block, Diff, Run, Sides

CONTEXT_LINES = 3
"""Unchanged lines that are shown around a change."""

LINES_COMPARED = 6_000
"""Lines of both texts together, equal beginnings and ends left out, beyond which they are not compared."""

_JUNK_FROM = 400
"""Lines from which difflib may ignore very frequent lines (such as empty ones) when it looks for anchors."""

_WORD_CHARACTERS = 6_000
"""Characters of a changed group of lines up to which its words are compared."""

_ALIKE = 0.35
"""Share of equal words below which two lines are different lines, and not one that was edited."""

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class Hunk(NamedTuple):
    """Equal lines, or lines that were replaced by others."""

    equal: bool
    old: Sequence[str]
    new: Sequence[str]


def hunks(old: str, new: str) -> list[Hunk]:
    """Return two texts as hunks that alternate between equal and changed."""
    before = old.split("\n") if old else []
    after = new.split("\n") if new else []
    head = 0
    most = min(len(before), len(after))
    while head < most and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < most - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    inner_before, inner_after = before[head : len(before) - tail], after[head : len(after) - tail]
    found = [Hunk(True, before[:head], after[:head])] if head else []
    if inner_before or inner_after:
        found += _inner(inner_before, inner_after)
    if tail:
        found.append(Hunk(True, before[-tail:], after[-tail:]))
    return found


def _inner(before: list[str], after: list[str]) -> list[Hunk]:
    total = len(before) + len(after)
    if not before or not after or total > LINES_COMPARED:
        return [Hunk(False, before, after)]
    matcher = SequenceMatcher(None, before, after, autojunk=total > _JUNK_FROM)
    return [
        Hunk(what == "equal", before[i1:i2], after[j1:j2])
        for what, i1, i2, j1, j2 in _joined(matcher.get_opcodes())
    ]


def _joined(codes: Sequence[tuple[str, int, int, int, int]]) -> list[tuple[str, int, int, int, int]]:
    """Join neighbouring changes, which difflib tells apart as replace, delete and insert."""
    found: list[tuple[str, int, int, int, int]] = []
    for what, i1, i2, j1, j2 in codes:
        kind = "equal" if what == "equal" else "changed"
        if found and found[-1][0] == kind == "changed":
            last = found[-1]
            found[-1] = (kind, last[1], i2, last[3], j2)
        else:
            found.append((kind, i1, i2, j1, j2))
    return found


Side = tuple[str, Sequence[Run]]
Pair = tuple[Side | None, Side | None]


def pair_lines(old: str, new: str) -> list[Pair]:
    """Return two texts as pairs of lines, words that differ in styles of their own."""
    found: list[Pair] = []
    groups = hunks(old, new)
    for n, hunk in enumerate(groups):
        if not hunk.equal:
            found += _changed(hunk)
            continue
        head = 0 if n == 0 else CONTEXT_LINES
        tail = 0 if n == len(groups) - 1 else CONTEXT_LINES
        count = len(hunk.old)
        if count <= head + tail + 1:
            found += [_same(line) for line in hunk.old]
            continue
        found += [_same(line) for line in hunk.old[:head]]
        left_out = count - head - tail
        skipped: Side = "@", [(f"{left_out:,} line{'s' if left_out != 1 else ''} the same", "muted")]
        found.append((skipped, skipped))
        found += [_same(line) for line in hunk.old[count - tail :]] if tail else []
    return found


def diff_block(old: str, new: str, *, sides: bool = False) -> Block:
    """Return the difference of two texts, below each other or side by side."""
    pairs = pair_lines(old, new)
    if sides:
        return Sides(pairs)
    return Diff(unified(pairs))


def unified(pairs: Sequence[Pair]) -> list[Side]:
    """Return pairs as one list of lines: of each changed group first what went, then what came."""
    lines: list[Side] = []
    come: list[Side] = []
    for left, right in pairs:
        if left is not None and left == right:
            lines += come
            come = []
            lines.append(left)
            continue
        if left is not None:
            lines.append(left)
        if right is not None:
            come.append(right)
    return lines + come


def _same(line: str) -> Pair:
    side: Side = " ", [(line, "diff.same")]
    return side, side


def _changed(hunk: Hunk) -> list[Pair]:
    old, new = hunk.old, hunk.new
    if sum(map(len, old)) + sum(map(len, new)) > _WORD_CHARACTERS:
        return [
            (
                ("-", [(old[n], "diff.removed")]) if n < len(old) else None,
                ("+", [(new[n], "diff.added")]) if n < len(new) else None,
            )
            for n in range(max(len(old), len(new)))
        ]
    found: list[Pair] = []
    for n in range(max(len(old), len(new))):
        was = old[n] if n < len(old) else None
        now = new[n] if n < len(new) else None
        if was is None or now is None:
            found.append(
                (
                    None if was is None else ("-", [(was, "diff.removed")]),
                    None if now is None else ("+", [(now, "diff.added")]),
                )
            )
        else:
            left, right = compare_words(was, now)
            found.append((("-", left), ("+", right)))
    return found


def compare_words(old: str, new: str) -> tuple[list[Run], list[Run]]:
    """Return two lines with the words that differ marked; unmarked when they have little in common."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    codes = matcher.get_opcodes()
    alike = sum(
        len(word) for what, i1, i2, _, _ in codes if what == "equal" for word in before[i1:i2] if word.strip()
    )
    if alike < _ALIKE * min(len(old), len(new)):
        return [(old, "diff.removed")], [(new, "diff.added")]
    left: list[Run] = []
    right: list[Run] = []
    for what, i1, i2, j1, j2 in codes:
        word = "" if what == "equal" else ".word"
        if i2 > i1:
            left.append(("".join(before[i1:i2]), "diff.removed" + word))
        if j2 > j1:
            right.append(("".join(after[j1:j2]), "diff.added" + word))
    return left or [("", "diff.removed")], right or [("", "diff.added")]
