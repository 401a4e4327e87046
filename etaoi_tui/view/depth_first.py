"""The depth-first order of a span tree, by comparison instead of by numbering.

Numbering every row would make each insertion in the middle cost as much as the tree is large. Comparing two
spans needs only their ancestors, so a row is found among a million in about twenty comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etaoi_collector.store.model import Span


class Path:
    """A span with the way from its root, ready to be compared with many others."""

    __slots__ = ("depth_of", "span", "steps")

    def __init__(self, span: Span) -> None:
        steps = [span]
        parent = span.parent
        while parent is not None:
            steps.append(parent)
            parent = parent.parent
        steps.reverse()
        self.span = span
        self.steps = steps
        """From the root to the span itself."""
        self.depth_of = {step: depth for depth, step in enumerate(steps)}

    def follows(self, other: Span) -> bool:
        """Whether this span's row stands below the other's; False for the span itself."""
        below: Span | None = None
        above: Span | None = other
        while above is not None and above not in self.depth_of:
            below = above
            above = above.parent
        depth = -1 if above is None else self.depth_of[above]
        if below is None:
            return other is not self.span
        if depth + 1 == len(self.steps):
            return False
        mine = self.steps[depth + 1]
        return (below.started_at, below.number) < (mine.started_at, mine.number)


def position(rows: Sequence[Span], span: Span, first: int = 0) -> int:
    """Return where ``span`` stands, or would stand, in rows in depth-first order from ``first`` on."""
    path = Path(span)
    if len(rows) <= first or path.follows(rows[-1]):
        return len(rows)
    low, high = first, len(rows) - 1
    while low < high:
        middle = (low + high) // 2
        if path.follows(rows[middle]):
            low = middle + 1
        else:
            high = middle
    return low


def after_subtree(rows: Sequence[Span], first: int) -> int:
    """Return the row behind the last descendant of ``rows[first]``."""
    span = rows[first]
    low, high = first + 1, len(rows)
    step = 1
    while low < high and _within(rows[min(low + step - 1, high - 1)], span):
        low = min(low + step, high)
        step *= 2
    high = min(low + step, high)
    while low < high:
        middle = (low + high) // 2
        if _within(rows[middle], span):
            low = middle + 1
        else:
            high = middle
    return low


def root_of(span: Span) -> Span:
    """Return the span at the top of this one's tree."""
    while span.parent is not None:
        span = span.parent
    return span


def climb(span: Span, stops: Callable[[Span], bool], tops: dict[Span, Span]) -> Span:
    """Return the first of a span and those above it at which to stop; the top of its tree if there is none.

    Args:
        span: Where to begin.
        stops: Whether a span is the one.
        tops: What earlier climbs found, added to: many spans below a long chain cost one way up in all.
    """
    way: list[Span] = []
    while span not in tops and span.parent is not None and not stops(span):
        way.append(span)
        span = span.parent
    top = tops.get(span, span)
    tops.update(dict.fromkeys(way, top))
    return top


def _within(span: Span, ancestor: Span) -> bool:
    above: Span | None = span
    while above is not None:
        if above is ancestor:
            return True
        above = above.parent
    return False
