"""Voice spans: session, agents, turns, what was heard and said, and each part's metrics in readable units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.model import Block, Json, KeyValues, Section, StyledText, Tab, Table, Text
from etaoi_tui.detail.messages.chat import note, value_block
from etaoi_tui.detail.span_data import Map, SpanData, as_count, as_list, as_map, as_number, as_text
from etaoi_tui.view import format as fmt

KINDS = (
    "voice_session",
    "voice_turn",
    "voice_agent",
    "voice_input",
    "voice_output",
    "eou",
    "vad",
    "turn",
    "task",
)

_SHARED = frozenset({"turn", "task"})
"""Kinds that the runs of agents without a voice have, too."""

Rows = list[tuple[str, str | Sequence[StyledText]]]

_SECONDS = ("_delay", "_latency", "_duration", "_time", "_ttft", "_ttfb", "_total")
_SECONDS_NAMES = {"duration", "ttft", "ttfb", "audio_duration"}
_EPOCH = {"timestamp", "created_at", "overlap_started_at", "recording_started_at", "last_speaking_time"}
_SPEECH_READ = 20
"""A turn's speech spans that are looked into."""

_NAMES = {
    "ttft": "time to first token",
    "llm_node_ttft": "time to first token",
    "ttfb": "time to first audio",
    "tts_node_ttfb": "time to first audio",
    "e2e_latency": "end to end",
    "end_of_utterance_delay": "waited for end of speech",
    "end_of_turn_delay": "waited for end of turn",
    "transcription_delay": "transcript came after",
    "on_user_turn_completed_delay": "own code on turn end",
    "playback_latency": "playback delay",
    "characters_count": "characters",
    "inference_duration_total": "inference time",
    "prediction_duration": "prediction took",
    "detection_delay": "detected after",
    "transcript_confidence": "confidence",
    "tokens_per_second": "output speed",
    "is_final": "final",
    "timestamp": "measured at",
    "created_at": "reported at",
    "item_id": "item",
    "request_id": "request",
    "agent_id": "agent",
    "agent_label": "agent label",
}


def applies(data: SpanData) -> bool:
    """Whether the span belongs to a voice session."""
    kind = data.span.kind
    if kind in _SHARED:
        spoken = as_map(data.start).get("speech_id") or data.metrics
        return bool(spoken) or _in_a_call(data.span)
    return kind in KINDS or (kind == "llm" and bool(data.metrics))


def _in_a_call(span: Span) -> bool:
    above = span.parent
    while above is not None and not above.kind.startswith("voice_"):
        above = above.parent
    return above is not None


def tabs(data: SpanData) -> list[Tab]:
    """Return the page for this kind of voice span."""
    if data.span.kind == "llm":
        has_text = (
            data.start_payload.get(keys.TEXT)
            or data.start_payload.get(keys.INPUT_MESSAGES)
            or data.end_payload.get(keys.TEXT)
        )
        return [] if has_text else [Tab("voice", "Voice", lambda: _model_call(data))]
    return [Tab("voice", "Voice", lambda: _PAGES.get(data.span.kind, _speech)(data))]


def readable(name: str, value: Any) -> str:
    """Return a metric's value in the unit that its name tells."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = as_number(value)
    if number is None:
        return as_text(value)
    if name in _EPOCH:
        return fmt.timestamp(number) if number > 0 else fmt.UNKNOWN
    if name in _SECONDS_NAMES or name.endswith(_SECONDS):
        return fmt.duration(number)
    if name == "tokens_per_second":
        return fmt.rate(number)
    if name in ("probability", "transcript_confidence", "confidence"):
        return fmt.percent(number)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.3g}"


def metric_rows(values: Map, leave_out: Sequence[str] = ()) -> Rows:
    """Return values as rows with readable names and units; what is not told is left out."""
    return [
        (_NAMES.get(name, name.replace("_", " ")), readable(name, value))
        for name, value in values.items()
        if name not in leave_out and value is not None and not isinstance(value, (dict, list))
    ]


def metric_sections(data: SpanData) -> list[Section]:
    """Return the voice metrics that came with a span's end."""
    metrics = data.metrics
    if not metrics:
        return []
    rows = metric_rows(metrics, ("type",))
    for name, value in as_map(metrics.get("metadata")).items():
        rows.append((name.replace("_", " "), as_text(value)))
    blocks: list[Block] = [KeyValues(rows)]
    nested = {k: v for k, v in metrics.items() if isinstance(v, (dict, list)) and k != "metadata" and v}
    if nested:
        blocks.append(Json(nested))
    return [Section("metrics", "Metrics", blocks, as_text(metrics.get("type")), glyph="∿")]


