"""Turns, of a voice session and of other conversations."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import voice_tabs

VIEWER = KindViewer(
    kinds=("turn",),
    glyph="⇄",
    word="turn",
    colour="voice",
    tabs=voice_tabs,
)
