"""What the viewers of voice spans share: their pages, and the words that somebody said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import RowReader

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData
    from etaoi_tui.view.voice.call_model import VoiceCall
    from etaoi_tui.view.voice.model import Turn
    from etaoi_tui.view.voice.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class VoiceContext:
    """What is known of the voice call that a span belongs to, besides the span.

    Attributes:
        limits: What counts as slow.
        call: The call of a session's span.
        turn: The turn of a turn's span.
        number: The turn's place in the call, from 1.
    """

    limits: Thresholds
    call: VoiceCall | None = None
    turn: Turn | None = None
    number: int = 0


def voice_tabs(data: SpanData) -> Sequence[Tab]:
    """Return the page of a voice span; none for a turn or a task of an agent without a voice."""
    from etaoi_tui.detail.pages import voice

    return voice.tabs(data) if voice.applies(data) else ()


def speech(span: Span, rows: RowReader) -> str:
    """Return what was said, and what went wrong; only the latter where the span's name says the words."""
    end = rows.fields(span.end_place if span.end_place >= 0 else span.start_place)
    words = end.transcript or end.text or ""
    if words.startswith(span.name):
        words = ""
    return f"{words} ({span.error})".lstrip() if span.error is not None else words
