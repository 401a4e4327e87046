"""What the user said."""

from __future__ import annotations

from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.voice_kinds import speech, voice_tabs

VIEWER = KindViewer(
    kinds=("voice_input",),
    glyph="◂",
    word="user speech",
    colour="voice",
    summary=speech,
    shows_errors=True,
    tabs=voice_tabs,
)
