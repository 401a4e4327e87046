"""What the span tree looks like: a colour for every state and kind; bars in the colour of their kind."""

from __future__ import annotations

from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.styles import StyleTable

LOOKS: StyleTable = {
    **RowView.LOOKS,
    "span-tree--header": "color: $quiet; background: $surface",
    "span-tree--title": "color: $ink; background: $surface; text-style: bold",
    "span-tree--title:focus": "color: $focus-line",
    "span-tree--over": "color: $attention; background: $surface; text-style: bold",
    "span-tree--guide": "color: $line",
    "span-tree--fold": "color: $quiet",
    "span-tree--muted": "color: $quiet",
    "span-tree--number": "color: $quiet",
    "span-tree--slow": "color: $ink; text-style: bold",
    "span-tree--name": "color: $ink",
    "span-tree--dim": "color: $quiet",
    "span-tree--running": "color: $running; text-style: bold",
    "span-tree--ok": "color: $quiet",
    "span-tree--error": "color: $failure; text-style: bold",
    "span-tree--warning": "color: $attention",
    "span-tree--streamed": "color: $ink; text-style: italic",
    "span-tree--llm": "color: $kind-llm",
    "span-tree--tool": "color: $kind-tool",
    "span-tree--agent": "color: $kind-agent; text-style: bold",
    "span-tree--middleware": "color: $kind-middleware",
    "span-tree--voice": "color: $kind-voice",
    "span-tree--bar-llm": "color: $kind-llm",
    "span-tree--bar-tool": "color: $kind-tool",
    "span-tree--bar-agent": "color: $kind-agent",
    "span-tree--bar-middleware": "color: $kind-middleware",
    "span-tree--bar-voice": "color: $kind-voice",
    "span-tree--bar-error": "color: $failure",
    "span-tree--marked": "color: $attention; text-style: bold",
    "span-tree--hit": "color: $ink; background: $hit-row; text-style: bold",
    "span-tree--hit:ansi": "text-style: bold underline",
}


def kind_look(kind: str) -> str:
    """Return the last part of the names of a kind's looks."""
    return KINDS.for_kind(kind).colour
