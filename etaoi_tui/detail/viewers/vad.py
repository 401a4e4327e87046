"""Voice activity: when somebody was heard to speak."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import voice_tabs

VIEWER = KindViewer(
    kinds=("vad",),
    glyph="∿",
    word="voice activity",
    colour="voice",
    tabs=voice_tabs,
)
