"""Hooks of middleware (probes): what each changed, in the row and in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.view.middleware.row_groups import bracket_of
from etaoi_tui.view.middleware.summary import changes_in_words, probe_diff

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def _is_hook(span: Span) -> bool:
    return bool(span.marks & SpanFlag.PROBE)


def hook_summary(span: Span, rows: RowReader) -> str:
    """Return what a hook changed, in few words."""
    diff = probe_diff(span, rows)
    words = changes_in_words(diff) if diff is not None else ""
    if span.marks & SpanFlag.PLUMBING:
        return f"↓ {words or 'no change'}"
    # The second probe event of a hook: what it passed on stands with the first.
    return "↑ back" if bracket_of(span) else words


def _tabs(data: SpanData) -> list[Tab]:
    from etaoi_tui.detail.pages import probe

    return probe.tabs(data)


VIEWER = KindViewer(
    kinds=("*",),
    glyph="▤",
    word="",
    colour="middleware",
    applies=_is_hook,
    priority=10,
    summary=hook_summary,
    tabs=_tabs,
)
