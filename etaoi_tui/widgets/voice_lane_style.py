"""What the voice lanes look like."""

from __future__ import annotations

from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.stage_colours import STAGE_LOOKS
from etaoi_tui.widgets.styles import StyleTable

LOOKS: StyleTable = {
    **RowView.LOOKS,
    "voice-lanes--header": "color: $quiet; background: $surface",
    "voice-lanes--title": "color: $ink; background: $surface; text-style: bold",
    "voice-lanes--title:focus": "color: $focus-line",
    "voice-lanes--figure": "color: $ink; background: $surface",
    "voice-lanes--live": "color: $running; background: $surface; text-style: bold",
    "voice-lanes--spark-fine": "color: $quiet; background: $surface",
    "voice-lanes--spark-slow": "color: $attention; background: $surface",
    "voice-lanes--spark-too-slow": "color: $attention; background: $surface; text-style: bold",
    "voice-lanes--name": "color: $ink",
    "voice-lanes--muted": "color: $quiet",
    "voice-lanes--fold": "color: $quiet",
    "voice-lanes--guide": "color: $line",
    "voice-lanes--running": "color: $running; text-style: bold",
    "voice-lanes--fine": "color: $quiet",
    "voice-lanes--slow": "color: $attention",
    "voice-lanes--too-slow": "color: $attention; text-style: bold",
    "voice-lanes--bad": "color: $failure; text-style: bold",
    "voice-lanes--said-user": "color: $kind-voice",
    "voice-lanes--said-agent": "color: $kind-agent",
    **{f"voice-lanes--{stage}": look for stage, look in STAGE_LOOKS.items()},
    "voice-lanes--idle": "color: $quiet",
}
"""Every colour has a shape of its own as well."""
