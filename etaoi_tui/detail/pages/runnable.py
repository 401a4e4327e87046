"""Agents, graph nodes, hooks and other runnables: their input and output, messages shown as a chat."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, Json, Section, Tab, Text
from etaoi_tui.detail.messages.chat import (
    Message,
    chat_sections,
    message_sections,
    note,
    read_message,
    read_messages,
    value_block,
)
from etaoi_tui.detail.pages.state_fields import file_sections, todo_blocks, todo_section
from etaoi_tui.detail.span_data import Map, SpanData, as_text
from etaoi_tui.kinds.step_text import answer_in_state
from etaoi_tui.view import format as fmt

_MESSAGE_KEYS = ("messages", "chat_history", "history")


def applies(data: SpanData) -> bool:
    """Whether the span is a run with inputs and outputs."""
    io_fields = {"inputs", "outputs", "input", "output"}
    return bool(io_fields & (data.start_payload.keys() | data.end_payload.keys())) or data.span.kind in (
        "sub_agent",
        "middleware",
    )


def tabs(data: SpanData) -> list[Tab]:
    """Return input and output on one page."""
    return [Tab("io", "Input/Output", lambda: _sections(data))]


def _sections(data: SpanData) -> list[Section]:
    inputs = _State(data.start_payload.get(keys.INPUTS, data.start_payload.get(keys.INPUT)))
    inputs.note_left_out(data.start_payload)
    sections = inputs.sections("input", "Input", "→", "role.user", [])
    if data.span.deltas and data.streamed.answer:
        text = data.streamed.answer
        summary = fmt.count(len(text), "char")
        sections.append(
            Section("streamed", "Streamed", [Text(text, prose=True)], summary, glyph="✦", bar=True)
        )
    ended = data.end_payload
    if data.end is not None and data.span.error is None:
        after = _State(ended.get(keys.OUTPUTS, ended.get(keys.OUTPUT)))
        after.note_left_out(ended)
        sections += after.sections("output", "Output", "←", "role.ai", inputs.messages)
        if data.span.parent is None:
            # Of a whole run, what came out is asked first.
            return [*_answer(after), *after.extras("output"), *sections]
        sections += after.extras("output")
    elif data.running:
        waited = f"for {fmt.duration(data.span.duration(data.now))}"
        sections.append(Section("output", "Output", [Text("It is running.", "muted")], waited, glyph="←"))
    return sections


def _has_own_section(name: str, value: Any) -> bool:
    if name == "todos":
        return todo_blocks(value) is not None
    return name == "files" and file_sections("", value) is not None


def _answer(state: _State) -> list[Section]:
    """Return what a run answered: its last message of an agent, else the field that says so."""
    for message in reversed(state.messages):
        if message.role in ("user", "human"):
            break
        if message.role in ("assistant", "ai") and message.text.strip():
            return message_sections(message, "answer", title="Answer")
    name, text = answer_in_state(state.fields)
    if not text:
        return []
    summary = f"{name} · {fmt.count(len(text), 'char')}"
    return [Section("answer", "Answer", [Text(text, prose=True)], summary, glyph="✦", style="role.ai")]


class _State:
    """A runnable's input or output, taken apart into messages and the rest."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.messages: list[Message] = []
        self.fields: Map = {}
        """Fields of a state that are no messages."""
        self.rest: list[Block] = []
        self.size = len(raw) if isinstance(raw, str) else 0
        value = raw
        remark = ""
        if isinstance(raw, str) and raw.lstrip()[:1] in ("{", "[", '"'):
            parsed = parse_json(raw)
            value = parsed.value if parsed.ok else raw
            remark = parsed.note
            if isinstance(value, str) and not parsed.missing:
                self.size = len(value)
        self._take(value)
        if remark:
            self.rest.append(note(remark))

    def _take(self, value: Any) -> None:
        commands = value if isinstance(value, list) else [value]
        if commands and all(
            isinstance(c, dict) and c.get("__type__") in ("Command", "Send") for c in commands
        ):
            for command in commands:
                self._take_command(command)
            return
        single = read_message(value) if isinstance(value, dict) else None
        if single is not None:
            self.messages.append(single)
            return
        messages = read_messages(value) if value else None
        if messages is not None:
            self.messages += messages
        elif isinstance(value, dict):
            self._take_map(value)
        elif value not in (None, ""):
            self.rest.append(value_block(value))

    def _take_map(self, value: Map) -> None:
        rest = {}
        for name, item in value.items():
            messages = read_messages(item) if name in _MESSAGE_KEYS and item else None
            if messages is None:
                rest[name] = item
            else:
                self.messages += messages
        self.fields |= rest
        rest = {name: item for name, item in rest.items() if not _has_own_section(name, item)}
        if rest:
            self.rest.append(Json(rest))

    def extras(self, key: str) -> list[Section]:
        """Return the state's list of things to do and its files, which read better than as JSON."""
        todos = todo_section(key, self.fields.get("todos"))
        return [
            *([todos] if todos is not None else []),
            *(file_sections(key, self.fields.get("files")) or []),
        ]

    def _take_command(self, command: Map) -> None:
        rest = {name: item for name, item in command.items() if name not in ("update", "__type__")}
        rest = {name: item for name, item in rest.items() if item not in (None, [], {}, "")}
        update = command.get("update", command.get("arg"))
        if command["__type__"] == "Send" or rest:
            self.rest.append(note(f"{command['__type__']} {as_text(rest) if rest else ''}".strip()))
        if isinstance(update, dict):
            self._take_map(update)
        elif update is not None:
            self.rest.append(value_block(update))

    def note_left_out(self, payload: Map) -> None:
        """Say why a payload has nothing, where the SDK does."""
        if left_out := as_text(payload.get(keys.LEFT_OUT)):
            self.rest.append(note(left_out))

    def sections(self, key: str, title: str, glyph: str, style: str, earlier: list[Message]) -> list[Section]:
        """Return the state as sections; messages that were already in ``seen`` are only counted."""
        shown_before = {message.identity for message in earlier}
        # An agent's input has no ids yet; its output repeats the same messages with ids.
        unnamed = {message.content for message in earlier if not message.message_id}
        fresh = [m for m in self.messages if m.identity not in shown_before and m.content not in unnamed]
        same = len(self.messages) - len(fresh)
        blocks = list(self.rest)
        if same:
            blocks.insert(0, note(f"{fmt.count(same, 'message')} as in the input"))
        if not blocks and not fresh and not self.extras(key):
            blocks.append(Text("(none)", "muted"))
        parts = []
        if self.messages:
            parts.append(fmt.count(len(fresh), "new message" if same else "message"))
        if self.size:
            parts.append(fmt.count(self.size, "char"))
        head = Section(key, title, blocks, " · ".join(parts), glyph=glyph, style=style)
        names = {call.call_id: call.name for message in earlier for call in message.calls if call.call_id}
        return [head, *chat_sections(fresh, f"{key}.m", level=1, names=names)]
