"""The state of a span, as a glyph; it moves while the span runs."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag, Status
from etaoi_tui.view.column import Cell, Column, RowContext
from etaoi_tui.view.glyphs import SPINNER, STATUS_GLYPHS, STATUS_STYLES

_EVENT = int(SpanFlag.EVENT)


def _cell(span: Span, context: RowContext) -> Cell:
    if span.flags & _EVENT:
        return "", ""  # it has no course: it happened
    status = span.status
    glyph = SPINNER[context.frame % 4] if status is Status.RUNNING else STATUS_GLYPHS[status]
    return glyph, STATUS_STYLES[status]


COLUMN = Column(name="state", order=0, cells=2, cell=_cell)
