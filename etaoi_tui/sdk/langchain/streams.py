"""Streamed pieces of an answer: text, reasoning, arguments of tool calls, each on a channel of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_tui.sdk.tracer import Span, Tracer

REASONING = "reasoning"


def feed_message(tracer: Tracer, span: Span, fields: Mapping[str, Any]) -> None:
    """Send what a message chunk's fields hold besides text: tool call arguments, a provider's reasoning."""
    calls = fields.get("tool_call_chunks")
    if calls:
        for call in calls:
            _feed_call(tracer, span, call.get("index"), call.get("name"), call.get("id"), call.get("args"))
    extra = fields.get("additional_kwargs")
    if extra:
        reasoning = extra.get("reasoning_content")
        if type(reasoning) is str:
            tracer.text(span, reasoning, REASONING)


def feed_block(tracer: Tracer, span: Span, token: Any) -> None:
    """Send a token that is a list of content blocks."""
    for block in token if isinstance(token, (list, tuple)) else (token,):
        if isinstance(block, str):
            tracer.text(span, block)
        elif isinstance(block, Mapping):
            kind = block.get("type")
            if kind in ("reasoning", "thinking"):
                text = block.get("reasoning") or block.get("thinking") or block.get("text")
                if isinstance(text, str):
                    tracer.text(span, text, REASONING)
            elif isinstance(text := block.get("text"), str):
                tracer.text(span, text)


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
    place = 0 if index is None else index
    if name:
        tracer.delta(span, {"tool_call": {"index": place, "name": name, "id": call_id}})
    if isinstance(args, str) and args:
        tracer.text(span, args, f"tool_call:{place}")
