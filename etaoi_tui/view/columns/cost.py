"""Dollars that a model call cost; of an agent, a root or a folded row, all calls below together.

``$?`` stands for a call of which no price is known, ``≥`` for a sum in which such a call is missing.
"""

from __future__ import annotations

from collections.abc import Hashable

from etaoi_collector.pricing.total import Total
from etaoi_collector.store.model import Span
from etaoi_tui.view import format as fmt
from etaoi_tui.view.column import Cell, Column, RowContext


def _total(span: Span, context: RowContext) -> Total | None:
    if not context.totals.prices_known:
        return None
    return context.totals.of_call(span) if span.usage is not None else context.sum_below(span)


def _cell(span: Span, context: RowContext) -> Cell:
    total = _total(span, context)
    if not total:
        return "", "muted"
    return fmt.cost(total.cost_usd, total.unpriced), "muted" if span.usage is not None else "number"


def _depends_on(span: Span, context: RowContext) -> Hashable:
    total = _total(span, context)
    return None if total is None else (total.units, total.unpriced)


COLUMN = Column(name="cost", order=30, cells=8, cell=_cell, from_width=80, depends_on=_depends_on)
