"""Model calls: what went in, what came out (also while it streams), and what it cost in tokens and time."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.finish_reasons import UNUSUAL, WORDS, normalize_finish_reason
from etaoi_collector.conventions.messages import is_empty_answer, unknown_tools
from etaoi_collector.conventions.usage import is_known_detail
from etaoi_collector.projections.stream_assembly import ANSWER
from etaoi_tui.detail.compare.call_diff import call_diff_sections
from etaoi_tui.detail.document.model import Block, Json, KeyValues, Section, StyledText, Tab, Text
from etaoi_tui.detail.messages.chat import (
    ROLE_GLYPHS,
    ROLE_STYLES,
    Message,
    chat_sections,
    message_sections,
    note,
    read_message,
    read_messages,
    reasoning_section,
)
from etaoi_tui.detail.messages.context_meter import cost_rows
from etaoi_tui.detail.messages.tool_schemas import schemas_for
from etaoi_tui.detail.middleware.request_chain import build_chain
from etaoi_tui.detail.middleware.request_page import request_sections
from etaoi_tui.detail.span_data import SpanData, as_count, as_map, as_number, as_text
from etaoi_tui.view import format as fmt


def applies(data: SpanData) -> bool:
    """Whether the span is a model call."""
    return data.span.kind == "llm"


def tabs(data: SpanData) -> list[Tab]:
    """Return the conversation of a model call; its numbers go to the overview."""
    return [
        Tab("messages", "Messages", lambda: messages_sections(data)),
        Tab("request", "Request", lambda: _request_sections(data)),
        Tab("diff", "Diff", lambda: call_diff_sections(data)),
    ]


def _request_sections(data: SpanData) -> list[Section]:
    chain = build_chain(data, schemas_for(data))
    return request_sections(data, chain, sides=data.options.sides)


def messages_sections(data: SpanData) -> list[Section]:
    """Return the request's messages and the response, in the order of the conversation."""
    return [*_request(data), *_answer_schema(data), *_response(data)]


def _answer_schema(data: SpanData) -> list[Section]:
    """Return the JSON schema that the answer has to follow, closed."""
    schema = data.start_payload.get(keys.OUTPUT_SCHEMA)
    if not isinstance(schema, dict):
        return []
    how = as_text(data.start_payload.get(keys.OUTPUT_METHOD))
    preview = ", ".join(map(str, as_map(schema.get("properties"))))
    return [
        Section("schema", "Answer schema", [Json(schema)], how, preview, open=False, glyph="⊞", style="muted")
    ]


def _request(data: SpanData) -> list[Section]:
    start = data.start_payload
    messages = read_messages(start.get(keys.INPUT_MESSAGES))
    if messages is not None:
        return chat_sections(messages, "m", answered=True)
    if start.get(keys.INPUT_MESSAGES) is not None:
        blocks: list[Block] = [note("not the usual shape of messages"), Json(start[keys.INPUT_MESSAGES])]
        return [Section("request", "Request", blocks)]
    texts = start.get(keys.PROMPTS)
    if isinstance(texts, list) and texts:
        return [_prompt_section(as_text(text), n, len(texts)) for n, text in enumerate(texts, 1)]
    prompts = as_count(start.get(keys.PROMPT_COUNT))
    if prompts is not None:
        sentence = f"A completion model got {fmt.count(prompts, 'prompt')}; the SDK does not send the text."
        return [Section("request", "Request", [Text(sentence, "note")])]
    if left_out := as_text(start.get(keys.LEFT_OUT)):
        return [Section("request", "Request", [note(left_out)])]
    return []


def _prompt_section(text: str, number: int, count: int) -> Section:
    title = "prompt" if count == 1 else f"prompt {number} of {count}"
    return Section(
        f"prompt{number}",
        title,
        [Text(text, prose=True)],
        fmt.count(len(text), "char"),
        text[:400],
        glyph=ROLE_GLYPHS["user"],
        style=ROLE_STYLES["user"],
        bar=True,
    )


