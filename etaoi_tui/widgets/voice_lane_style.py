"""What the voice lanes look like: a colour for every kind of stage, sound and thought and waiting apart."""

from __future__ import annotations

from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.styles import StyleTable

LOOKS: StyleTable = {
    **RowView.LOOKS,
    "voice-lanes--header": "color: $text-muted; background: $surface",
    "voice-lanes--title": "color: $foreground; background: $surface; text-style: bold",
    "voice-lanes--figure": "color: $foreground; background: $surface",
    "voice-lanes--live": "color: $text-accent; background: $surface; text-style: bold",
    "voice-lanes--spark-fine": "color: $text-success; background: $surface",
    "voice-lanes--spark-slow": "color: $text-warning; background: $surface",
    "voice-lanes--spark-bad": "color: $text-error; background: $surface; text-style: bold",
    "voice-lanes--name": "color: $foreground",
    "voice-lanes--muted": "color: $text-muted",
    "voice-lanes--fold": "color: $text-muted",
    "voice-lanes--guide": "color: $foreground 20%",
    "voice-lanes--running": "color: $text-accent; text-style: bold",
    "voice-lanes--fine": "color: $text-success",
    "voice-lanes--slow": "color: $text-warning; text-style: bold",
    "voice-lanes--bad": "color: $text-error; text-style: bold",
    "voice-lanes--said-user": "color: $foreground",
    "voice-lanes--said-agent": "color: $text-success",
    "voice-lanes--user": "color: $foreground 45%",
    "voice-lanes--stt": "color: $warning 70%",
    "voice-lanes--eou": "color: $warning",
    "voice-lanes--callback": "color: $warning",
    "voice-lanes--ttft": "color: $primary",
    "voice-lanes--llm": "color: $primary 60%",
    "voice-lanes--tool": "color: $foreground 80%",
    "voice-lanes--tts": "color: $success 70%",
    "voice-lanes--playout": "color: $success 50%",
    "voice-lanes--speech": "color: $success",
    "voice-lanes--unexplained": "color: $error; text-style: bold",
    "voice-lanes--idle": "color: $text-muted",
    "voice-lanes--ttft:ansi": "color: ansi_bright_cyan",
    "voice-lanes--llm:ansi": "color: ansi_cyan",
}
"""Every colour has a shape of its own as well."""
