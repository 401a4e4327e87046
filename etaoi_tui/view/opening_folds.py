"""What is folded when a large run is opened: as much as makes the rest of it fit on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import islice

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.row_visibility import RowVisibility

_LOOKED_INTO = 2_000
"""Spans without a row that are looked through for the rows below one span."""

_ERROR_BELOW = int(SpanFlag.ERROR_BELOW)


def folds_to_fit(rows: RowVisibility, spans: Iterable[Span], room: int) -> set[Span] | None:
    """Choose what to fold so that the rows of some spans fit into so many lines.

    The way to a failure is opened first, then what is nearest to the top. Costs what fits, not what there is.

    Args:
        rows: What has a row at all.
        spans: The spans at the top.
        room: How many lines there are.

    Returns:
        The spans to fold; None when everything fits unfolded, or when even the top does not.
    """
    top = list(islice(_spans_with_row(rows, spans), room + 1))
    used = len(top)
    if used > room:
        return None
    waiting: list[tuple[bool, int, int, Span]] = []
    for span in top:
        _wait(waiting, span, 0)
    folds: set[Span] = set()
    full = False
    while waiting:
        _, depth, _, span = heappop(waiting)
        below = list(islice(_spans_with_row(rows, span.children or ()), room - used + 1))
        if not below:
            continue
        # A run's own row alone would tell nothing: it is open, whatever lies below.
        if used + len(below) > room and used > 1:
            folds.add(span)
            full = True
            continue
        used += len(below)
        for child in below:
            _wait(waiting, child, depth + 1)
    return folds if full else None


def _wait(waiting: list[tuple[bool, int, int, Span]], span: Span, depth: int) -> None:
    if span.children:
        heappush(waiting, (not span.flags & _ERROR_BELOW, depth, span.number, span))


def _spans_with_row(rows: RowVisibility, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the nearest spans that have a row, in the order in which those stand."""
    ways = [iter(spans)]
    for _ in range(_LOOKED_INTO):
        span = next(ways[-1], None)
        if span is None:
            ways.pop()
            if not ways:
                return
        elif not rows.hidden(span):
            yield span
        elif span.children:
            ways.append(iter(span.children))
