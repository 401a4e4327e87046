"""Hooks of middleware (probes): what each changed, in the row and in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.view.middleware.effect import recorded_effect
from etaoi_tui.view.middleware.hooks import goes_down, is_hook
from etaoi_tui.view.middleware.pairing import bracket_of
from etaoi_tui.view.neighbouring_calls import call_near

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def hook_summary(span: Span, rows: RowReader) -> str:
    """Return what a hook changed, in few words."""
    effect = recorded_effect(span, rows)
    words = effect.in_words(rows.characters_a_token(call_near(span))) if effect is not None else ""
    if goes_down(span):
        return f"↓ {words or 'no change'}"
    # The second probe event of a hook: what it passed on stands with the first.
    return "↑ back" if bracket_of(span).spans else words


def _tabs(data: SpanData) -> list[Tab]:
    from etaoi_tui.detail.pages import probe

    return probe.tabs(data)


VIEWER = KindViewer(
    kinds=("*",),
    glyph="▤",
    word="",
    colour="middleware",
    applies=is_hook,
    priority=10,
    summary=hook_summary,
    follows_children=True,
    tabs=_tabs,
)
