"""Spans of any other kind: input and output, where they have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_tui.detail.kind_viewer import ANY_KIND, KindViewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def _tabs(data: SpanData) -> Sequence[Tab]:
    from etaoi_tui.detail.pages import runnable

    return runnable.tabs(data) if runnable.applies(data) else ()


VIEWER = KindViewer(kinds=(ANY_KIND,), glyph="○", word="", priority=90, tabs=_tabs)
