"""Calls of tools: the arguments in the row; arguments, result and middleware in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span, Status
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.kinds.row_text import arguments, first_line

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData

_TOOL_ERROR = "tool_error"
"""What stands for the error of a tool that answered with one."""


def _summary(span: Span, rows: RowReader) -> str:
    if span.error is None or span.status is Status.OK:
        start = rows.fields(span.start_ref)
        return arguments(start.input or start.arguments)
    return _reason(span, rows) if span.error == _TOOL_ERROR else " ".join(span.error.split())


def _reason(span: Span, rows: RowReader) -> str:
    """Return why a tool answered with an error: the first line of its answer."""
    return first_line(rows.fields(span.end_ref).output or "") or _TOOL_ERROR


def _tabs(data: SpanData) -> list[Tab]:
    from etaoi_tui.detail.pages import tool

    return tool.tabs(data)


VIEWER = KindViewer(
    kinds=("tool",),
    glyph="⚒",
    word="tool call",
    colour="tool",
    summary=_summary,
    shows_errors=True,
    tabs=_tabs,
)
