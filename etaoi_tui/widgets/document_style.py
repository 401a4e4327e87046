"""What the style names of documents look like, from theme variables only."""

from __future__ import annotations

from etaoi_tui.widgets import frame
from etaoi_tui.widgets.stage_colours import STAGE_LOOKS
from etaoi_tui.widgets.styles import StyleTable

PREFIX = "detail-pane--"


def component(style: str) -> str:
    """Return the name in `LOOKS` of a document's style name."""
    return PREFIX + style.replace(".", "-")


LOOKS: StyleTable = {
    **frame.LOOKS,
    "detail-pane--tab-line": "background: $surface; color: $quiet",
    "detail-pane--tab": "background: $surface; color: $quiet",
    "detail-pane--over": "background: $surface; color: $attention; text-style: bold",
    "detail-pane--tab-active": "background: $background; color: $text; text-style: bold underline",
    "detail-pane--tab-active:focus": "background: $block-cursor-background; color: $block-cursor-foreground",
    "detail-pane--section": "background: $surface",
    "detail-pane--cursor": "background: $cursor-row",
    # As in rows: any of sixteen colours is unreadable on some other, so the line loses its own.
    "detail-pane--cursor:ansi": "color: $cursor-ink",
    "detail-pane--match": "color: $ink; background: $hit-row; text-style: bold",
    "detail-pane--match:ansi": "text-style: bold underline",
    "detail-pane--match-here": "color: $ink; background: $hit-row; text-style: bold reverse",
    "detail-pane--match-here:ansi": "text-style: bold reverse",
    "detail-pane--empty": "color: $quiet",
    "detail-pane--title": "color: $ink; text-style: bold",
    "detail-pane--heading": "color: $ink; text-style: bold underline",
    "detail-pane--subheading": "color: $quiet; text-style: bold",
    "detail-pane--muted": "color: $quiet",
    "detail-pane--note": "color: $quiet; text-style: italic",
    "detail-pane--key": "color: $syntax-key",
    "detail-pane--error": "color: $failure; text-style: bold",
    "detail-pane--warning": "color: $attention",
    "detail-pane--ok": "color: $kind-agent",
    "detail-pane--running": "color: $running; text-style: bold",
    "detail-pane--accent": "color: $ink",
    "detail-pane--tag": "color: $ink; text-style: bold",
    "detail-pane--code": "color: $kind-tool",
    "detail-pane--head": "color: $quiet; text-style: underline",
    "detail-pane--role-system": "color: $quiet; text-style: bold",
    "detail-pane--role-user": "color: $kind-voice; text-style: bold",
    "detail-pane--role-ai": "color: $kind-llm; text-style: bold",
    "detail-pane--role-agent": "color: $kind-agent; text-style: bold",
    "detail-pane--role-tool": "color: $kind-tool; text-style: bold",
    "detail-pane--role-other": "color: $quiet; text-style: bold",
    "detail-pane--json-key": "color: $syntax-key",
    "detail-pane--json-string": "color: $syntax-string",
    "detail-pane--json-number": "color: $syntax-number",
    "detail-pane--json-literal": "color: $syntax-number; text-style: italic",
    "detail-pane--json-punct": "color: $quiet",
    "detail-pane--diff-added": "color: $added",
    "detail-pane--diff-removed": "color: $removed",
    "detail-pane--diff-same": "color: $quiet",
    "detail-pane--diff-added-word": "color: $added; text-style: bold underline",
    "detail-pane--diff-removed-word": "color: $removed; text-style: bold underline",
    **{f"{PREFIX}voice-{stage}": look for stage, look in STAGE_LOOKS.items()},
}

CSS = """
DetailPane {
    overflow-x: hidden;
    overflow-y: scroll;
    scrollbar-size-vertical: 1;
    scrollbar-color: $scrollbar;
    scrollbar-background: $surface;
    scrollbar-background-hover: $surface;
    scrollbar-background-active: $surface;
    background: $background;
    color: $foreground;
}
"""