def _speech(data: SpanData) -> list[Section]:
    """What was heard or said."""
    values = data.start_payload | {k: v for k, v in data.end_payload.items() if v is not None}
    is_input = data.span.kind == "voice_input"
    for payload in data.delta_payloads if not data.end_payload else ():
        values |= payload
    text = as_text(values.get("transcript") or values.get("text"))
    sections = []
    if text:
        remarks = []
        if values.get("is_final") is False:
            remarks.append("not final yet")
        if values.get("orphaned"):
            remarks.append("nobody answered it")
        title, style, glyph = ("user", "role.user", "◉") if is_input else ("agent", "role.agent", "✦")
        sections.append(
            Section("said", title, [Text(text)], " · ".join(remarks), glyph=glyph, style=style, bar=True)
        )
    rows = metric_rows(values, ("transcript", "text"))
    if rows:
        sections.append(Section("values", "Facts", [KeyValues(rows)]))
    earlier = [as_text(p.get("transcript")) for p in data.delta_payloads if p.get("transcript")]
    if earlier:
        blocks = [Text("\n".join(earlier), "muted")]
        sections.append(Section("earlier", "Transcript as it came", blocks, f"{len(earlier)}", open=False))
    return [*sections, *metric_sections(data)]


def _model_call(data: SpanData) -> list[Section]:
    """A model call of which a voice session told only the numbers."""
    rows = metric_rows(data.start_payload | data.end_payload)
    facts = [Section("values", "Facts", [KeyValues(rows)], glyph="✦")] if rows else []
    return [*facts, *metric_sections(data)]


def _turn(data: SpanData) -> list[Section]:
    final: Map = {}
    transcript = ""
    finished = False
    overlaps: list[Map] = []
    false_interruptions = 0
    for payload in data.delta_payloads:
        if "agent_transcript" in payload:
            transcript = as_text(payload["agent_transcript"])
            finished = finished or bool(payload.get("agent_transcript_final"))
        if payload.get("false_interruption"):
            false_interruptions += 1
        if "is_interruption" in payload:
            overlaps.append(payload)
        final |= payload
    sections = _user_words(data)
    if transcript:
        state = "" if finished else "so far" if data.running else "not marked as final"
        blocks: list[Block] = [Text(transcript)]
        sections.append(Section("said", "agent", blocks, state, glyph="✦", style="role.agent", bar=True))
    rows = metric_rows(data.start_payload, ("context_added",))
    if false_interruptions:
        rows.append(("false interruptions", f"{false_interruptions}"))
    if rows:
        sections.append(Section("values", "Facts", [KeyValues(rows)]))
    for n, overlap in enumerate(overlaps):
        title = "Interruption" if overlap.get("is_interruption") else "Overlap, no interruption"
        rows = metric_rows(overlap, ("is_interruption", "agent_transcript"))
        sections.append(Section(f"overlap{n}", title, [KeyValues(rows)], glyph="⚡", style="warning"))
    return [*sections, *_context_added(data), *metric_sections(data)]


def _user_words(data: SpanData) -> list[Section]:
    """What the user said in this turn: the last words of its speech spans, where those can be read."""
    texts = []
    for child in [c for c in data.span.children or () if c.kind == "voice_input"][:_SPEECH_READ]:
        speech = data.of(child)
        text = (
            as_text(speech.end_payload.get("transcript") or speech.start_payload.get("transcript"))
            or child.name
        )
        if text:
            texts.append(text)
    unique = list(dict.fromkeys(texts))
    if not unique:
        return []
    return [Section("heard", "user", [Text("\n".join(unique))], glyph="◉", style="role.user", bar=True)]


def _context_added(data: SpanData) -> list[Section]:
    added = [as_map(item) for item in as_list(data.start_payload.get("context_added"))]
    if not added:
        return []
    rows = []
    for item in added:
        what = as_text(item.get("name") or item.get("role") or item.get("agent_id"))
        rest = {k: v for k, v in item.items() if k not in ("kind", "name", "role", "preview") and v}
        text = as_text(item.get("preview")) or (as_text(rest) if rest else "")
        rows.append((as_text(item.get("kind")).replace("_", " "), what, text))
    blocks: list[Block] = [Table(("what", "name", "content"), rows)]
    summary = fmt.count(len(added), "item")
    return [Section("context", "Added to the model's context", blocks, summary, glyph="+")]


def _agent(data: SpanData) -> list[Section]:
    rows = metric_rows(data.start_payload, ("voice_agent_context",))
    sections = [Section("values", "Agent", [KeyValues(rows)], glyph="◆")] if rows else []
    context = as_map(data.start_payload.get("voice_agent_context"))
    changes = 0
    for payload in data.delta_payloads:
        newer = as_map(payload.get("voice_agent_context"))
        if newer:
            context = context | newer
            changes += 1
    if not context:
        return sections
    instructions = as_map(context.get("instructions"))
    if instructions:
        full = as_text(instructions.get("full"))
        text = full or as_text(instructions.get("preview"))
        blocks: list[Block] = [Text(text, prose=True)]
        length = as_count(instructions.get("len"))
        if length is not None and length > len(text):
            blocks.append(note(f"{fmt.count(length - len(text), 'more character')} not recorded"))
        summary = fmt.count(length or len(text), "char") + (f" · changed {changes}×" if changes else "")
        sections.append(
            Section("instructions", "Instructions", blocks, summary, glyph="▪", style="role.system", bar=True)
        )
    parts = [(n, as_text(context[n])) for n in ("mode", "llm", "stt", "tts", "vad") if context.get(n)]
    if parts:
        sections.append(Section("parts", "Pipeline", [KeyValues(parts)]))
    tools = [as_text(as_map(tool).get("name") or tool) for tool in as_list(context.get("tools"))]
    if tools:
        blocks = [Text("\n".join(f"- {name}" for name in tools), prose=True)]
        sections.append(Section("tools", "Tools", blocks, f"{len(tools)}", glyph="⚒", style="role.tool"))
    return sections


