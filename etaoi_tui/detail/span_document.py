"""From a span to its document: the first viewer that applies makes its main pages, the rest is common.

A viewer that raises is skipped with a visible note: payloads come from outside, and a strange one must not
take the detail away. The raw page needs nothing but the events.
"""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.model import Document, Section, StyledText, Tab, Text
from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.pages import state_and_goal
from etaoi_tui.detail.pages.error import error_sections
from etaoi_tui.detail.pages.overview import attribute_sections, headline, overview_sections, raw_sections
from etaoi_tui.detail.pages.wait import wait_sections
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.detail.voice_context import VoiceContext
from etaoi_tui.kinds.appearance import KindAppearance
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.view.glyphs import kind_glyph

_TURN = "voice_turn"


def describe_span(
    span: Span,
    payloads: PayloadReader,
    now: float,
    options: ViewOptions | None = None,
    voice: VoiceContext | None = None,
) -> Document:
    """Return everything there is to show of a span.

    Args:
        span: The span.
        payloads: Where its events come from.
        now: The time to measure running spans with, in seconds since the epoch.
        options: The reader's choices.
        voice: The voice call that the span belongs to, where there is one and it is looked at.
    """
    KINDS.load_plugins()
    data = SpanData(span, payloads, now, options, voice)
    notes: list[str] = list(data.gaps)
    main = _main_tabs(data, notes)
    if main:
        main = [_guarded(tab, data, first=tab is main[0]) for tab in main]
    overview = _guarded(Tab("overview", "Overview", lambda: _overview(data)), data, first=not main)
    viewer = _viewer(data)
    front = viewer.tabs_in_front if isinstance(viewer, KindViewer) else 1
    tabs = [
        *main[:front],
        overview,
        *main[front:],
        *(_guarded(tab, data) for tab in _viewer_tabs(data, notes)),
    ]
    if data.metadata:
        tabs.append(
            _guarded(Tab("attributes", "Attributes", lambda: attribute_sections(data.metadata)), data)
        )
    tabs.append(Tab("raw", "Raw", lambda: raw_sections(data)))
    # A turn's page has its newest words in front.
    is_turn = voice is not None and voice.turn is not None
    streams = bool(span.deltas and span.kind == "llm" and not data.streamed.complete)
    live = not is_turn and (data.running or streams)
    return Document(
        key=f"{span.trace.trace_id}/{span.span_id}",
        headline=_headline(data, notes),
        tabs=tabs,
        default=tabs[0].key,
        live=live,
        notes=notes,
    )


def _viewer(data: SpanData) -> KindAppearance:
    """Return who shows a span; of a voice turn, the turn's viewer, whatever span stands for it."""
    is_turn = data.voice is not None and data.voice.turn is not None
    return KINDS.for_kind(_TURN) if is_turn else KINDS.for_span(data.span)


def _viewer_tabs(data: SpanData, notes: list[str]) -> Sequence[Tab]:
    try:
        return state_and_goal.tabs(data)
    except Exception as error:
        notes.append(f"State and goal cannot be shown ({_why(error)}); Raw has everything.")
        return ()


def _headline(data: SpanData, notes: list[str]) -> Sequence[StyledText]:
    try:
        viewer = _viewer(data)
        own = viewer.headline(data) if isinstance(viewer, KindViewer) else None
        return own if own is not None else headline(data)
    except Exception as error:
        notes.append(f"The title line failed on this span ({_why(error)}); Raw has everything.")
        return [(f"{kind_glyph(data.span.kind)} {data.span.name}", "title")]


def _main_tabs(data: SpanData, notes: list[str]) -> list[Tab]:
    """Return the tabs of the first viewer that applies and has some."""
    is_turn = data.voice is not None and data.voice.turn is not None
    for viewer in KINDS.candidates(_TURN if is_turn else data.span.kind):
        if not isinstance(viewer, KindViewer):
            continue
        try:
            if viewer.applies is not None and not viewer.applies(data.span):
                continue
            tabs = list(viewer.tabs(data))
            if tabs:
                # Built here, because a page that fails must make room for the next viewer.
                _ = tabs[0].sections
                return tabs
        except Exception as error:
            KINDS.report(viewer, "failed on a span")
            name = viewer.word or KINDS.name_of(viewer)
            notes.append(f"The view “{name}” failed on this span ({_why(error)}); Raw has everything.")
    return []


def _guarded(tab: Tab, data: SpanData, first: bool = False) -> Tab:
    """Return the tab with the span's error in front if it is the first, and a note instead of a failure."""

    def build() -> Sequence[Section]:
        try:
            sections = list(tab.sections)
        except Exception as error:
            text = f"This page failed on this span ({_why(error)}); Raw has everything."
            sections = [Section("failed", "Not shown", [Text(text, "warning")], style="warning")]
        if not first:
            return sections
        try:
            return [*wait_sections(data), *error_sections(data), *sections]
        except Exception as error:
            text = f"What is known of its error cannot be shown ({_why(error)}); Raw has everything."
            return [Section("failed.error", "Error", [Text(text, "warning")], style="warning"), *sections]

    return Tab(tab.key, tab.title, build)


def _overview(data: SpanData) -> list[Section]:
    common = overview_sections(data)
    viewer = _viewer(data)
    return viewer.overview(data, common) if isinstance(viewer, KindViewer) else common


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
