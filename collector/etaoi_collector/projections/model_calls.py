"""What a model call was, as plain objects: its answer, its usage, its tools."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.lenient import Map, as_list, as_map
from etaoi_collector.conventions.messages import is_empty_answer, tool_names, unknown_tools
from etaoi_collector.conventions.roles import ASSISTANT, normalize_role
from etaoi_collector.conventions.usage import Usage
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.projections.span_events import SpanEvents
from etaoi_collector.store.model import Span


def usage_object(usage: Usage | None) -> Map | None:
    """Return token counts as scripts read them; None if none were told."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "cache_read": usage.cache_read,
        "cache_creation": usage.cache_creation,
        "reasoning": usage.reasoning,
        "cache_creation_5m": usage.cache_creation_5m,
        "cache_creation_1h": usage.cache_creation_1h,
        "input_audio": usage.input_audio,
        "output_audio": usage.output_audio,
        "input_image": usage.input_image,
        "service_tier": usage.service_tier,
    }


def offered_tools(data: SpanEvents) -> list[str] | None:
    """Return the names of the tools that a model call was offered, in order; None if it was offered none."""
    if data.span.kind != "llm":
        return None
    return tool_names(data.start_payload.get(keys.TOOLS)) or None


def call_notes(data: SpanEvents) -> list[str]:
    """Return what is odd about a model call, in words."""
    span = data.span
    if span.kind != "llm":
        return []
    answer = as_map(data.end_payload.get(keys.RESPONSE))
    calls = [as_map(call).get("name") for call in as_list(answer.get(keys.TOOL_CALLS))]
    notes = [
        f"it calls a tool that was not offered: {name}"
        for name in unknown_tools(data.start_payload.get(keys.TOOLS), calls)
    ]
    if span.call is not None and span.call.wraps:
        notes.append("its answer is that of the model call inside it, which is counted and paid")
    if span.usage is not None and span.usage.from_cache:
        notes.append("its answer came from the framework's cache: the provider was not asked")
    return notes


def answer_object(data: SpanEvents, payloads: PayloadReader) -> Any:
    """Return a model's answer; of a call that broke off or has not ended what streamed, marked incomplete."""
    payload = data.end_payload
    broke_off = data.span.error is not None or bool(payload.get(keys.SYNTHETIC_END))
    answer = payload.get(keys.RESPONSE)
    if answer is not None and not (broke_off and is_empty_answer(answer)):
        answer = with_roles(answer, 0)
        return {**answer, keys.INCOMPLETE: True} if broke_off and isinstance(answer, dict) else answer
    streamed = _streamed(data.span, payloads)
    if streamed:
        return {keys.ROLE: ASSISTANT, **streamed, keys.INCOMPLETE: True}
    if broke_off:
        return None
    for key in ("output", "outputs"):
        if key in payload:
            return payload[key]
    return payload or None


def _streamed(span: Span, payloads: PayloadReader) -> Map:
    """What arrived of a model's answer, for when its end does not repeat it, or never came."""
    if not span.deltas:
        return {}
    stream = payloads.streamed(span)
    while not stream.complete:
        stream = payloads.streamed(span)
    fields: Map = {keys.TEXT: stream.answer}
    reasoning = stream.channels.get(keys.REASONING)
    if reasoning is not None and reasoning.text:
        fields[keys.REASONING] = reasoning.text
    return fields if any(fields.values()) else {}


def with_roles(value: Any, levels: int = 2) -> Any:
    """Return messages with their roles in the one vocabulary; anything else as it is.

    Args:
        value: A message, a list of them, or maps that hold some.
        levels: How many lists and maps may lie around a message.
    """
    if isinstance(value, list):
        return [with_roles(item, levels - 1) for item in value] if levels else value
    if not isinstance(value, dict):
        return value
    if isinstance(role := value.get(keys.ROLE), str):
        return {**value, keys.ROLE: normalize_role(role)}
    return {key: with_roles(item, levels - 1) for key, item in value.items()} if levels else value
