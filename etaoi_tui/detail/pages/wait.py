"""What a run waits for, what it was answered, and the run that went on: linked both ways."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.store.model import Span, SpanFlag, Wait
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, Json, KeyValues, Section, StyledText, Text
from etaoi_tui.detail.span_data import SpanData, as_list, as_map, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.wait_words import answer_words, resume_command

_QUESTIONS_SHOWN = 16


def wait_sections(data: SpanData) -> list[Section]:
    """Return what a span waits or waited for, and what it goes on with; nothing for all other spans."""
    sections = []
    resumed = (data.span.trace.resumed or {}).get(data.span)
    if resumed is not None:
        sections.append(_resumes(data, resumed))
    asking, wait = _wait_of(data.span)
    if wait is not None:
        sections.append(_waits(data, asking, wait))
    return sections


def _wait_of(span: Span) -> tuple[Span, Wait | None]:
    """Return the span's own wait; of a root, that of whatever waits in it now."""
    if span.wait is not None or span.parent is not None or not span.trace.waiting:
        return span, span.wait
    waiting = [other for other in span.trace.waits or () if other.flags & SpanFlag.WAITING]
    return (waiting[0], waiting[0].wait) if waiting else (span, None)


def _waits(data: SpanData, asking: Span, wait: Wait) -> Section:
    blocks: list[Block] = [Text(wait.text)]
    for question in _questions(data, asking):
        if isinstance(question, (dict, list)):
            blocks.append(Json(question))
    took = fmt.duration(wait.seconds(data.now))
    # Who paused by ending waits for a person; one that is open may wait for a slot or a limit as well.
    whom = " for a person" if asking.ended_at is not None else ""
    rows: list[tuple[str, str | list[StyledText]]] = [("since", fmt.timestamp(wait.began_at))]
    if wait.ended_at is None:
        if asking is not data.span:
            rows.append(("where", asking.name))
        blocks.append(KeyValues(rows))
        # No duration: of a recording nobody knows for how long it went on waiting.
        since = f"since {fmt.clock(wait.began_at)}"
        title = f"Waits{whom}"
        return Section("waits", title, blocks, since, preview=wait.text, glyph="‖", style="warning")
    rows.append(("until", fmt.timestamp(wait.ended_at)))
    target = ""
    if wait.answer is not None:
        answer = answer_words(as_text(data.of(wait.answer).start_payload.get(keys.INPUTS)))
        rows.append(("answered with", answer or "(nothing)"))
        rows.append(("gone on by", f"{wait.answer.name}  {fmt.clock(wait.answer.started_at)}"))
        target = wait.answer.span_id
    elif data.span.ended_at is not None and wait.began_at >= data.span.ended_at:
        rows.append(("answered", "no: a new run began in its thread"))
    blocks.append(KeyValues(rows))
    return Section(
        "waits",
        f"Waited{whom}",
        blocks,
        took,
        preview=wait.text,
        glyph="‖",
        style="muted",
        target=target,
    )


def _resumes(data: SpanData, waited: Span) -> Section:
    inputs = as_text(data.start_payload.get(keys.INPUTS))
    command = resume_command(inputs)
    value = command.get("resume") if command is not None else None
    blocks: list[Block] = [Text(answer_words(inputs) or "(nothing)")]
    if isinstance(value, (dict, list)):
        blocks.append(Json(value))
    wait = waited.wait or next(iter((waited.trace.waits or {}).values()), None)
    rows: list[tuple[str, str | list[StyledText]]] = []
    if wait is not None:
        rows = [("to the question", wait.text), ("after", fmt.duration(wait.seconds(data.now)))]
    rows.append(("of the run", f"{waited.name}  {fmt.clock(waited.started_at)}"))
    blocks.append(KeyValues(rows))
    return Section("resumes", "Resumed with", blocks, glyph="↪", style="accent", target=waited.span_id)


def _questions(data: SpanData, asking: Span) -> list[Any]:
    """Return what was asked as it was asked, where that was recorded: by the span, or by one inside it."""
    interrupted = [
        asking,
        *(span for span in asking.trace.waits or () if span is not asking and _inside(span, asking)),
    ]
    for span in interrupted:
        interrupts = as_list(data.of(span).end_payload.get("interrupts"))
        if interrupts:
            return [_value(as_map(one).get("value")) for one in interrupts[:_QUESTIONS_SHOWN]]
    return []


def _inside(span: Span, above: Span) -> bool:
    step = span.parent
    while step is not None and step is not above:
        step = step.parent
    return step is above


def _value(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        parsed = parse_json(value)
        return parsed.value if parsed.ok else value
    return value
