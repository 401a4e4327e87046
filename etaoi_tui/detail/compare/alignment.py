"""Which elements of two sequences are the same: a longest common subsequence, in bounded time.

difflib's matcher is quadratic where changes are evenly spread, and cubic where some elements are frequent, as
blank lines and short answers are. The rows of the dynamic programme are kept as the bits of one integer each
(Hyyrö, "Bit-parallel LCS-length computation revisited", 2004), so that thousands of elements take
milliseconds whatever they look like.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

CELLS_COMPARED = 60_000_000
"""Pairs of elements that are compared at most, between equal beginnings and ends: some 40 milliseconds."""


class AlignedRange(NamedTuple):
    """A part of two sequences that is equal, or that was replaced."""

    equal: bool
    old_from: int
    old_to: int
    new_from: int
    new_to: int


def align(
    old: Sequence[Hashable],
    new: Sequence[Hashable],
    *,
    counts: Callable[[Any], object] | None = None,
    most: int = CELLS_COMPARED,
) -> list[AlignedRange]:
    """Return two sequences as stretches that alternate between equal and replaced.

    Args:
        old: The old elements.
        new: The new elements.
        counts: Tells elements that say something. A stretch of others between two changes is part of the
            change: nobody reads words that are held together by a blank.
        most: Pairs of elements beyond which everything between the equal ends counts as replaced.
    """
    head = 0
    shorter = min(len(old), len(new))
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    stop_old, stop_new = len(old) - tail, len(new) - tail
    ranges = [AlignedRange(True, 0, head, 0, head)] if head else []
    if head < stop_old and head < stop_new and (stop_old - head) * (stop_new - head) <= most:
        inner = _aligned_ranges(
            _pairs(old[head:stop_old], new[head:stop_new]), stop_old - head, stop_new - head
        )
        moved = [
            AlignedRange(s.equal, s.old_from + head, s.old_to + head, s.new_from + head, s.new_to + head)
            for s in inner
        ]
        ranges += _without_crumbs(moved, old, counts) if counts is not None else moved
    elif head < stop_old or head < stop_new:
        ranges.append(AlignedRange(False, head, stop_old, head, stop_new))
    if tail:
        ranges.append(AlignedRange(True, stop_old, len(old), stop_new, len(new)))
    return ranges


def _pairs(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the places of a longest common subsequence, backwards."""
    where = _position_bits(old, set(new))
    # A zero bit says that the subsequence grows by that old element within the new ones seen so far.
    full = (1 << len(old)) - 1
    row = full
    rows = []
    for element in new:
        met = row & where.get(element, 0)
        row = ((row + met) | (row - met)) & full
        rows.append(row)
    pairs = []
    below, right = len(new), len(old)
    while below and right:
        bit = 1 << (right - 1)
        if rows[below - 1] & bit:
            right -= 1
        elif below > 1 and not rows[below - 2] & bit:
            below -= 1
        else:
            below -= 1
            right -= 1
            pairs.append((right, below))
    return pairs


def _position_bits(old: Sequence[Hashable], elements: set[Hashable]) -> dict[Hashable, int]:
    """Return for each wanted element the bits of its places: as many at most as pairs are compared."""
    positions: dict[Hashable, list[int]] = {}
    for at, element in enumerate(old):
        if element in elements:
            positions.setdefault(element, []).append(at)
    return {element: _bits(indices) for element, indices in positions.items()}


def _bits(positions: list[int]) -> int:
    bitmap = bytearray(positions[-1] // 8 + 1)
    for position in positions:
        bitmap[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bitmap, "little")


def _aligned_ranges(pairs: list[tuple[int, int]], old_length: int, new_length: int) -> list[AlignedRange]:
    ranges: list[AlignedRange] = []
    at_old = at_new = 0
    for in_old, in_new in [*reversed(pairs), (old_length, new_length)]:
        if in_old > at_old or in_new > at_new:
            ranges.append(AlignedRange(False, at_old, in_old, at_new, in_new))
        if in_old == old_length:
            break
        last = ranges[-1] if ranges else None
        if last is not None and last.equal and last.old_to == in_old and last.new_to == in_new:
            ranges[-1] = last._replace(old_to=in_old + 1, new_to=in_new + 1)
        else:
            ranges.append(AlignedRange(True, in_old, in_old + 1, in_new, in_new + 1))
        at_old, at_new = in_old + 1, in_new + 1
    return ranges


def _without_crumbs(
    aligned: list[AlignedRange], old: Sequence[Hashable], counts: Callable[[Any], object]
) -> list[AlignedRange]:
    ranges: list[AlignedRange] = []
    for n, aligned_range in enumerate(aligned):
        crumb = (
            aligned_range.equal
            and 0 < n < len(aligned) - 1
            and not any(counts(element) for element in old[aligned_range.old_from : aligned_range.old_to])
        )
        last = ranges[-1] if ranges else None
        if last is not None and not last.equal and (crumb or not aligned_range.equal):
            ranges[-1] = last._replace(old_to=aligned_range.old_to, new_to=aligned_range.new_to)
        else:
            ranges.append(aligned_range)
    return ranges
