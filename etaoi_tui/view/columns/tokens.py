"""Tokens of a model call; of an agent, a root or a folded row those of all calls below, in and out."""

from __future__ import annotations

from collections.abc import Hashable

from etaoi_collector.store.model import Span
from etaoi_tui.view import format as fmt
from etaoi_tui.view.column import Cell, Column, RowContext


def _cell(span: Span, context: RowContext) -> Cell:
    usage = span.usage
    if usage is not None and not (usage.input_tokens is None and usage.output_tokens is None):
        return f"{fmt.tokens(usage.input_tokens)}→{fmt.tokens(usage.output_tokens)}", "muted"
    total = context.sum_below(span)
    if total is None or not total.tokens:
        return "", "muted"
    return f"{fmt.tokens(total.input_tokens)}→{fmt.tokens(total.output_tokens)}", "number"


def _depends_on(span: Span, context: RowContext) -> Hashable:
    total = context.sum_below(span)
    return None if total is None else (total.input_tokens, total.output_tokens)


COLUMN = Column(
    name="tokens",
    order=20,
    cells=2 * fmt.TOKENS_CELLS + 1,
    cell=_cell,
    from_width=80,
    depends_on=_depends_on,
)
