"""What the span tree looks like: a colour for every state and kind; bars in the colour of their kind."""

from __future__ import annotations

from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.styles import StyleTable

LOOKS: StyleTable = {
    **RowView.LOOKS,
    "span-tree--header": "color: $text-muted; background: $surface",
    "span-tree--title": "color: $foreground; background: $surface; text-style: bold",
    "span-tree--guide": "color: $foreground 18%",
    "span-tree--fold": "color: $text-muted",
    "span-tree--muted": "color: $text-muted",
    "span-tree--number": "color: $text-muted",
    "span-tree--slow": "color: $text-warning",
    "span-tree--name": "color: $foreground",
    "span-tree--dim": "color: $foreground 45%",
    "span-tree--running": "color: $text-accent; text-style: bold",
    "span-tree--ok": "color: $text-success",
    "span-tree--error": "color: $text-error; text-style: bold",
    "span-tree--warning": "color: $text-warning",
    "span-tree--streamed": "color: $text-accent; text-style: italic",
    "span-tree--llm": "color: $text-primary",
    "span-tree--tool": "color: $text-secondary",
    "span-tree--agent": "color: $text-success; text-style: bold",
    "span-tree--middleware": "color: $foreground 60%",
    "span-tree--voice": "color: $text-accent",
    "span-tree--bar-llm": "color: $primary",
    "span-tree--bar-tool": "color: $secondary",
    "span-tree--bar-agent": "color: $success",
    "span-tree--bar-middleware": "color: $foreground 40%",
    "span-tree--bar-voice": "color: $accent",
    "span-tree--bar-error": "color: $error",
    "span-tree--marked": "color: $warning; text-style: bold",
    "span-tree--hit": "background: $warning 35%; text-style: bold",
}


def kind_look(kind: str) -> str:
    """Return the last part of the names of a kind's looks."""
    return KINDS.for_kind(kind).colour
