"""Calls of a language model: the answer in the row; messages, request and diff in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.conventions.finish_reasons import CONTENT_FILTER, ERROR, LENGTH, PAUSE, REFUSAL, UNUSUAL
from etaoi_collector.store.model import Span
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section, Tab
    from etaoi_tui.detail.span_data import SpanData


_MARKS = {
    LENGTH: "✂ cut",
    REFUSAL: "⊘ refused",
    CONTENT_FILTER: "⊘ filtered",
    PAUSE: "‖ to be continued",
    ERROR: "✗ broke off",
}
"""What a row says of an answer that is not what was asked for."""


def _summary(span: Span, rows: RowReader) -> str:
    if span.end_ref < 0:
        return ""
    end = rows.fields(span.end_ref)
    response = end.response
    reason = span.finish_reason
    ending = f"{_MARKS.get(reason, reason)}  " if reason in UNUSUAL else ""
    if response is None:
        return ending + (end.text or "")
    if response.refusal:
        return f"{_MARKS[REFUSAL]}  {response.refusal}"
    if response.text and response.text.strip():
        return ending + response.text
    names = [call.name or "?" for call in [*(response.server_tool_calls or ()), *(response.tool_calls or ())]]
    return f"{ending}→ {', '.join(names)}" if names else ending.strip()


def _tabs(data: SpanData) -> list[Tab]:
    from etaoi_tui.detail.pages import llm, voice

    # A call of a voice agent's model may have metrics and no text.
    return (voice.tabs(data) if data.metrics else []) or llm.tabs(data)


def _overview(data: SpanData, sections: list[Section]) -> list[Section]:
    """Put in front what is asked first: how full the model's window is, and what the call cost."""
    from etaoi_tui.detail.messages.context_meter import meter_sections
    from etaoi_tui.detail.pages import llm, voice

    facts, *others = sections
    return [*meter_sections(data), *llm.number_sections(data), facts, *voice.metric_sections(data), *others]


VIEWER = KindViewer(
    kinds=("llm",),
    glyph="✦",
    word="model call",
    colour="llm",
    summary=_summary,
    tabs=_tabs,
    overview=_overview,
)