def _response(data: SpanData) -> list[Section]:
    ended = data.end_payload
    sections: list[Section] = []
    broke_off = data.span.error is not None or bool(ended.get(keys.SYNTHETIC_END))
    message = read_message(ended.get(keys.RESPONSE))
    if broke_off and is_empty_answer(ended.get(keys.RESPONSE)):
        message = None
    streamed = data.streamed if data.span.deltas else None
    for name, channel in (streamed.channels if streamed else {}).items():
        if name != ANSWER and not (message is not None and message.reasoning and name == "reasoning"):
            section = reasoning_section(channel.display_text, f"response.{name}")
            sections.append(section if name == "reasoning" else _named(section, name))
    if message is None and streamed is not None and ANSWER in streamed.channels:
        sections.append(_streaming(data))
    elif message is None and as_text(ended.get(keys.TEXT) or data.start_payload.get(keys.TEXT)):
        text = as_text(ended.get(keys.TEXT) or data.start_payload.get(keys.TEXT))
        sections += _answer(data, Message("assistant", text))
    elif message is not None:
        _mark_unknown_tools(message, data)
        sections += _answer(data, message)
        sections += _shorter_than_streamed(data, message)
    elif ended.get(keys.RESPONSE) and not broke_off:
        sections.append(
            Section("response", "Response", [Json(ended[keys.RESPONSE])], glyph="✦", style="role.ai")
        )
    elif data.running:
        sections.append(_waiting(data))
    elif data.end is not None and not ended.get(keys.TEXT) and data.span.error is None:
        left_out = as_text(ended.get(keys.LEFT_OUT))
        nothing = note(left_out) if left_out else Text("No response was sent.", "note")
        sections.append(Section("response", "Response", [nothing], glyph="✦"))
    return sections


def _mark_unknown_tools(message: Message, data: SpanData) -> None:
    """Mark calls of tools that were not offered: models make names up, or call what was taken away."""
    unknown = unknown_tools(data.start_payload.get(keys.TOOLS), [call.name for call in message.calls])
    for call in message.calls:
        call.offered = call.name not in unknown


def _named(section: Section, name: str) -> Section:
    return Section(
        section.key, name, section.blocks, section.summary, section.preview, False, "∴", "muted", bar=True
    )


def _answer(data: SpanData, message: Message) -> list[Section]:
    parts = []
    usage = data.span.usage
    if usage is not None and usage.output_tokens is not None:
        parts.append(f"{fmt.tokens(usage.output_tokens)} tok")
    elif message.text:
        parts.append(fmt.count(len(message.text), "char"))
    reason = data.span.finish_reason
    if reason:
        parts.append(WORDS[reason] if reason in UNUSUAL else reason)
    if data.span.error is not None:
        parts.append("incomplete")
    return message_sections(message, "response", title="response", summary=" · ".join(parts))


def _streaming(data: SpanData) -> Section:
    streamed = data.streamed
    channel = streamed.channels[ANSWER]
    blocks: list[Block] = [Text(channel.display_text, prose=True)]
    if not data.running:
        blocks.append(note("its end brought no response; this is what had streamed before"))
    if channel.missing:
        blocks.append(note(f"{fmt.count(channel.missing, 'character')} never arrived"))
    if streamed.unread:
        blocks.append(note(f"{fmt.count(streamed.unread, 'update')} cannot be read"))
    state = "streaming" if data.running else "incomplete"
    return Section(
        "response.assistant",
        "response",
        blocks,
        f"{state} · {fmt.count(len(channel.text), 'char')}",
        glyph="✦",
        style="role.ai",
        bar=True,
    )


def _waiting(data: SpanData) -> Section:
    waited = fmt.duration(data.span.duration(data.now))
    return Section(
        "response.assistant",
        "response",
        [Text("Nothing has come back yet.", "muted")],
        f"waiting for {waited}",
        glyph="✦",
        style="role.ai",
        bar=True,
    )


def _shorter_than_streamed(data: SpanData, message: Message) -> list[Section]:
    """Show what had streamed when the final response is not a continuation of it."""
    if not data.span.deltas:
        return []
    channel = data.streamed.channels.get(ANSWER)
    if channel is None or not channel.text or message.text.startswith(channel.text.rstrip()):
        return []
    text = "What streamed differs from the final response:"
    return [
        Section(
            "response.streamed",
            "streamed",
            [Text(text, "note"), Text(channel.display_text)],
            fmt.count(len(channel.text), "char"),
            channel.text[:400],
            open=False,
            style="muted",
        )
    ]


