"""What a run was asked and what it answered, and which call wrote the answer."""

from __future__ import annotations

from typing import Any, NamedTuple

from etaoi_collector.conventions import keys
from etaoi_collector.pricing.totals import AGENT
from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.messages.chat import Message, read_message, read_messages
from etaoi_tui.detail.messages.message_provenance import wrote
from etaoi_tui.detail.messages.run_cost import all_calls_inside
from etaoi_tui.detail.span_data import SpanData, as_map, as_text
from etaoi_tui.view.neighbouring_calls import calls_of

_CALLS_ASKED = 12


class Answer(NamedTuple):
    """What a run answered, the call that wrote it, and the name of the agent that says it."""

    message: Message
    writer: Span
    speaker: str


def input_of(data: SpanData) -> Any:
    """Return what a run got, in any shape; None where its producer tells it only in its calls, if at all."""
    return data.start_payload.get(keys.INPUTS) or data.start_payload.get(keys.INPUT)


def output_of(data: SpanData) -> Any:
    """Return what a run returned, in any shape; None where its producer tells it only in its calls."""
    return data.end_payload.get(keys.OUTPUTS) or data.end_payload.get(keys.OUTPUT)


def question_of(data: SpanData) -> Message | None:
    """Return what a run was asked; where only its calls tell that, the newest question of the first one."""
    if input_of(data) is not None:
        return last_message(messages_of(data.start_payload, keys.INPUTS), "user")
    call = min(all_calls_inside(data.span), key=_began, default=None)
    if call is None:
        return None
    return last_message(read_messages(data.of(call).start_payload.get(keys.INPUT_MESSAGES)) or [], "user")


def answer_of(data: SpanData) -> Answer | None:
    """Return what a run answered; where only its calls tell that, what the last one wrote."""
    if output_of(data) is not None:
        message = last_message(messages_of(data.end_payload, keys.OUTPUTS), "assistant")
        return None if message is None else Answer(message, _writer_of(data, message), data.span.name)
    if data.running or data.span.error is not None:
        return None
    newest = sorted(all_calls_inside(data.span), key=_began)[: -_CALLS_ASKED - 1 : -1]
    responses = ((call, read_message(data.of(call).end_payload.get(keys.RESPONSE))) for call in newest)
    # Not every call is a chat: the last may be one for embeddings.
    call, message = next((one for one in responses if one[1] is not None), (data.span, None))
    if message is None or not message.text:
        return None
    message.role = "assistant"
    agent = call.parent
    while agent is not None and agent is not data.span and agent.kind != AGENT:
        agent = agent.parent
    return Answer(message, call, (agent or data.span).name)


def _began(call: Span) -> tuple[float, int]:
    return call.started_at, call.number


def _writer_of(data: SpanData, answer: Message) -> Span:
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
    for key in ("messages", "chat_history", "history", "prompt"):
        items = fields.get(key)
        if isinstance(items, list):
            return [m for m in (read_message(item) for item in items) if m is not None]
    for key in ("input", "question", "query", "prompt", "output", "answer", "text"):
        if isinstance(fields.get(key), str):
            return [Message("user" if name == "inputs" else "assistant", as_text(fields[key]))]
    return read_messages(value) or []


def last_message(messages: list[Message], role: str) -> Message | None:
    """Return the last message of a role that says something."""
    return next((m for m in reversed(messages) if m.role == role and (m.text or m.others)), None)
