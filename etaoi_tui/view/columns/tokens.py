"""Tokens of a model call: what went in, and what came out."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.view import format as fmt
from etaoi_tui.view.column import Cell, Column, RowContext


def _cell(span: Span, context: RowContext) -> Cell:
    usage = span.usage
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        return "", "muted"
    return f"{fmt.tokens(usage.input_tokens)}→{fmt.tokens(usage.output_tokens)}", "muted"


COLUMN = Column(name="tokens", order=20, cells=2 * fmt.TOKENS_CELLS + 1, cell=_cell, from_width=88)
