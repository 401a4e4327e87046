"""Things that happened: rows without a duration, with what is known of them in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from etaoi_collector.conventions.event_rows import event_in_words
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData

_LONGEST_READ = 100_000


def _is_event(span: Span) -> bool:
    return bool(span.flags & SpanFlag.EVENT)


def event_summary(span: Span, rows: RowReader) -> str:
    """Return what is known of an event, in one line."""
    inputs: Any = rows.fields(span.start_ref).inputs
    if isinstance(inputs, str) and inputs[:1] in ("{", "[") and len(inputs) <= _LONGEST_READ:
        try:
            inputs = msgspec.json.decode(inputs)
        except (msgspec.DecodeError, RecursionError):
            pass
    return event_in_words(span.name, inputs)


def _tabs(data: SpanData) -> Sequence[Tab]:
    from etaoi_tui.detail.pages import runnable

    return runnable.tabs(data)


VIEWER = KindViewer(
    kinds=("*",),
    glyph="·",
    word="event",
    colour="middleware",
    applies=_is_event,
    priority=6,
    summary=event_summary,
    tabs=_tabs,
)
