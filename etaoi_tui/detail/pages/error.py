"""Errors: what kind, what it said, where it began, and the traceback where one came along."""

from __future__ import annotations

import ast
import re

from etaoi_collector.store.model import Span, SpanFlag, Status
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledLine, StyledText, Text
from etaoi_tui.detail.pages.overview import ERROR_WORDS
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import kind_glyph, kind_word

SEARCHED_SPANS = 20_000
"""Descendants that are looked at for the first failure."""

_CALL = re.compile(r"^([A-Za-z_][\w.]{0,120})\((.*)\)$", re.DOTALL)
_COLON = re.compile(r"^([A-Za-z_][\w.]{0,120}(?:Error|Exception|Warning|Interrupt|Exit)): (.*)$", re.DOTALL)
_TRACEBACK = "Traceback (most recent call last)"
_EVALUATED = 100_000


def split_error(error: str) -> tuple[str, str]:
    """Split an error into its type and its message; the type is empty if it names none."""
    found = _CALL.match(error)
    if found is not None:
        return found[1], _first_argument(found[2])
    found = _COLON.match(error)
    return (found[1], found[2]) if found is not None else ("", error)


def _first_argument(text: str) -> str:
    """Undo the ``repr`` of a single text argument, so that its line feeds break lines."""
    if len(text) > _EVALUATED or not text.startswith(("'", '"')):
        return text
    try:
        value = ast.literal_eval(text.rstrip(","))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def error_sections(evidence: SpanData) -> list[Section]:
    """Return what failed in this span or inside it; nothing if nothing did."""
    span = evidence.span
    if span.error is not None and span.status is not Status.OK:
        return [_own_error(evidence)]
    if span.marks & SpanFlag.ERROR_BELOW:
        culprit, path, complete = first_failure(span)
        if culprit is None:
            return []
        blocks: list[Block] = [Text(_message(culprit), "error"), KeyValues(_where(culprit, path))]
        if not complete:
            blocks.append(StyledLine([(f"‹of the first {SEARCHED_SPANS:,} spans inside it›", "note")]))
        handled = span.status is Status.OK
        title = "Something inside failed and was handled" if handled else "Something inside failed"
        return [
            Section(
                "error.below",
                title,
                blocks,
                preview=_message(culprit),
                open=not handled,
                glyph="✗",
                style="warning" if handled else "error",
            )
        ]
    return []


def _message(span: Span) -> str:
    error = span.error or ""
    if error in ERROR_WORDS:
        return ERROR_WORDS[error]
    kind, message = split_error(error)
    return f"{kind}: {message}" if kind else message


def _own_error(evidence: SpanData) -> Section:
    span = evidence.span
    told = evidence.end.get("error") if isinstance(evidence.end, dict) else None
    error = as_text(told) or span.error or ""
    words = ERROR_WORDS.get(error)
    kind, message = split_error(error)
    blocks: list[Block] = []
    body, traceback = as_text(evidence.ended.get("error_message")) or message, ""
    if _TRACEBACK in body:
        cut = body.index(_TRACEBACK)
        body, traceback = body[:cut].rstrip(), body[cut:]
    blocks.append(Text(words or body or "(no message)", "error"))
    for source in (evidence.ended, evidence.metadata):
        for name in ("traceback", "stacktrace", "stack_trace"):
            traceback = traceback or as_text(source.get(name))
    culprit, path, _ = first_failure(span)
    rows = _where(culprit, path) if culprit is not None else _where(span, [])
    blocks.append(KeyValues(rows))
    if traceback:
        blocks += [StyledLine([("traceback", "key")]), Text(traceback)]
    title = kind or {Status.CANCELLED: "Cancelled", Status.PAUSED: "Paused", Status.LOST: "Lost"}.get(
        span.status, "Error"
    )
    soft = span.status in (Status.CANCELLED, Status.PAUSED, Status.LOST)
    return Section(
        "error",
        title,
        blocks,
        span.status.value,
        glyph="!" if soft else "✗",
        style="warning" if soft else "error",
    )


def _where(span: Span, path: list[Span]) -> list[tuple[str, str | list[StyledText]]]:
    name = f"{kind_glyph(span.kind)} {span.name or span.span_id}"
    rows: list[tuple[str, str | list[StyledText]]] = [
        ("where", [(name, "tag"), (f"  {kind_word(span.kind)}", "muted")])
    ]
    if span.agent:
        rows.append(("agent", span.agent))
    if span.ended_at is not None:
        rows.append(("when", fmt.timestamp(span.ended_at)))
    if path:
        rows.append(("path", " › ".join(step.name or kind_word(step.kind) for step in [*path, span])))
    return rows


def first_failure(span: Span) -> tuple[Span | None, list[Span], bool]:
    """Find the earliest span inside that failed by itself: one of which no child failed.

    Returns:
        The span or None, the spans between ``span`` and it from the outside in, and whether all of them
        were looked at.
    """
    best: Span | None = None
    left = SEARCHED_SPANS
    stack = list(span.children or ())
    while stack and left:
        left -= 1
        inner = stack.pop()
        failed = inner.status is Status.ERROR
        if failed and not any(child.status is Status.ERROR for child in inner.children or ()):
            if best is None or _failed_at(inner) < _failed_at(best):
                best = inner
        if inner.marks & SpanFlag.ERROR_BELOW:
            stack.extend(inner.children or ())
    path: list[Span] = []
    step = best.parent if best is not None else None
    while step is not None and step is not span and len(path) < 100:
        path.append(step)
        step = step.parent
    return best, path[::-1], not stack


def _failed_at(span: Span) -> tuple[float, int]:
    return (span.ended_at if span.ended_at is not None else span.started_at, span.number)
