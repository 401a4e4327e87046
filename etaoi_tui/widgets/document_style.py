"""What the style names of documents look like, from theme variables only."""

from __future__ import annotations

from etaoi_tui.widgets.styles import StyleTable

PREFIX = "detail-pane--"


def component(style: str) -> str:
    """Return the name in `LOOKS` of a document's style name."""
    return PREFIX + style.replace(".", "-")


LOOKS: StyleTable = {
    "detail-pane--tab-line": "background: $surface; color: $text-muted",
    "detail-pane--tab": "background: $surface; color: $text-muted",
    "detail-pane--tab-active": "background: $background; color: $text; text-style: bold underline",
    "detail-pane--tab-active:focus": "background: $block-cursor-background; color: $block-cursor-foreground",
    "detail-pane--section": "background: $surface",
    "detail-pane--cursor": "background: $block-cursor-blurred-background",
    "detail-pane--cursor:ansi": "text-style: reverse",
    "detail-pane--muted:ansi": "text-style: dim",
    "detail-pane--json-punct:ansi": "text-style: dim",
    "detail-pane--empty": "color: $text-muted",
    "detail-pane--title": "color: $text; text-style: bold",
    "detail-pane--muted": "color: $text-muted",
    "detail-pane--note": "color: $text-muted; text-style: italic",
    "detail-pane--key": "color: $text-secondary",
    "detail-pane--error": "color: $text-error; text-style: bold",
    "detail-pane--warning": "color: $text-warning",
    "detail-pane--ok": "color: $text-success",
    "detail-pane--running": "color: $text-accent; text-style: bold",
    "detail-pane--accent": "color: $text-accent",
    "detail-pane--tag": "color: $text-primary; text-style: bold",
    "detail-pane--code": "color: $text-accent",
    "detail-pane--head": "color: $text-muted; text-style: underline",
    "detail-pane--role-system": "color: $text-secondary; text-style: bold",
    "detail-pane--role-user": "color: $text-primary; text-style: bold",
    "detail-pane--role-ai": "color: $text-success; text-style: bold",
    "detail-pane--role-tool": "color: $text-warning; text-style: bold",
    "detail-pane--role-other": "color: $text-muted; text-style: bold",
    "detail-pane--json-key": "color: $text-primary",
    "detail-pane--json-string": "color: $text-success",
    "detail-pane--json-number": "color: $text-warning",
    "detail-pane--json-literal": "color: $text-accent; text-style: italic",
    "detail-pane--json-punct": "color: $text-muted",
    "detail-pane--diff-added": "color: $text-success",
    "detail-pane--diff-removed": "color: $text-error",
    "detail-pane--diff-same": "color: $text-muted",
    "detail-pane--diff-added-word": "color: $text-success; text-style: bold underline",
    "detail-pane--diff-removed-word": "color: $text-error; text-style: bold underline",
}

CSS = """
DetailPane {
    overflow-x: hidden;
    overflow-y: scroll;
    scrollbar-size-vertical: 1;
    background: $background;
    color: $foreground;
}
"""
