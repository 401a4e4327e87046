"""What a run was asked, read from what its roots were given."""

from __future__ import annotations

from typing import Any

import msgspec

from etaoi_collector.projections.recorded_content import EventBytes
from etaoi_collector.projections.trace_names import heads
from etaoi_collector.store.model import Trace

LONGEST = 400
"""Characters of a question in one row."""

_JSON_TO_READ = 200_000
_MESSAGES_READ = 50
_ROOTS_READ = 4
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _InputPayload(msgspec.Struct, gc=False):
    inputs: Any = None
    input: Any = None
    input_messages: Any = None
    prompts: Any = None


class _Start(msgspec.Struct, gc=False):
    payload: _InputPayload


_start = msgspec.msgpack.Decoder(_Start).decode


def question_of(trace: Trace, reader: EventBytes) -> str:
    """Return what a run was asked; empty if nothing tells.

    Args:
        trace: The run.
        reader: Reads recorded events.
    """
    for root in heads(trace)[:_ROOTS_READ]:
        if root.start_ref < 0 or root.kind == "agent_context":
            continue
        raw = reader.read(root.start_ref)
        if not isinstance(raw, bytes | bytearray | memoryview):
            continue
        try:
            payload = _start(raw).payload
        except _UNREADABLE:
            continue
        for text in (payload.inputs, payload.input):
            words = first_words(text) if isinstance(text, str) else ""
            if words:
                return words[:LONGEST]
        if words := words_of_request(payload.input_messages, payload.prompts):
            return words[:LONGEST]
    return ""


def words_of_request(messages: Any, prompts: Any) -> str:
    """Find the words of a person in what a model was sent, where no agent stands above the call.

    Args:
        messages: A chat model's messages, as recorded; anything else says nothing.
        prompts: A completion model's prompts, likewise.
    """
    words = _last_human(messages) if isinstance(messages, list) else ""
    if not words and isinstance(prompts, list):
        words = next((prompt for prompt in prompts if isinstance(prompt, str) and prompt.strip()), "")
    return words


def first_words(inputs: str | None) -> str:
    """Find the words of a person in a run's inputs: the newest human message, else the first text."""
    if not inputs:
        return ""
    if len(inputs) > _JSON_TO_READ or not inputs.lstrip().startswith(("{", "[", '"')):
        return inputs[:LONGEST]
    try:
        value = msgspec.json.decode(inputs)
    except _UNREADABLE:
        return inputs[:LONGEST]
    if isinstance(value, dict):
        messages = value.get("messages")
        if isinstance(messages, list):
            return _last_human(messages)
        for key in ("input", "question", "query", "prompt", "text"):
            if isinstance(value.get(key), str):
                return str(value[key])
        return next((item for item in value.values() if isinstance(item, str)), "")
    if isinstance(value, list):
        words = [item for item in value if isinstance(item, str)]
        return ", ".join(words)[:LONGEST] if len(words) == len(value) else _last_human(value)
    return value if isinstance(value, str) else ""


def _last_human(messages: list[Any]) -> str:
    for message in reversed(messages[-_MESSAGES_READ:]):
        role: Any = None
        content: Any = None
        if isinstance(message, dict):
            role = message.get("type") or message.get("role")
            content = message.get("content", message.get("text"))
        elif isinstance(message, list) and len(message) == 2:
            role, content = message
        elif isinstance(message, str):
            role, content = "human", message
        if role in ("human", "user"):
            if isinstance(content, list):
                content = next((p.get("text") for p in content if isinstance(p, dict) and "text" in p), None)
            if isinstance(content, str) and content.strip():
                return content
    return ""
