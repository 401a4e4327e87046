"""Turns of a voice session: the first words in the row; the silence taken apart, and its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.detail.voice_kinds import voice_tabs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import StyledText, Tab
    from etaoi_tui.detail.span_data import SpanData

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


def _tabs(data: SpanData) -> Sequence[Tab]:
    events = voice_tabs(data)
    if data.voice is None or data.voice.turn is None:
        return events
    from etaoi_tui.detail.pages import voice_turn

    return voice_turn.tabs(data.voice.turn, data.now, data.voice.limits, events)


def _headline(data: SpanData) -> Sequence[StyledText] | None:
    voice = data.voice
    if voice is None or voice.turn is None:
        return None
    from etaoi_tui.detail.pages import voice_turn

    return voice_turn.headline(voice.turn, voice.number, data.now, voice.limits)


VIEWER = KindViewer(
    kinds=("voice_turn",),
    glyph="⇄",
    word="voice turn",
    colour="voice",
    summary=_summary,
    follows_children=True,
    tabs=_tabs,
    tabs_in_front=2,
    headline=_headline,
)
