"""Ends of utterances: how long was waited to be sure that the user had finished."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.detail.voice_kinds import voice_tabs


def _summary(span: Span, rows: RowReader) -> str:
    delay = rows.fields(span.start_ref).end_of_utterance_delay
    return f"after {delay * 1000:.0f}ms" if delay is not None else ""


VIEWER = KindViewer(
    kinds=("eou",),
    glyph="⊣",
    word="end of utterance",
    colour="voice",
    summary=_summary,
    tabs=voice_tabs,
)