def _session(data: SpanData) -> list[Section]:
    scores: list[Map] = []
    errors: list[Map] = []
    newest: Map = {}
    for payload in data.delta_payloads:
        if payload.get("score"):
            scores.append(as_map(payload["score"]))
        if payload.get("error_event"):
            errors.append(as_map(payload["error_event"]) | {"detail": payload.get("error_detail")})
        newest |= {name: value for name, value in payload.items() if value is not None}
    sections = []
    rows = metric_rows(data.start_payload | data.end_payload)
    if rows:
        sections.append(Section("values", "Session", [KeyValues(rows)], glyph="♪"))
    if data.deltas_left_out:
        text = f"Read from the newest updates; {data.deltas_left_out:,} older ones are only counted."
        sections.append(Section("left_out", "Note", [Text(text, "note")]))
    sections += _errors(errors)
    sections += _outcome(as_map(newest.get("session_outcome")))
    sections += _usage(as_map(newest.get("session_usage")))
    if scores:
        table = [
            (
                as_text(s.get("name")),
                readable("", s.get("value"))
                if s.get("value") is not None
                else as_text(s.get("string_value")),
                as_text(s.get("source")),
                as_text(s.get("comment")),
            )
            for s in scores
        ]
        blocks: list[Block] = [Table(("score", ">value", "source", "comment"), table)]
        sections.append(Section("scores", "Scores", blocks, f"{len(scores)}"))
    sections += _session_context(as_map(newest.get("session_context")))
    audio = as_map(newest.get("audio_artifact"))
    if audio:
        sections.append(Section("audio", "Recording", [KeyValues(metric_rows(audio))]))
    return [*sections, *metric_sections(data)]


def _errors(errors: list[Map]) -> list[Section]:
    if not errors:
        return []
    rows = [
        (
            as_text(error.get("stage")),
            as_text(error.get("type")),
            "yes" if error.get("recoverable") else "no",
            as_text(error.get("message") or error.get("detail")),
        )
        for error in errors
    ]
    table = Table(("stage", "type", "recoverable", "message"), rows)
    return [Section("errors", "Errors", [table], f"{len(errors)}", glyph="✗", style="error")]


def _outcome(outcome: Map) -> list[Section]:
    if not outcome:
        return []
    blocks: list[Block] = [KeyValues(metric_rows(outcome))]
    tags = [as_text(tag) for tag in as_list(outcome.get("tags"))]
    if tags:
        blocks.append(KeyValues([("tags", ", ".join(tags))]))
    verdicts = [as_map(item) for item in as_list(outcome.get("evaluations"))]
    if verdicts:
        names = ("name", "verdict", "reasoning")
        blocks.append(Table(names, [[as_text(v.get(name)) for name in names] for v in verdicts]))
    return [Section("outcome", "Outcome", blocks, as_text(outcome.get("outcome")))]


def _usage(usage: Map) -> list[Section]:
    models = [as_map(item) for item in as_list(usage.get("model_usage"))]
    if not models:
        return []
    rows = [
        (
            as_text(m.get("model")) or as_text(m.get("provider")),
            as_text(m.get("type")).removesuffix("_usage"),
            _tokens(m, "input_tokens"),
            _tokens(m, "input_cached_tokens"),
            _tokens(m, "output_tokens"),
            fmt.duration(as_number(m["audio_duration"])) if as_number(m.get("audio_duration")) else "",
            _tokens(m, "characters_count"),
        )
        for m in models
    ]
    table = Table(("model", "part", ">input", ">cached", ">output", ">audio", ">characters"), rows)
    return [Section("usage", "Usage", [table], fmt.count(len(models), "model"))]


def _tokens(usage: Map, name: str) -> str:
    count = as_count(usage.get(name))
    return fmt.tokens(count) if count else ""


def _session_context(context: Map) -> list[Section]:
    if not context:
        return []
    blocks: list[Block] = [KeyValues(metric_rows(context))]
    people = [as_map(item) for item in as_list(context.get("participants"))]
    if people:
        names = ("identity", "name", "kind")
        blocks.append(Table(names, [[as_text(p.get(name)) for name in names] for p in people]))
    for name in ("userdata", "session_options"):
        if context.get(name):
            blocks += [Text(name.replace("_", " "), "key"), value_block(context[name])]
    return [Section("session_context", "Context", blocks, open=False)]


_PAGES = {"voice_session": _session, "voice_turn": _turn, "turn": _turn, "voice_agent": _agent}
