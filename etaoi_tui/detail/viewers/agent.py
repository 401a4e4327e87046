"""Runs of agents: how their context grew in the row; input and output in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.kinds.row_text import LONGEST, message_text
from etaoi_tui.kinds.step_text import run_words
from etaoi_tui.view.sparkline import context_trend

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section
    from etaoi_tui.detail.span_data import SpanData


def _summary(span: Span, rows: RowReader) -> str:
    if not span.children and span.end_ref >= 0:  # of its inside nothing is known, as of agents in a batch
        end = rows.fields(span.end_ref)
        outputs = end.outputs or end.output or ""
        return run_words(outputs) or " ".join(message_text(outputs)[:LONGEST].split())
    return context_trend(span)


def _overview(data: SpanData, sections: list[Section]) -> list[Section]:
    from etaoi_tui.detail.messages.context_meter import course_sections

    facts, *others = sections
    return [facts, *course_sections(data), *others]


VIEWER = KindViewer(
    kinds=("sub_agent",),
    glyph="◆",
    word="agent",
    colour="agent",
    summary=_summary,
    follows_children=True,
    overview=_overview,
)
