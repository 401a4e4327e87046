"""What a search found: runs, and in each the spans that match, with the words around a match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from etaoi_collector.projections.question import question_of
from etaoi_collector.projections.recorded_content import EventBytes, RecordedContent
from etaoi_collector.projections.trace_names import agent_of, trace_name
from etaoi_collector.query.match import Query, Word
from etaoi_collector.query.needed_words import longest_piece
from etaoi_collector.store.model import Span, Trace
from etaoi_collector.wire.codec import decode_lossless

SPANS_SHOWN = 3
"""Matching spans of a run that are shown; all of them are counted."""

AROUND = 48
"""Characters before and behind a match."""

_DEPTH = 40
_STRINGS = 10_000
"""Texts of a payload that are looked into for a match."""


class SpanHit(msgspec.Struct):
    """A span that matches."""

    span_id: str
    kind: str
    name: str
    where: str
    """What the words stand in: ``name``, ``error``, ``input`` and so on; empty if none was looked for."""
    snippet: str
    """Words around the match, in one line; data from outside."""


class RunHit(msgspec.Struct):
    """A run in which something matches. Times are seconds since the epoch."""

    file: str
    trace_id: str
    session_id: str
    name: str
    question: str
    agent: str
    status: str
    started_at: float
    ended_at: float
    errors: int
    matches: int
    """How many spans match."""
    more: bool
    """There may be further ones."""
    spans: list[SpanHit]
    """The first of them."""


def matching_spans(trace: Trace, query: Query, reader: EventBytes) -> list[Span]:
    """Return the spans of a run that match, in order of arrival."""
    content = RecordedContent(reader)
    return [span for span in trace.spans if not span.placeholder and query.matches(span, content)]


def run_hit(file: str, trace: Trace, matches: int, spans: list[SpanHit], reader: EventBytes) -> RunHit:
    """Describe a run of which all is in a store."""
    return RunHit(
        file=file,
        trace_id=trace.trace_id,
        session_id=trace.session.session_id,
        name=trace_name(trace),
        question=" ".join(question_of(trace, reader).split()),
        agent=agent_of(trace),
        status=trace.status.value,
        started_at=trace.started_at,
        ended_at=trace.ended_at,
        errors=trace.errors,
        matches=matches,
        more=False,
        spans=spans,
    )


def span_hit(span: Span, words: Sequence[Word], reader: EventBytes) -> SpanHit:
    """Describe a span that matches, with the first place at which one of the words stands."""
    where, snippet = _first_hit(span, words, reader)
    return SpanHit(span.span_id, span.kind, span.name, where, snippet)


def _first_hit(span: Span, words: Sequence[Word], reader: EventBytes) -> tuple[str, str]:
    for word in words:
        for field in ("name", "error"):
            text = getattr(span, field)
            if word.within(text):
                return field, around(text, word)
    for field, refs in (("input", [span.start_ref]), ("output", [*(span.deltas or ()), span.end_ref])):
        for ref in refs:
            raw = reader.read(ref) if ref >= 0 else None
            if not isinstance(raw, bytes | bytearray | memoryview):
                continue
            if not any(word.within_bytes(bytes(raw)) for word in words):
                continue
            for text in _texts(decode_lossless(bytes(raw)).get("payload")):
                for word in words:
                    if longest_piece(word) in text.casefold():
                        return field, around(text, word)
    for word in words:
        for field in ("agent", "model", "kind"):
            if word.within(getattr(span, field)):
                return field, getattr(span, field)
    return "", ""


def around(text: str, word: Word) -> str:
    """Return the words around a match in one line, with dots where text was left out."""
    piece = longest_piece(word)
    at = text.casefold().find(piece)
    first = max(0, at - AROUND)
    last = at + len(piece) + AROUND
    cut = " ".join(text[first:last].replace("\\n", " ").split())
    return ("…" if first else "") + cut + ("…" if last < len(text) else "")


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a payload, also those that stand for keys; of a large one the first."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    for _ in range(_STRINGS):
        if not waiting:
            return
        item, depth = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, bytes):
            yield item.decode("utf-8", "replace")
        elif isinstance(item, dict) and depth < _DEPTH:
            waiting.extend((part, depth + 1) for pair in reversed(item.items()) for part in reversed(pair))
        elif isinstance(item, list | tuple) and depth < _DEPTH:
            waiting.extend((part, depth + 1) for part in reversed(item))
        elif item is not None and not isinstance(item, bool | dict | list | tuple):
            yield str(item)
