"""Runs of agents: how their context grew in the row; input and output in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.view.sparkline import context_trend

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section
    from etaoi_tui.detail.span_data import SpanData


def _summary(span: Span, rows: RowReader) -> str:
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
