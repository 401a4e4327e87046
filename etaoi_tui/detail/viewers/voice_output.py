"""What the agent said."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import speech, voice_tabs

VIEWER = KindViewer(
    kinds=("voice_output",),
    glyph="▸",
    word="agent speech",
    colour="agent",
    summary=speech,
    shows_errors=True,
    tabs=voice_tabs,
)
