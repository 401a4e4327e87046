"""Turns of a voice session: the first words in the row."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.detail.voice_kinds import voice_tabs

_SPANS_READ = 64
_CHILDREN_READ = 16


def _summary(span: Span, rows: RowReader) -> str:
    """Return the first words of a turn, or its name where it was said."""
    waiting = [span]
    for _ in range(_SPANS_READ):
        if not waiting:
            break
        part = waiting.pop()
        if part.kind in ("voice_input", "voice_output"):
            return rows.of(part) or part.name
        if part is span or part.kind == "voice_turn":
            waiting.extend(reversed((part.children or ())[:_CHILDREN_READ]))
    return ""


VIEWER = KindViewer(
    kinds=("voice_turn",),
    glyph="⇄",
    word="voice turn",
    colour="voice",
    summary=_summary,
    follows_children=True,
    tabs=voice_tabs,
)
