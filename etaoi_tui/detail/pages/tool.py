"""Tool calls: arguments and result, of LangChain tools and of a voice agent's function tools."""

from __future__ import annotations

from etaoi_collector.conventions import keys
from etaoi_collector.store.model import Status
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, JsonText, KeyValues, Section, StyledText, Tab, Text
from etaoi_tui.detail.document.text_reading import file_named
from etaoi_tui.detail.messages.chat import Message, message_blocks, note, read_message, unquoted, value_block
from etaoi_tui.detail.middleware.tool_chain import tool_chain_sections
from etaoi_tui.detail.pages.overview import STATUS_MEANINGS
from etaoi_tui.detail.span_data import Map, SpanData, as_map, as_text
from etaoi_tui.view import format as fmt


def applies(data: SpanData) -> bool:
    """Whether the span is a tool call."""
    return data.span.kind == "tool"


def tabs(data: SpanData) -> list[Tab]:
    """Return a tool's arguments and result on one page."""
    return [Tab("io", "Input/Output", lambda: _sections(data))]


def _sections(data: SpanData) -> list[Section]:
    sections = [_arguments(data), *_streamed(data), *_result(data)]
    sections += tool_chain_sections(data)
    handoffs = [as_map(p["handoff"]) for p in data.delta_payloads if p.get("handoff")]
    if handoffs:
        blocks: list[Block] = [
            KeyValues([("from", as_text(h.get("from_agent_id"))), ("to", as_text(h.get("to_agent_id")))])
            for h in handoffs
        ]
        sections.append(Section("handoff", "Hand-off", blocks, glyph="⇄", style="accent"))
    return sections


def _arguments(data: SpanData) -> Section:
    value = _sent(data)
    blocks: list[Block] = [_nothing(data)] if value in (None, "", {}, "{}") else [value_block(value)]
    call_id = as_text(data.start_payload.get("call_id"))
    return Section("arguments", "Arguments", blocks, call_id, glyph="→", style="role.user")


def _sent(data: SpanData) -> object:
    start = data.start_payload
    return start.get(keys.ARGUMENTS, start.get(keys.INPUT, start.get(keys.INPUTS)))


def _file_name(data: SpanData) -> str:
    """Return the name of the file that the tool was asked about, if it was."""
    sent = _sent(data)
    return file_named(parse_json(sent).value if isinstance(sent, str) and sent.startswith("{") else sent)


def _nothing(data: SpanData) -> Block:
    if not data.start_payload and data.start is None:
        return Text("Its start never arrived.", "note")
    left_out = as_text(data.start_payload.get(keys.LEFT_OUT))
    return note(left_out) if left_out else Text("(none)", "muted")


def _streamed(data: SpanData) -> list[Section]:
    if not data.span.deltas or data.end_payload.get(keys.OUTPUT) is not None:
        return []
    text = data.streamed.answer
    if not text:
        return []
    summary = fmt.count(len(text), "char")
    return [
        Section("streamed", "Output so far", [Text(text)], summary, glyph="⚒", style="role.tool", bar=True)
    ]


def _result(data: SpanData) -> list[Section]:
    ended = data.end_payload or (data.start_payload if data.span.ended_at is not None else {})
    value = unquoted(ended.get(keys.OUTPUT, ended.get(keys.OUTPUTS)))
    if value is None:
        if data.running:
            waited = f"for {fmt.duration(data.span.duration(data.now))}"
            return [Section("result", "Result", [Text("It is running.", "muted")], waited, glyph="⚒")]
        if data.span.status is Status.LOST:
            return [Section("result", "Result", [Text(STATUS_MEANINGS[Status.LOST], "muted")], glyph="⚒")]
        left_out = as_text(ended.get(keys.LEFT_OUT)) if data.end is not None else ""
        return [Section("result", "Result", [note(left_out)], glyph="⚒")] if left_out else []
    message = _tool_message(value)
    if message is None:
        blocks = [Text("(empty)", "muted")] if value == "" else [value_block(value, _file_name(data))]
        return [Section("result", "Result", blocks, _size(value), glyph="⚒", style="role.tool")]
    return _message_sections(message, _file_name(data))


def _tool_message(value: object) -> Map | None:
    """Return the serialised ToolMessage in a result, if it is one."""
    # Looking for the key first spares parsing every large result that is none.
    if isinstance(value, str) and value.startswith("{") and '"tool_call_id"' in value:
        parsed = parse_json(value)
        value = parsed.value
        if parsed.note and isinstance(value, dict):
            value["…"] = parsed.note
    if isinstance(value, dict) and value.get("type") == "tool" and "content" in value:
        return value
    return None


def _message_sections(raw: Map, file_name: str) -> list[Section]:
    message: Message | None = read_message(raw)
    if message is None:
        return [Section("result", "Result", [JsonText(as_text(raw))], glyph="⚒", style="role.tool")]
    artifact, message.artifact = message.artifact, None
    status: StyledText = (
        ("✗ error", "error") if message.failed else ("✓ " + (as_text(raw.get("status")) or "ok"), "ok")
    )
    rows: list[tuple[str, str | list[StyledText]]] = [("status", [status])]
    rows += [
        (label, as_text(raw[name]))
        for name, label in (("name", "tool"), ("tool_call_id", "answers call"), ("id", "message id"))
        if raw.get(name)
    ]
    blocks = message_blocks(message, file_name)
    if "…" in raw:
        blocks.append(note(as_text(raw["…"])))
    style = "error" if message.failed else "role.tool"
    sections = [Section("result", "Result", blocks, _size(message.text), glyph="⚒", style=style)]
    if artifact is not None:
        sections.append(Section("artifact", "Artifact", [value_block(artifact)], _size(artifact)))
    sections.append(Section("message", "Tool message", [KeyValues(rows)], style="muted"))
    return sections


def _size(value: object) -> str:
    return fmt.count(len(value), "char") if isinstance(value, str) and value else ""
