"""What a run was asked and what it answered, and which call wrote the answer."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.messages.chat import Message, read_message, read_messages
from etaoi_tui.detail.messages.message_provenance import wrote
from etaoi_tui.detail.span_data import SpanData, as_map, as_text
from etaoi_tui.view.neighbouring_calls import calls_of

_CALLS_ASKED = 12


def writer_of(data: SpanData, answer: Message) -> Span:
    """Return the call that wrote an answer: the one that says so, else the run's last, else the run."""
    calls = calls_of(data.span)[-_CALLS_ASKED:]
    for call in reversed(calls):
        if answer.message_id and wrote(data.of(call), answer.message_id):
            return call
    return calls[-1] if calls else data.span


def messages_of(payload: object, name: str) -> list[Message]:
    """Return the messages in a run's ``inputs`` or ``outputs``, whatever shape they have there."""
    value = as_map(payload).get(name)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = parse_json(value).value
    if isinstance(value, str):
        return [Message("user" if name == "inputs" else "assistant", value)] if value else []
    fields = as_map(value)
    for key in ("messages", "chat_history", "history"):
        items = fields.get(key)
        if isinstance(items, list):
            return [m for m in (read_message(item) for item in items) if m is not None]
    for key in ("input", "question", "query", "output", "answer", "text"):
        if isinstance(fields.get(key), str):
            return [Message("user" if name == "inputs" else "assistant", as_text(fields[key]))]
    return read_messages(value) or []


def last_message(messages: list[Message], role: str) -> Message | None:
    """Return the last message of a role that says something."""
    return next((m for m in reversed(messages) if m.role == role and (m.text or m.others)), None)
