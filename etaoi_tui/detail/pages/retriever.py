"""A retriever: what it was asked, and the documents that it found with their scores."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledText, Tab, Table, Text
from etaoi_tui.detail.span_data import Map, SpanData, as_list, as_map, as_number, as_text
from etaoi_tui.view import format as fmt

DOCUMENTS_SHOWN = 100
_LISTED_CELLS = 60
_NAMES = ("title", "source", "file_path", "path", "url", "file_name", "name")
_SCORES = ("score", "relevance_score", "similarity", "_score", "distance")


def tabs(data: SpanData) -> list[Tab]:
    """Return query and documents on one page."""
    return [Tab("documents", "Documents", lambda: _sections(data))]


def documents_of(outputs: Any) -> list[Map] | None:
    """Return the documents that a retriever's outputs hold; None if they are none."""
    value = outputs
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = parse_json(value).value
    documents = [_plain(one) for one in as_list(value) if isinstance(one, dict)]
    readable = [one for one in documents if "text" in one]
    return readable if isinstance(value, list) else None


def _plain(raw: Map) -> Map:
    """Return a document in one shape, whether described or as LangChain serialises it."""
    inner = as_map(raw.get("kwargs")) or raw
    metadata = as_map(inner.get("metadata"))
    plain: Map = {"metadata": metadata}
    for name in ("text", "page_content"):
        if name in inner:
            plain["text"] = as_text(inner[name])
            break
    plain["score"] = next(
        (as_number(source[name]) for source in (inner, metadata) for name in _SCORES if name in source), None
    )
    plain["name"] = next((as_text(metadata[name]) for name in _NAMES if metadata.get(name)), "") or as_text(
        inner.get("id")
    )
    return plain


def _sections(data: SpanData) -> list[Section]:
    query = as_text(data.start_payload.get(keys.INPUTS, data.start_payload.get(keys.INPUT)))
    sections = [Section("query", "Query", [Text(query or "(none)")], glyph="→", style="role.user")]
    if data.end is None:
        if data.running:
            waited = f"for {fmt.duration(data.span.duration(data.now))}"
            sections.append(Section("documents", "Documents", [Text("It is searching.", "muted")], waited))
        return sections
    if data.span.error is not None:
        return sections
    documents = documents_of(data.end_payload.get(keys.OUTPUTS, data.end_payload.get(keys.OUTPUT)))
    if documents is None:
        text = as_text(data.end_payload.get(keys.OUTPUTS))
        return [*sections, Section("documents", "Documents", [Text(text or "(none)")], glyph="←")]
    total = data.end_payload.get("documents")
    count = total if isinstance(total, int) and total >= len(documents) else len(documents)
    blocks: list[Block] = [_table(documents)] if documents else [Text("It found nothing.", "muted")]
    summary = fmt.count(count, "document")
    sections.append(Section("documents", "Found", blocks, summary, glyph="←", style="role.tool"))
    sections += [_document(number, one) for number, one in enumerate(documents[:DOCUMENTS_SHOWN], 1)]
    return sections


def _table(documents: list[Map]) -> Table:
    scored = any(one["score"] is not None for one in documents)
    rows = []
    for number, one in enumerate(documents[:DOCUMENTS_SHOWN], 1):
        first = " ".join(one["text"].split())[:_LISTED_CELLS]
        score = [_score(one["score"])] if scored else []
        rows.append([f"{number}", *score, one["name"] or "–", first])
    return Table((">#", *((">score",) if scored else ()), "from", "begins"), rows)


def _document(number: int, document: Map) -> Section:
    rows: list[tuple[str, str | list[StyledText]]] = [
        (as_text(name), as_text(value)) for name, value in document["metadata"].items()
    ]
    blocks: list[Block] = [Text(document["text"], prose=True)]
    if rows:
        blocks.append(KeyValues(rows))
    title = document["name"] or f"document {number}"
    return Section(
        f"document{number}",
        f"{number}. {title}",
        blocks,
        _score(document["score"]),
        preview=" ".join(document["text"].split())[:_LISTED_CELLS],
        open=number <= 3,
        glyph="▪",
        level=1,
    )


def _score(score: float | None) -> str:
    return f"{score:.3g}" if score is not None else ""
