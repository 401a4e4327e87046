"""Agents of a voice session."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import voice_tabs

VIEWER = KindViewer(
    kinds=("voice_agent",),
    glyph="◆",
    word="voice agent",
    colour="agent",
    tabs=voice_tabs,
)
