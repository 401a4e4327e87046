"""A span's bar on the time axis: half a row high, so that names stay the loudest thing of a row.

Ends stand on half cells. A model call's time to its first token is a thin foot, waiting is hatched; a span
that runs ends in an arrow, one that was lost in a jagged edge.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from etaoi_collector.store.model import Span, Status
from etaoi_tui.view.timeline import Axis

FOOT, BODY, LEFT_HALF, RIGHT_HALF, HATCH, LIVE_END, LOST_END = "▁▄▖▗▒▸▞"


class BarPart(NamedTuple):
    """Some cells of a bar."""

    text: str
    part: Literal["blank", "body", "waiting", "live"]


def bar(span: Span, status: Status, axis: Axis, now: float) -> list[BarPart]:
    """Draw a span's bar; nothing is wider than the axis, and everything has at least one visible mark."""
    start = span.started_at
    end = start + (span.duration(now) or 0.0)
    wait = span.wait
    first_token = start + span.ttft if span.ttft is not None and span.kind == "llm" else start
    cell, body = _strokes(axis, start, end, first_token)
    parts = [BarPart(" " * cell, "blank")] if cell else []
    if wait is not None:
        body_before, hatched = _waiting(axis, start, wait.began_at, wait.began_at + wait.seconds(now))
        after = body[len(body_before) + len(hatched) :]
        parts += [
            BarPart(body[: len(body_before)], "body"),
            BarPart(hatched, "waiting"),
            BarPart(after, "body"),
        ]
    elif status is Status.RUNNING:
        keep = body if cell + len(body) < axis.width else body[:-1]
        parts += [BarPart(keep, "body"), BarPart(LIVE_END, "live")]
    elif status is Status.LOST:
        parts.append(BarPart(body[:-1] + LOST_END, "body"))
    else:
        parts.append(BarPart(body, "body"))
    return [one for one in parts if one.text]


def _strokes(axis: Axis, start: float, end: float, first_token: float) -> tuple[int, str]:
    """Return the cell where a bar begins, and its characters."""
    first = min(_halves(axis, start), axis.width * 2 - 1)
    last = max(_halves(axis, end), first + 1)
    cell = first // 2
    foot = min(_halves(axis, first_token) // 2, (last - 1) // 2) - cell
    if foot > 0:
        first = (cell + foot) * 2
    lead = RIGHT_HALF if first % 2 else ""
    full_cells = last // 2 - (first + 1) // 2
    tail = LEFT_HALF if last % 2 and full_cells >= 0 else ""
    return cell, FOOT * max(foot, 0) + lead + BODY * max(full_cells, 0) + tail


def _waiting(axis: Axis, start: float, began: float, ended: float) -> tuple[str, str]:
    """Return what stands before a wait, and the wait itself, a cell at least."""
    cell = min(_halves(axis, start) // 2, axis.width - 1)
    first = min(max(_halves(axis, began) // 2, cell), axis.width - 1)
    last = max(-(-_halves(axis, ended) // 2), first + 1)
    return BODY * (first - cell), HATCH * (last - first)


def _halves(axis: Axis, at: float) -> int:
    """Return how many half cells lie left of a moment, kept inside the axis."""
    return round(axis.eighths(at) / 4)
