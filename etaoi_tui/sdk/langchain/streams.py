"""Streamed pieces of an answer: text, reasoning, arguments of tool calls, each on a channel of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_collector.conventions.server_tools import is_server_tool
from etaoi_tui.sdk.tracer import Span, Tracer

REASONING = "reasoning"


def feed_message(tracer: Tracer, span: Span, fields: Mapping[str, Any]) -> bool:
    """Send what a message chunk's fields hold besides text: tool call arguments, a provider's reasoning.

    Returns:
        Whether there was any.
    """
    has_content = False
    calls = fields.get("tool_call_chunks")
    if calls:
        has_content = True
        for call in calls:
            _feed_call(tracer, span, call.get("index"), call.get("name"), call.get("id"), call.get("args"))
    extra = fields.get("additional_kwargs")
    if extra:
        reasoning = extra.get("reasoning_content")
        if type(reasoning) is str and reasoning:
            has_content = True
            tracer.text(span, reasoning, REASONING)
    return has_content


def feed_block(tracer: Tracer, span: Span, token: Any) -> bool:
    """Send a token that is a list of content blocks; return whether it was a piece of the answer."""
    has_content = False
    for block in token if isinstance(token, (list, tuple)) else (token,):
        if isinstance(block, str):
            if block:
                has_content = True
                tracer.text(span, block)
        elif isinstance(block, Mapping):
            kind = block.get("type")
            if kind in ("reasoning", "thinking"):
                thought = _reasoning_of(block)
                if thought:
                    has_content = True
                    tracer.text(span, thought, REASONING)
            elif isinstance(text := block.get("text") or block.get("refusal"), str):
                if text:
                    has_content = True
                    tracer.text(span, text)
            elif is_server_tool(kind):
                has_content = True
    return has_content


def _reasoning_of(block: Mapping[str, Any]) -> str:
    text = block.get("reasoning") or block.get("thinking") or block.get("text")
    if isinstance(text, str):
        return text
    summary = block.get("summary")
    if isinstance(summary, (list, tuple)):
        return "".join(
            part["text"]
            for part in summary
            if isinstance(part, Mapping) and isinstance(part.get("text"), str)
        )
    return ""


def feed_event(tracer: Tracer, span: Span, event: Mapping[str, Any]) -> bool:
    """Send an event of LangChain's protocol streaming; return whether it was a piece of the answer."""
    kind = event.get("event")
    if kind == "content-block-start":
        block = event.get("content") or event.get("content_block") or {}
        if block.get("type") == "tool_call_chunk":
            _feed_call(
                tracer, span, event.get("index"), block.get("name"), block.get("id"), block.get("args")
            )
            return True
        return False
    if kind != "content-block-delta":
        return False
    delta = event.get("delta") or {}
    what = delta.get("type")
    if what == "text-delta":
        tracer.text(span, delta.get("text") or "")
    elif what == "reasoning-delta":
        tracer.text(span, delta.get("reasoning") or "", REASONING)
    elif what == "tool-call-delta":
        _feed_call(tracer, span, event.get("index"), None, None, delta.get("args"))
    elif what == "block-delta":
        fields = delta.get("fields") or {}
        if fields.get("type") == "tool_call_chunk":
            _feed_call(
                tracer, span, event.get("index"), fields.get("name"), fields.get("id"), fields.get("args")
            )
    else:
        return False
    return True


def _feed_call(tracer: Tracer, span: Span, index: Any, name: Any, call_id: Any, args: Any) -> None:
    call_index = 0 if index is None else index
    if name:
        tracer.delta(span, {"tool_call": {"index": call_index, "name": name, "id": call_id}})
    if isinstance(args, str) and args:
        tracer.text(span, args, f"tool_call:{call_index}")
