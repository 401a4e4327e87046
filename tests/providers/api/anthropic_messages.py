"""Anthropic Messages: content blocks, and the events that build them up."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from tests.providers.api.bill import Bill
from tests.providers.api.server import CUT, Answer, Body, Wait, pieces

_number = itertools.count(1)

Block = dict[str, Any]


def usage_of(bill: Bill) -> dict[str, Any]:
    """Return a bill as Messages report it: input without what a cache held, writes by their lifetime."""
    usage: dict[str, Any] = {"input_tokens": bill.fresh, "output_tokens": bill.output}
    if bill.read or bill.write_5m or bill.write_1h:
        usage["cache_read_input_tokens"] = bill.read
        usage["cache_creation_input_tokens"] = bill.write_5m + bill.write_1h
        usage["cache_creation"] = {
            "ephemeral_5m_input_tokens": bill.write_5m,
            "ephemeral_1h_input_tokens": bill.write_1h,
        }
    if bill.tier:
        usage["service_tier"] = bill.tier
    return usage


def tool_use(name: str, arguments: dict[str, Any]) -> Block:
    """Return a call of a tool of the agent's own."""
    return {"type": "tool_use", "id": f"toolu_{next(_number)}", "name": name, "input": arguments}


def messages(
    *blocks: Block | str,
    bill: Bill | None = None,
    answered_by: str = "claude-sonnet-4-5-20250929",
    stop: str = "",
    first: float = 0.0,
    cut_after: int | None = None,
    error_after: int | None = None,
) -> Answer:
    """Return a message, streamed where it is asked for.

    Args:
        blocks: Its content; text stands for a block of text.
        bill: What it costs.
        answered_by: The model that the API names.
        stop: Why it stopped; by what it holds if not told.
        first: Seconds of silence behind ``message_start``.
        cut_after: The connection breaks behind so many deltas.
        error_after: An error event comes behind so many deltas.
    """
    bill = bill or Bill("claude-sonnet-4-5")
    content = [{"type": "text", "text": one} if isinstance(one, str) else one for one in blocks]
    reason = stop or ("tool_use" if any(one["type"] == "tool_use" for one in content) else "end_turn")

    def make(request: Body) -> Any:
        message = {
            "id": f"msg_{next(_number)}", "type": "message", "role": "assistant", "model": answered_by,
            "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage_of(bill),
        }  # fmt: skip
        return stream(message) if request.get("stream") else message

    def stream(message: dict[str, Any]) -> Iterator[Any]:
        message_start = {
            **message,
            "content": [],
            "stop_reason": None,
            "usage": {**message["usage"], "output_tokens": 1},
        }
        yield {"type": "message_start", "message": message_start}
        if first:
            yield Wait(first)
        sent = 0
        for index, block in enumerate(content):
            yield {"type": "content_block_start", "index": index, "content_block": _emptied(block)}
            for delta in _deltas(block):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
                sent += 1
                if sent == cut_after:
                    yield CUT
                    return
                if sent == error_after:
                    error = {"type": "overloaded_error", "message": "Overloaded"}
                    yield {"type": "error", "error": error}
                    return
            yield {"type": "content_block_stop", "index": index}
        ending = {"stop_reason": reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": ending, "usage": message["usage"]}
        yield {"type": "message_stop"}

    return Answer(make, bill)


def _emptied(block: Block) -> Block:
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}
    if kind == "thinking":
        return {**block, "thinking": "", "signature": ""}
    return {**block, "input": {}} if "input" in block else block


def _deltas(block: Block) -> list[dict[str, Any]]:
    kind = block["type"]
    if kind == "text":
        return [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    if kind == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        return [*thoughts, {"type": "signature_delta", "signature": block["signature"]}]
    if "input" in block:
        text = json.dumps(block["input"])
        return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text)]
    return []
