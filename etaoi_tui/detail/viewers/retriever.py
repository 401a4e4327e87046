"""Retrievers: query and number of documents in the row; the documents with their scores in the detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.kind_viewer import KindViewer, RowReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etaoi_tui.detail.document.model import Tab
    from etaoi_tui.detail.span_data import SpanData


def _is_retriever(span: Span) -> bool:
    return bool(span.flags & SpanFlag.RETRIEVER)


def retrieval_in_words(query: str | None, documents: int | None) -> str:
    """Return ``"query" → 3 docs``."""
    query_words = f'"{query[:200]}"' if query else ""
    if documents is None:
        return query_words
    result_words = "nothing" if not documents else "1 doc" if documents == 1 else f"{documents:,} docs"
    return f"{query_words} → {result_words}"


def _summary(span: Span, rows: RowReader) -> str:
    query = rows.fields(span.start_ref).inputs
    return retrieval_in_words(query, rows.fields(span.end_ref).documents if span.end_ref >= 0 else None)


def _tabs(data: SpanData) -> Sequence[Tab]:
    from etaoi_tui.detail.pages import retriever

    return retriever.tabs(data)


VIEWER = KindViewer(
    kinds=("middleware",),
    glyph="⌕",
    word="retriever",
    colour="tool",
    applies=_is_retriever,
    priority=20,
    summary=_summary,
    tabs=_tabs,
)
