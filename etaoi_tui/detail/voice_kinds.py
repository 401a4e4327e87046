"""What the viewers of voice spans share: their pages, and the words that somebody said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import RowReader

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def voice_tabs(data: SpanData) -> Sequence[Tab]:
    """Return the page of a voice span; none for a turn or a task of an agent without a voice."""
    from etaoi_tui.detail.pages import voice

    return voice.tabs(data) if voice.applies(data) else ()


def speech(span: Span, rows: RowReader) -> str:
    """Return what was said, and what went wrong; only the latter where the span's name says the words."""
    end = rows.fields(span.end_ref if span.end_ref >= 0 else span.start_ref)
    words = end.transcript or end.text or ""
    if words.startswith(span.name):
        words = ""
    return f"{words} ({span.error})".lstrip() if span.error is not None else words
