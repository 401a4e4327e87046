"""What every span tells: its headline, its facts and attributes, and what is odd about it, in plain words."""

from __future__ import annotations

from typing import Any

from etaoi_collector.pricing.book import price_book
from etaoi_collector.projections.call_cost import cost_of
from etaoi_collector.projections.payload_reader import Missing
from etaoi_collector.store.model import Span, SpanFlag, Status
from etaoi_tui.detail.document.model import Json, KeyValues, Section, StyledText, Text
from etaoi_tui.detail.span_data import Map, SpanData, as_number, as_text
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.view import format as fmt
from etaoi_tui.view.call_numbers import CALL_NUMBERS
from etaoi_tui.view.glyphs import STATUS_GLYPHS, kind_word, span_glyph

STATUS_STYLES = {
    Status.RUNNING: "running",
    Status.OK: "ok",
    Status.ERROR: "error",
    Status.CANCELLED: "warning",
    Status.PAUSED: "warning",
    Status.LOST: "warning",
    Status.INCOMPLETE: "muted",
}

STATUS_MEANINGS = {
    Status.RUNNING: "It has started and not ended yet.",
    Status.OK: "It ended without an error.",
    Status.ERROR: "It ended with an error.",
    Status.CANCELLED: "It was stopped before it was done.",
    Status.PAUSED: "It waits for a person.",
    Status.LOST: "It never ended: its client went away, or the recording ends before.",
    Status.INCOMPLETE: "Its start never arrived, so its duration and input are not known.",
}

FLAG_NOTES = {
    SpanFlag.ERROR_BELOW: "Something inside it failed.",
    SpanFlag.PASSED_ON: "Its error is that of something inside it, and counts there.",
    SpanFlag.ANSWERED: "It waited for a person, and was gone on with.",
    SpanFlag.SYNTHETIC_END: "Its end was made up: what called it ended first.",
    SpanFlag.PARENT_CYCLE: "Its parents form a ring; it was cut here.",
    SpanFlag.APPROXIMATE_END: "It may have ended before: its end was only told together with others'.",
    SpanFlag.CLOCK_BACKWARDS: "Its end is stamped before its start: its sender's clock ran backwards.",
    SpanFlag.ID_CLASH: "Another trace uses the same span id.",
    SpanFlag.CONFLICT: "It was started or ended twice with different content; the first is shown.",
    SpanFlag.LATE: "Something arrived for it after it had ended.",
    SpanFlag.INTERNAL: "An inner step of its framework; such steps are folded away by default.",
}

ERROR_WORDS = {
    "tool_error": "The tool returned an error.",
    "interrupted": "It was interrupted.",
    "cancelled": "It was cancelled.",
    "probe_error": "The probe itself failed; the middleware ran.",
    "synthesized_on_turn_close": "Its end was made up when its turn closed.",
    "span_end_synthesized_on_detach": "Its end was made up when its SDK detached; its real end is not known.",
}


def status_run(status: Status) -> StyledText:
    """Return a status as glyph and word."""
    return f"{STATUS_GLYPHS[status]} {status.value}", STATUS_STYLES[status]


_INSTANT = 0.002
"""Seconds below which a voice span has no length of its own: the etaoi SDK sends such spans after the fact,
with the true time in their metrics."""


def headline(data: SpanData) -> list[StyledText]:
    """Return the title line of a span: what it is, its state and its main numbers."""
    span = data.span
    name = span.name or kind_word(span.kind)
    # Voice spans are marks without a length; their metrics know how long the work took.
    took = span.duration(data.now)
    measured = as_number(data.metrics.get("duration"))
    length = fmt.span_duration(span, data.now)
    if measured is not None and took is not None and took < _INSTANT:
        length = fmt.duration(measured)
    runs: list[StyledText] = [
        (f"{span_glyph(span)} {name}", "title"),
        ("   ", ""),
        status_run(span.status),
        (f"   {length}", ""),
    ]
    if (number := CALL_NUMBERS.of(span)) is not None:
        runs.append((f"   call {number[0]:,} of {number[1]:,}", "muted"))
    usage = span.usage
    if usage is not None and (usage.input_tokens is not None or usage.output_tokens is not None):
        runs.append((f"   {fmt.tokens(usage.input_tokens)}→{fmt.tokens(usage.output_tokens)} tok", "muted"))
        cost = cost_of(data)
        if cost is not None and price_book().ready:
            runs.append((f"   {fmt.cost(cost.total, cost.total is None)}", "muted"))
    if span.ttft is not None:
        first = "ttft" if span.kind == "llm" else "first audio"
        runs.append((f"   {first} {fmt.duration(span.ttft)}", "muted"))
    word = KINDS.for_span(span).word or kind_word(span.kind)
    if name != word:
        runs.append((f"   {word}", "muted"))
    return runs


def flags_in_words(span: Span) -> list[str]:
    """Return what is odd about a span, one sentence each."""
    texts = [] if span.status is Status.OK else [STATUS_MEANINGS[span.status]]
    if (
        span.flags & SpanFlag.ENDED
        and not span.flags & SpanFlag.STARTED
        and span.status is not Status.INCOMPLETE
    ):
        texts.append(STATUS_MEANINGS[Status.INCOMPLETE])
    if span.error in ERROR_WORDS:
        texts.append(ERROR_WORDS[span.error])
    texts += [text for mark, text in FLAG_NOTES.items() if span.flags & mark]
    if span.declared_parent_id is not None and span.parent is None and not span.flags & SpanFlag.PARENT_CYCLE:
        texts.append("Its parent never arrived; it is shown as a root.")
    elif span.parent is not None and span.parent.placeholder:
        texts.append("Nothing of its parent has arrived but the id.")
    return texts


