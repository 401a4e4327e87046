"""Voice sessions: who takes part, what was said, the metrics."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import voice_tabs

VIEWER = KindViewer(
    kinds=("voice_session",),
    glyph="♪",
    word="voice session",
    colour="voice",
    tabs=voice_tabs,
)
