"""From a span to its document: the first viewer that applies makes its main pages, the rest is common.

A viewer that raises is skipped with a visible note: payloads come from outside, and a strange one must not
take the detail away. The raw page needs nothing but the events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.document.model import Document, Section, StyledText, Tab, Text
from etaoi_tui.detail.messages.context_meter import course_sections, meter_sections
from etaoi_tui.detail.pages import agent_snapshot as context
from etaoi_tui.detail.pages import llm, probe, tool, voice
from etaoi_tui.detail.pages import runnable as chain
from etaoi_tui.detail.pages.error import error_sections
from etaoi_tui.detail.pages.overview import attribute_sections, headline, overview_sections, raw_sections
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.view.glyphs import kind_glyph


class Viewer(NamedTuple):
    """One way to show spans of some kind."""

    name: str
    priority: int
    applies: Callable[[SpanData], bool]
    tabs: Callable[[SpanData], list[Tab]]


VIEWERS: list[Viewer] = sorted(
    [
        Viewer("middleware probe", 10, probe.applies, probe.tabs),
        Viewer("agent snapshot", 20, context.applies, context.tabs),
        Viewer("voice", 30, voice.applies, voice.tabs),
        Viewer("tool call", 40, tool.applies, tool.tabs),
        Viewer("model call", 50, llm.applies, llm.tabs),
        Viewer("input and output", 90, chain.applies, chain.tabs),
    ],
    key=lambda viewer: viewer.priority,
)
"""All viewers; the lowest priority that applies and yields a page is the one that is shown."""


def describe_span(
    span: Span, payloads: PayloadReader, now: float, reading: ViewOptions | None = None
) -> Document:
    """Return everything there is to show of a span.

    Args:
        span: The span.
        payloads: Where its events come from.
        now: The time to measure running spans with, in seconds since the epoch.
        reading: The reader's choices.
    """
    evidence = SpanData(span, payloads, now, reading)
    notes: list[str] = list(evidence.gaps)
    main = _main_tabs(evidence, notes)
    if main:
        main = [_guarded(tab, evidence, first=tab is main[0]) for tab in main]
    overview = _guarded(Tab("overview", "Overview", lambda: _overview(evidence)), evidence, first=not main)
    tabs = [*main[:1], overview, *main[1:]]
    if evidence.metadata:
        tabs.append(
            _guarded(Tab("attributes", "Attributes", lambda: attribute_sections(evidence.metadata)), evidence)
        )
    tabs.append(Tab("raw", "Raw", lambda: raw_sections(evidence)))
    live = evidence.running or bool(span.deltas and span.kind == "llm" and not evidence.streamed.complete)
    return Document(
        key=f"{span.trace.trace_id}/{span.span_id}",
        headline=_headline(evidence, notes),
        tabs=tabs,
        default=tabs[0].key,
        live=live,
        notes=notes,
    )


def _probe_inside(span: Span) -> Span | None:
    if span.kind != "middleware" or span.marks & SpanFlag.PROBE:
        return None
    return next(
        (c for c in (span.children or ())[:4] if c.marks & SpanFlag.PROBE and c.name == span.name), None
    )


def _io(evidence: SpanData) -> Sequence[Section]:
    return chain.tabs(evidence)[0].sections


def _headline(evidence: SpanData, notes: list[str]) -> Sequence[StyledText]:
    try:
        return headline(evidence)
    except Exception as error:
        notes.append(f"The title line failed on this span ({_why(error)}); Raw has everything.")
        return [(f"{kind_glyph(evidence.span.kind)} {evidence.span.name}", "title")]


def _main_tabs(evidence: SpanData, notes: list[str]) -> list[Tab]:
    probe_of_hook = _probe_inside(evidence.span)
    if probe_of_hook is not None:
        # The graph node of a state hook and the probe in it are one thing for a reader.
        return [
            *_main_tabs(evidence.of(probe_of_hook), notes),
            Tab("io", "Input/Output", partial(_io, evidence)),
        ]
    for viewer in VIEWERS:
        try:
            if not viewer.applies(evidence):
                continue
            tabs = viewer.tabs(evidence)
            if tabs:
                # Looked at here, because a page that fails must make room for the next viewer.
                _ = tabs[0].sections
                return tabs
        except Exception as error:
            notes.append(f"The view “{viewer.name}” failed on this span ({_why(error)}); Raw has everything.")
    return []


def _guarded(tab: Tab, evidence: SpanData, first: bool = False) -> Tab:
    """Return the tab with the span's error in front if it is the first, and a note instead of a failure."""

    def build() -> Sequence[Section]:
        try:
            sections = list(tab.sections)
        except Exception as error:
            told = f"This page failed on this span ({_why(error)}); Raw has everything."
            sections = [Section("failed", "Not shown", [Text(told, "warning")], style="warning")]
        if not first:
            return sections
        try:
            return [*error_sections(evidence), *sections]
        except Exception as error:
            told = f"What is known of its error cannot be shown ({_why(error)}); Raw has everything."
            return [Section("failed.error", "Error", [Text(told, "warning")], style="warning"), *sections]

    return Tab(tab.key, tab.title, build)


def _overview(evidence: SpanData) -> list[Section]:
    numbers: list[Section] = []
    if evidence.span.kind == "llm":
        numbers = [*meter_sections(evidence), *llm.number_sections(evidence)]
    elif evidence.span.kind in ("sub_agent", "middleware") and not evidence.span.marks & SpanFlag.PROBE:
        numbers = course_sections(evidence)
    metrics = voice.metric_sections(evidence) if evidence.span.kind == "llm" else []
    facts, *rest = overview_sections(evidence)
    # Of a model call, how full its window is and what it cost is asked first.
    return [*numbers, facts, *metrics, *rest] if evidence.span.kind == "llm" else [facts, *numbers, *rest]


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