def finish_reason(data: SpanData) -> str:
    """Return why the model stopped, in words, with what the provider calls it; empty if nothing tells."""
    ended = data.end_payload
    response = as_map(ended.get(keys.RESPONSE))
    raw = ""
    for holder in (ended, response, as_map(response.get("response_metadata"))):
        for name in (keys.FINISH_REASON, keys.STOP_REASON):
            raw = raw or as_text(holder.get(name))
    reason = data.span.finish_reason or normalize_finish_reason(raw)
    if not reason:
        return ""
    words = f"{reason}: {WORDS[reason]}" if reason in UNUSUAL else reason
    return words if raw in ("", reason) else f"{words}   told as {raw}"


def number_sections(data: SpanData) -> list[Section]:
    """Return the numbers of a model call: tokens, speed, model and parameters."""
    sections = []
    usage = _usage_rows(data)
    if usage:
        sections.append(Section("usage", "Tokens", [KeyValues(usage)]))
    speed = _speed_rows(data)
    if speed:
        sections.append(Section("speed", "Speed", [KeyValues(speed)]))
    model = _model_rows(data)
    if model:
        sections.append(Section("model", "Model", [KeyValues(model)]))
    return sections


def _usage_rows(data: SpanData) -> list[tuple[str, str | Sequence[StyledText]]]:
    usage = data.span.usage
    recorded = as_map(data.end_payload.get(keys.USAGE))
    if usage is None and not recorded:
        return []
    rows: list[tuple[str, str | Sequence[StyledText]]] = []

    def add(name: str, count: int | None, part_of: int | None = None) -> None:
        if count is None:
            return
        share = f"   {fmt.percent(count / part_of)}" if part_of else ""
        rows.append((name, [(f"{count:>9,}", ""), (share, "muted")]))

    if usage is not None:
        add("input", usage.input_tokens)
        add("  from cache", usage.cache_read, usage.input_tokens)
        add("  written to cache", usage.cache_creation, usage.input_tokens)
        if usage.cache_creation_1h:
            add("    for 5 minutes", usage.cache_creation_5m, usage.input_tokens)
            add("    for 1 hour", usage.cache_creation_1h, usage.input_tokens)
        add("  audio in", usage.input_audio or None, usage.input_tokens)
        add("  images in", usage.input_image or None, usage.input_tokens)
        add("  video in", usage.input_video or None, usage.input_tokens)
        add("output", usage.output_tokens)
        add("  reasoning", usage.reasoning, usage.output_tokens)
        add("  audio out", usage.output_audio or None, usage.output_tokens)
        add("  images out", usage.output_image or None, usage.output_tokens)
        add("total", usage.total_tokens)
    for side in ("input", "output"):
        for name, value in as_map(recorded.get(f"{side}_token_details")).items():
            if not is_known_detail(name):
                add(f"  {side} {name}", as_count(value))
    return [*rows, *cost_rows(data)]


def _speed_rows(data: SpanData) -> list[tuple[str, str]]:
    span, ended = data.span, data.end_payload
    duration = span.duration(data.now)
    rows = [("duration", fmt.duration(duration))]
    if span.ttft is not None:
        rows.append(("time to first token", fmt.duration(span.ttft)))
    speed = as_number(ended.get("tokens_per_second"))
    output = span.usage.output_tokens if span.usage is not None else None
    if speed is not None:
        rows.append(("output speed", fmt.rate(speed)))
    elif output and duration and span.ended_at is not None:
        writing = duration - (span.ttft or 0.0)
        if writing > 0:
            what = "after the first token" if span.ttft is not None else "over the whole call"
            rows.append(("output speed", f"{fmt.rate(output / writing)}  {what}"))
    return rows


_PARAMETERS = {
    "ls_provider": "provider",
    "ls_model_name": "asked for",
    "ls_model_type": "type",
    "ls_temperature": "temperature",
    "ls_max_tokens": "most output tokens",
    "ls_stop": "stop",
}


def _model_rows(data: SpanData) -> list[tuple[str, str]]:
    rows = [("model", data.span.model)] if data.span.model else []
    texts: list[tuple[str, str]] = [(name, value or "") for name, value in rows]
    for key, name in _PARAMETERS.items():
        value = as_text(data.metadata.get(key))
        if value and not (key == "ls_model_name" and value == data.span.model):
            texts.append((name, value))
    reason = finish_reason(data)
    if reason:
        texts.append(("stopped because", reason))
    if data.end_payload.get(keys.SYNTHETIC_END):
        texts.append(("end", "made up by the SDK: the stream was abandoned"))
    return texts
