"""Errors: what kind, what it said, where it began, and the traceback where one came along."""

from __future__ import annotations

import ast
import re

from etaoi_collector.store.failures import origin_of
from etaoi_collector.store.model import Span, SpanFlag, Status
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledLine, StyledText, Text
from etaoi_tui.detail.layout.code_colours import TRACEBACK_LANGUAGE
from etaoi_tui.detail.pages.overview import ERROR_WORDS
from etaoi_tui.detail.span_data import SpanData, as_map, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import kind_glyph, kind_word

SEARCHED_SPANS = 20_000
"""Descendants that are looked at for failures."""

FAILURES_LISTED = 20

_CALL = re.compile(r"^([A-Za-z_][\w.]{0,120})\((.*)\)$", re.DOTALL)
_COLON = re.compile(r"^([A-Za-z_][\w.]{0,120}(?:Error|Exception|Warning|Interrupt|Exit)): (.*)$", re.DOTALL)
_TRACEBACK = "Traceback (most recent call last)"
_EVALUATED = 100_000


def split_traceback(text: str) -> tuple[str, str]:
    """Split what went wrong from the traceback behind it; either is empty where there is none."""
    cut = text.find(_TRACEBACK)
    return (text, "") if cut < 0 else (text[:cut].rstrip(), text[cut:])


def without_traceback(error: str) -> str:
    """Return what went wrong without the traceback: what stands before it, else its last line."""
    body, traceback = split_traceback(error)
    return body or traceback.rstrip().rpartition("\n")[2].strip() or error


def split_error(error: str) -> tuple[str, str]:
    """Split an error into its type and its message; the type is empty if it names none."""
    match = _CALL.match(error)
    if match is not None:
        return match[1], _first_argument(match[2])
    match = _COLON.match(error)
    return (match[1], match[2]) if match is not None else ("", error)


def _first_argument(text: str) -> str:
    """Undo the ``repr`` of a single text argument, so that its line feeds break lines."""
    if len(text) > _EVALUATED or not text.startswith(("'", '"')):
        return text
    try:
        value = ast.literal_eval(text.rstrip(","))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def error_sections(data: SpanData) -> list[Section]:
    """Return what failed in this span or inside it; nothing if nothing did."""
    span = data.span
    status = span.status
    if status is Status.PAUSED or (status is Status.OK and span.wait is not None):
        return _inner_failures(span, None)
    if span.error is not None and status is not Status.OK:
        return [_own_error(data), *_inner_failures(span, origin_of(span))]
    return _inner_failures(span, None)


def _inner_failures(span: Span, but: Span | None) -> list[Section]:
    """Return a section about the failures inside a span that its own error, if any, did not come from.

    Args:
        span: The span.
        but: Where its own error began.
    """
    if not span.flags & SpanFlag.ERROR_BELOW:
        return []
    failures, complete = failures_inside(span, but)
    if not failures:
        return []
    listed = failures[:FAILURES_LISTED]
    blocks: list[Block] = []
    if len(failures) == 1:
        blocks = [Text(_message(listed[0]), "error"), KeyValues(_where(listed[0], _path(span, listed[0])))]
    else:
        rows: list[tuple[str, str | list[StyledText]]] = [
            (f"{kind_glyph(one.kind)} {one.name or one.span_id}", _message(one)) for one in listed
        ]
        blocks = [KeyValues(rows)]
    if len(failures) > len(listed):
        blocks.append(StyledLine([(f"‹and {len(failures) - len(listed):,} more›", "note")]))
    if not complete:
        blocks.append(StyledLine([(f"‹of the first {SEARCHED_SPANS:,} spans inside it›", "note")]))
    handled = span.status is not Status.RUNNING
    many = len(failures) > 1
    what = f"{len(failures):,} failures inside" if many else "Something inside failed"
    handled_words = " were handled" if many else " and was handled"
    return [
        Section(
            "error.below",
            what + handled_words if handled else what,
            blocks,
            preview=_message(listed[0]),
            open=not handled,
            glyph="✗",
            style="warning" if handled else "error",
            target=listed[0].span_id,
        )
    ]


def _message(span: Span) -> str:
    error = span.error or ""
    if error in ERROR_WORDS:
        return ERROR_WORDS[error]
    kind, message = split_error(error)
    return f"{kind}: {message}" if kind else message


def _own_error(data: SpanData) -> Section:
    span = data.span
    recorded = data.end.get("error") if isinstance(data.end, dict) else None
    error = as_text(recorded) or span.error or ""
    words = ERROR_WORDS.get(error)
    kind, message = split_error(error)
    blocks: list[Block] = []
    body, traceback = split_traceback(as_text(data.end_payload.get("error_message")) or message)
    blocks.append(Text(words or body or "(no message)", "error"))
    for source in (data.end_payload, data.metadata):
        for name in ("traceback", "stacktrace", "stack_trace"):
            traceback = traceback or as_text(source.get(name))
    origin = origin_of(span)
    blocks.append(KeyValues(_where(origin, _path(span, origin) if origin is not span else [])))
    error_info = as_map(data.end_payload.get("error_info"))
    if error_info:  # what kind of failure it is, as its system says
        rows = [(str(name).replace("_", " "), as_text(value)) for name, value in error_info.items()]
        blocks.append(KeyValues(rows[:FAILURES_LISTED]))
    if traceback:
        blocks += [StyledLine([("traceback", "key")]), Text(traceback, language=TRACEBACK_LANGUAGE)]
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


def failures_inside(span: Span, but: Span | None) -> tuple[list[Span], bool]:
    """Find where failures inside a span began, the earliest first.

    Args:
        span: The span to look in.
        but: A failure to leave out.

    Returns:
        The spans, and whether all that could have failed were looked at.
    """
    spans: list[Span] = []
    budget = SEARCHED_SPANS
    stack = list(span.children or ())
    while stack and budget:
        budget -= 1
        inner = stack.pop()
        if inner.status is Status.ERROR and not inner.flags & SpanFlag.PASSED_ON and inner is not but:
            spans.append(inner)
        if inner.flags & SpanFlag.ERROR_BELOW:
            stack.extend(inner.children or ())
    return sorted(spans, key=_failed_at), not stack


def _path(outer: Span, inner: Span) -> list[Span]:
    """Return the spans between two, from the outside in."""
    path: list[Span] = []
    step = inner.parent
    while step is not None and step is not outer and len(path) < 100:
        path.append(step)
        step = step.parent
    return path[::-1]


def _failed_at(span: Span) -> tuple[float, int]:
    return (span.ended_at if span.ended_at is not None else span.started_at, span.number)
