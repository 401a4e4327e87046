"""Spans of any other kind: input and output, where they have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import ANY_KIND, KindViewer, RowReader
from etaoi_tui.kinds.step_text import step_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def _summary(span: Span, rows: RowReader) -> str:
    start = rows.fields(span.start_ref)
    end = rows.fields(span.end_ref) if span.end_ref >= 0 else None
    outputs = end.outputs or end.output if end is not None else None
    return step_words(start.inputs or start.input, outputs, branch=False, inner=False)


def _tabs(data: SpanData) -> Sequence[Tab]:
    from etaoi_tui.detail.pages import runnable

    return runnable.tabs(data) if runnable.applies(data) else ()


VIEWER = KindViewer(kinds=(ANY_KIND,), glyph="○", word="", summary=_summary, priority=90, tabs=_tabs)
