"""Tasks, of a voice session and of others."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import voice_tabs

VIEWER = KindViewer(
    kinds=("task",),
    glyph="◈",
    word="task",
    colour="agent",
    tabs=voice_tabs,
)
