"""Snapshots of an agent: model, prompt, tools, middleware and graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def _summary(span: Span, rows: RowReader) -> str:
    tools = len(rows.fields(span.start_ref).tools)
    return f"{tools} tool{'s' if tools != 1 else ''}" if tools else "agent snapshot"


def _tabs(data: SpanData) -> list[Tab]:
    from etaoi_tui.detail.pages import agent_snapshot

    return agent_snapshot.tabs(data)


VIEWER = KindViewer(
    kinds=("agent_context",),
    glyph="▣",
    word="agent snapshot",
    colour="agent",
    summary=_summary,
    tabs=_tabs,
)
