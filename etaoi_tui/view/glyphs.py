"""One glyph and one word for every kind and every status, the same on all surfaces.

All are one cell wide in every terminal we know: no emoji presentation, no ambiguous width.
"""

from __future__ import annotations

from etaoi_collector.store.model import Span, Status
from etaoi_tui.kinds.registry import KINDS

SPINNER = "◐◓◑◒"
"""Frames of a running thing; the first also stands still where nothing may move."""

STATUS_GLYPHS = {
    Status.RUNNING: "◐",
    Status.OK: "✓",
    Status.ERROR: "✗",
    Status.CANCELLED: "⊘",
    Status.PAUSED: "‖",
    Status.LOST: "◌",
    Status.INCOMPLETE: "…",
}

STATUS_STYLES = {
    Status.RUNNING: "running",
    Status.OK: "ok",
    Status.ERROR: "error",
    Status.CANCELLED: "muted",
    Status.PAUSED: "warning",
    Status.LOST: "warning",
    Status.INCOMPLETE: "warning",
}
"""The last part of the name of a state's look, wherever states are shown."""


def kind_glyph(kind: str) -> str:
    """Return a kind's glyph; unknown kinds share one."""
    return KINDS.for_kind(kind).glyph


def span_glyph(span: Span) -> str:
    """Return a span's glyph: its kind's, or that of what narrows its kind down."""
    return KINDS.for_span(span).glyph


def kind_word(kind: str) -> str:
    """Return a kind in words; an unknown kind speaks for itself."""
    return KINDS.for_kind(kind).word or kind or "span"
