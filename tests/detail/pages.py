"""Helpers: events to send, and what a page says as text."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from etaoi_tui.detail.document.model import Block, Document, Section, Tab
from etaoi_tui.detail.layout.page import PageLayout

TRACE = str(uuid.UUID(int=1))
SESSION = str(uuid.UUID(int=2))


def span_id(number: int) -> str:
    return str(uuid.UUID(int=1000 + number))


_events = iter(range(10**9))


def start(
    number: int, kind: str, payload: Any, at: int = 0, parent: int | None = None, **metadata: str
) -> Any:
    return {
        **_common("span_start", number, kind, payload, at, parent),
        "metadata": {"name": f"{kind} {number}", **metadata},
        "run_id": None,
        "parent_run_id": None,
        "lc_agent_name": None,
        "speech_id": None,
        "voice_metrics": None,
        "user_id": None,
    }


def delta(number: int, kind: str, payload: Any, at: int = 1) -> Any:
    return {**_common("span_delta", number, kind, payload, at, None), "metadata": {}, "speech_id": None}


def end(
    number: int, kind: str, payload: Any, at: int = 2, error: str | None = None, parent: int | None = None
) -> Any:
    return {
        **_common("span_end", number, kind, payload, at, parent),
        "metadata": {"name": f"{kind} {number}"},
        "error": error,
        "speech_id": None,
        "voice_metrics": None,
        "user_id": None,
    }


def _common(what: str, number: int, kind: str, payload: Any, at: int, parent: int | None) -> dict[str, Any]:
    return {
        "kind": what,
        "event_id": str(uuid.UUID(int=10**9 + next(_events))),
        "session_id": SESSION,
        "trace_id": TRACE,
        "span_id": span_id(number),
        "parent_span_id": None if parent is None else span_id(parent),
        "node_kind": kind,
        "timestamp": f"2026-01-02T03:04:{at:02d}Z",
        "payload": payload,
    }


def document_of(*blocks: Block, live: bool = False, key: str = "doc", **section: Any) -> Document:
    """A document of one tab with one section."""
    section_of = Section("s", "Section", blocks, **section)
    return Document(key, [("head", "title")], [Tab("main", "Main", lambda: [section_of])], "main", live)


def page_of(
    document: Document, tab: str = "", width: int = 100, folds: dict[str, bool] | None = None
) -> PageLayout:
    chosen = document.tab(tab or document.default)
    assert chosen is not None
    page = PageLayout(document, chosen, width, folds or {})
    while not page.done:
        page.work(1_000_000)
    return page


def lines_of(document: Document, tab: str = "", width: int = 100) -> list[str]:
    """The text of every line of a tab, all sections open."""
    chosen = document.tab(tab or document.default)
    assert chosen is not None
    page = page_of(document, tab, width, {section.key: True for section in chosen.sections})
    return ["".join(text for text, _ in page.line(y).runs).rstrip() for y in range(page.count)]


def text_of(document: Document, tab: str = "", width: int = 100) -> str:
    return "\n".join(lines_of(document, tab, width))


def styles_in(document: Document, tab: str = "") -> Iterator[str]:
    """Every style name that is used on a tab."""
    page = page_of(document, tab)
    for y in range(page.count):
        for _, style in page.line(y).runs:
            yield style
