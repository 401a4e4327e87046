"""Steps of a framework: nodes of a graph, runnables, and the nodes that state hooks run in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.detail.viewers.middleware_hook import hook_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Section, Tab
    from etaoi_tui.detail.span_data import SpanData

_HOOKS_LOOKED_FOR = 4
"""Children that are looked at for the hook that a graph node runs."""


def _hook_in(node: Span) -> Span | None:
    """Return the hook that a graph node runs: for a reader, the two are one thing."""
    children = (node.children or ())[:_HOOKS_LOOKED_FOR]
    return next((c for c in children if c.marks & SpanFlag.PROBE and c.name == node.name), None)


def _summary(span: Span, rows: RowReader) -> str:
    hook = _hook_in(span)
    return hook_summary(hook, rows) if hook is not None else ""


def _tabs(data: SpanData) -> Sequence[Tab]:
    hook = _hook_in(data.span)
    if hook is None:
        return ()
    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.pages import probe

    return [*probe.tabs(data.of(hook)), Tab("io", "Input/Output", partial(_input_and_output, data))]


def _input_and_output(data: SpanData) -> Sequence[Section]:
    from etaoi_tui.detail.pages import runnable

    return runnable.tabs(data)[0].sections


def _overview(data: SpanData, sections: list[Section]) -> list[Section]:
    from etaoi_tui.detail.messages.context_meter import course_sections

    facts, *others = sections
    return [facts, *course_sections(data), *others]


VIEWER = KindViewer(
    kinds=("middleware",),
    glyph="▤",
    word="step",
    colour="middleware",
    summary=_summary,
    follows_children=True,
    tabs=_tabs,
    overview=_overview,
)
