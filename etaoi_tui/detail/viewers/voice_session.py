"""Voice sessions: the call in figures, who takes part, what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import voice_tabs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def _tabs(data: SpanData) -> Sequence[Tab]:
    events = voice_tabs(data)
    if data.voice is None or data.voice.call is None:
        return events
    from etaoi_tui.detail.pages import voice_call

    return voice_call.tabs(data.voice.call, data.voice.limits, events)


VIEWER = KindViewer(
    kinds=("voice_session",),
    glyph="♪",
    word="voice session",
    colour="voice",
    tabs=_tabs,
    tabs_in_front=2,
)
