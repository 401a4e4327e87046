"""Steps of a framework: nodes of a graph, runnables, and the nodes that state hooks run in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from etaoi_collector.conventions.lenient import as_map
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader
from etaoi_tui.detail.viewers.middleware_hook import hook_summary
from etaoi_tui.detail.viewers.retriever import retrieval_in_words
from etaoi_tui.kinds.step_text import run_words, step_words
from etaoi_tui.view.noise import is_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Section, Tab
    from etaoi_tui.detail.span_data import SpanData

_EDGES_LOOKED_FOR = 4
"""Last children that are looked at for a conditional edge."""
_FEWEST_BRANCHES = 2
_SIBLINGS_LOOKED_AT = 64
_SEND = "__pregel_push"
"""LangGraph's word in the metadata of a node that a ``Send`` started."""
_HOOKS_LOOKED_FOR = 4
"""Children that are looked at for the hook that a graph node runs."""


def _hook_in(node: Span) -> Span | None:
    """Return the hook that a graph node runs: for a reader, the two are one thing."""
    children = (node.children or ())[:_HOOKS_LOOKED_FOR]
    return next((c for c in children if c.flags & SpanFlag.PROBE and c.name == node.name), None)


def _summary(span: Span, rows: RowReader) -> str:
    hook = _hook_in(span)
    if hook is not None:
        return hook_summary(hook, rows)
    start = rows.fields(span.start_ref)
    end = rows.fields(span.end_ref) if span.end_ref >= 0 else None
    if end is not None and end.documents is not None:
        return retrieval_in_words(start.inputs, end.documents)
    above = span.parent
    inner = (
        above is not None and not span.children and above.kind == "middleware" and above.parent is not None
    )
    outputs = end.outputs or end.output if end is not None else None
    if span.parent is None and (answer := run_words(outputs)):
        return answer
    words = step_words(start.inputs or start.input, outputs, branch=_is_branch(span, rows), inner=inner)
    return words if inner or words.startswith("→") else f"{_route(span, rows)}  {words}".strip()


def _route(step: Span, rows: RowReader) -> str:
    """Return where the conditional edge after a step went (``→ tools``): it has no row of its own."""
    for child in reversed((step.children or ())[-_EDGES_LOOKED_FOR:]):
        if not child.children and child.end_ref >= 0 and is_noise(child):
            end = rows.fields(child.end_ref)
            words = step_words(None, end.outputs or end.output, branch=False, inner=True)
            if words.startswith("→ "):
                return words
    return ""


def _is_branch(span: Span, rows: RowReader) -> bool:
    """Whether others of its name ran beside it or a ``Send`` started it: its name does not tell it apart."""
    siblings = span.parent.children if span.parent is not None else None
    if siblings is None or len(siblings) < _FEWEST_BRANCHES:
        return False
    ended = span.ended_at if span.ended_at is not None else float("inf")
    others = [
        other for other in siblings[-_SIBLINGS_LOOKED_AT:] if other is not span and other.name == span.name
    ]
    return any(
        other.started_at < ended and (other.ended_at is None or other.ended_at > span.started_at)
        for other in others
    ) or bool(others and _was_sent(span, rows))


def _was_sent(span: Span, rows: RowReader) -> bool:
    """Whether LangGraph started a node by a ``Send``, as its metadata say."""
    metadata = as_map(rows.event(span.start_ref).get("metadata"))
    return _SEND in str(metadata.get("langgraph_path") or metadata.get("langgraph_triggers"))


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
