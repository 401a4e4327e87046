"""How long a span took, or has been running."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view import format as fmt
from etaoi_tui.view.column import Cell, Column, RowContext

SLOW = 10
"""Seconds from which a duration is pointed out."""

_EVENT = int(SpanFlag.EVENT)


def _cell(span: Span, context: RowContext) -> Cell:
    seconds = span.duration(context.now)
    if seconds is None or span.flags & _EVENT:
        return "", "number"
    return fmt.span_duration(span, context.now), "slow" if seconds >= SLOW else "number"


COLUMN = Column(name="duration", order=10, cells=fmt.DURATION_CELLS, cell=_cell)