def overview_sections(data: SpanData) -> list[Section]:
    """Return the facts of any span."""
    span, now = data.span, data.now
    rows: list[tuple[str, str | list[StyledText]]] = [
        ("status", [status_run(span.status)]),
        (
            "kind",
            kind_word(span.kind)
            if kind_word(span.kind) == span.kind
            else f"{kind_word(span.kind)} ({span.kind})",
        ),
        ("name", span.name),
    ]
    if span.agent:
        rows.append(("agent", span.agent))
    if span.model:
        rows.append(("model", span.model))
    if span.flags & SpanFlag.STARTED:
        # The present of an old run in a recording is the recording's end; that of what runs is beyond it.
        present = max(now, span.trace.session.newest_at)
        rows.append(("started", f"{fmt.timestamp(span.started_at)}   {fmt.ago(span.started_at, present)}"))
        root = span.trace.started_at
        if root is not None and span.started_at > root:
            rows.append(("after start of trace", fmt.offset(span.started_at - root)))
    if span.ended_at is not None:
        rows.append(("ended", fmt.timestamp(span.ended_at)))
    elif span.status is Status.LOST and span.last_seen_at is not None:
        rows.append(("last seen", fmt.timestamp(span.last_seen_at)))
    rows.append(("duration", fmt.span_duration(span, now) + _silence(span)))
    if span.parent is not None:
        rows.append(("inside", span.parent.name or span.parent.span_id))
    if span.children:
        rows.append(("children", f"{len(span.children):,}"))
    if span.deltas:
        rows.append(("updates", f"{len(span.deltas):,}"))
    sections = [Section("facts", "Facts", [KeyValues(rows)])]
    notes = flags_in_words(span)
    if notes:
        sections.append(Section("notes", "Worth knowing", [Text(f"- {text}", prose=True) for text in notes]))
    sections.append(Section("ids", "Ids", [KeyValues(_ids(data))]))
    return sections


def _silence(span: Span) -> str:
    """Tell for how long nothing had been said of a lost span when its client went away."""
    last = span.last_seen_at if span.status is Status.LOST else None
    silent = 0.0 if last is None else last - span.trace.ended_at
    return f"   its last event came {fmt.duration(silent)} before" if silent > 0 else ""


def _ids(data: SpanData) -> list[tuple[str, str]]:
    span = data.span
    rows = [
        ("span", span.span_id),
        ("trace", span.trace.trace_id),
        ("session", span.trace.session.session_id),
    ]
    if span.declared_parent_id:
        rows.append(("parent", span.declared_parent_id))
    event: Any = data.start if isinstance(data.start, dict) else data.end
    if isinstance(event, dict):
        for field, name in (
            ("run_id", "run"),
            ("parent_run_id", "parent run"),
            ("speech_id", "speech"),
            ("user_id", "user"),
        ):
            if event.get(field):
                rows.append((name, as_text(event[field])))
    return rows


_GROUPS = (
    ("model", "Model", ("ls_model", "ls_provider", "ls_temp", "ls_max", "ls_stop")),
    ("graph", "Graph position", ("langgraph_", "checkpoint_ns", "thread_id")),
    ("voice", "Voice", ("lk_",)),
    ("agent", "Agent", ("lc_", "agent.", "ls_", "wrapped_by_", "probe_")),
)


def attribute_sections(metadata: Map) -> list[Section]:
    """Return all metadata: what the user put there first, then what frameworks did, by topic."""
    groups: dict[str, list[tuple[str, str]]] = {key: [] for key, _, _ in _GROUPS}
    own: list[tuple[str, str]] = []
    for name, value in sorted(metadata.items()):
        row = (name, as_text(value))
        for key, _, prefixes in _GROUPS:
            if name.startswith(prefixes):
                groups[key].append(row)
                break
        else:
            own.append(row)
    sections = (
        [Section("attributes", "Attributes", [KeyValues(own)], fmt.count(len(own), "entry", "entries"))]
        if own
        else []
    )
    for key, title, _ in _GROUPS:
        if groups[key]:
            summary = fmt.count(len(groups[key]), "entry", "entries")
            sections.append(Section(f"attributes.{key}", title, [KeyValues(groups[key])], summary))
    return sections


def raw_sections(data: SpanData) -> list[Section]:
    """Return the events as they came."""
    sections = []
    for key, title, event in (("start", "span_start", data.start), ("end", "span_end", data.end)):
        if key == "end":
            sections += _raw_deltas(data)
        if event is None:
            sections.append(Section(f"raw.{key}", title, [Text("It has not arrived.", "muted")], open=False))
        elif isinstance(event, Missing):
            sections.append(Section(f"raw.{key}", title, [Text(event.reason, "note")]))
        else:
            sections.append(Section(f"raw.{key}", title, [Json(event)], as_text(event.get("timestamp"))))
    return sections


def _raw_deltas(data: SpanData) -> list[Section]:
    sections = []
    first = data.deltas_left_out
    if first:
        text = f"The {first:,} oldest of {len(data.span.deltas or ()):,} updates are not listed."
        sections.append(Section("raw.older", "span_delta", [Text(text, "note")], f"1 … {first:,}"))
    for n, delta in enumerate(data.deltas, first + 1):
        key = f"raw.delta{n}"
        if isinstance(delta, Missing):
            sections.append(Section(key, f"span_delta {n}", [Text(delta.reason, "note")], open=False))
        else:
            preview = as_text(delta.get("payload"))[:400]
            stamp = as_text(delta.get("timestamp"))
            sections.append(Section(key, f"span_delta {n}", [Json(delta)], stamp, preview, open=False))
    return sections
