"""OpenAI Responses: output items, and the events that build them up."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.providers.api.bill import Bill
from tests.providers.api.server import Answer, Body, Wait, pieces

_number = itertools.count(1)

Item = dict[str, Any]


def message(text: str = "", *, refusal: str = "") -> Item:
    """Return an answer in words, or a refusal."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    content = [{"type": "refusal", "refusal": refusal} if refusal else part]
    ident = f"msg_{next(_number)}"
    return {"type": "message", "id": ident, "role": "assistant", "status": "completed", "content": content}


def function_call(name: str, arguments: dict[str, Any]) -> Item:
    """Return a call of a tool of the agent's own."""
    ident = next(_number)
    call_fields = {
        "id": f"fc_{ident}",
        "call_id": f"call_{ident}",
        "name": name,
        "arguments": json.dumps(arguments),
    }
    return {"type": "function_call", "status": "completed", **call_fields}


def reasoning(*summaries: str) -> Item:
    """Return thinking: summaries, and the sealed rest."""
    parts = [{"type": "summary_text", "text": text} for text in summaries]
    return {
        "type": "reasoning",
        "id": f"rs_{next(_number)}",
        "summary": parts,
        "encrypted_content": "gAAAA" * 20,
    }


def usage_of(bill: Bill) -> dict[str, Any]:
    """Return a bill as the Responses API reports it."""
    return {
        "input_tokens": bill.input,
        "input_tokens_details": {"cached_tokens": bill.read},
        "output_tokens": bill.output,
        "output_tokens_details": {"reasoning_tokens": bill.reasoning},
        "total_tokens": bill.input + bill.output,
    }


def responses(
    *items: Item,
    bill: Bill | None = None,
    answered_by: str = "gpt-5-2025-08-07",
    status: str = "completed",
    incomplete: str = "",
    first: float = 0.0,
    fails_after: int | None = None,
) -> Answer:
    """Return a response, streamed where it is asked for.

    Args:
        items: What the model put out.
        bill: What it costs.
        answered_by: The model that the API names.
        status: How it ended.
        incomplete: Why it is not complete.
        first: Seconds of silence behind ``response.created``.
        fails_after: The stream ends with an error behind so many items.
    """
    bill = bill or Bill("gpt-5")

    def make(request: Body) -> Any:
        response = {
            "id": f"resp_{next(_number)}", "object": "response", "created_at": 1, "model": answered_by,
            "status": status, "error": None, "instructions": None, "metadata": {}, "output": list(items),
            "incomplete_details": {"reason": incomplete} if incomplete else None, "parallel_tool_calls": True,
            "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage_of(bill),
            "service_tier": bill.tier or "default", "text": {"format": {"type": "text"}},
        }  # fmt: skip
        return stream(response) if request.get("stream") else response

    def stream(response: dict[str, Any]) -> Iterator[Any]:
        count = itertools.count()

        def event(kind: str, **fields: Any) -> dict[str, Any]:
            return {"type": f"response.{kind}", "sequence_number": next(count), **fields}

        started_response = {**response, "output": [], "usage": None, "status": "in_progress"}
        yield event("created", response=started_response)
        yield event("in_progress", response=started_response)
        if first:
            yield Wait(first)
        for index, item in enumerate(items):
            if fails_after == index:
                error = {"code": "server_error", "message": "The server had an error."}
                yield event("failed", response={**response, "status": "failed", "error": error, "output": []})
                return
            yield from (event(kind, output_index=index, **fields) for kind, fields in _events_of(item))
        ending = {"completed": "completed", "incomplete": "incomplete"}.get(status, "failed")
        yield event(ending, response=response)

    return Answer(make, bill)


def _events_of(item: Item) -> Iterator[tuple[str, dict[str, Any]]]:
    ident = item["id"]
    kind = item["type"]
    if kind == "message":
        yield "output_item.added", {"item": {**item, "content": [], "status": "in_progress"}}
        yield from _content_events(item["content"], ident)
    elif kind == "function_call":
        yield "output_item.added", {"item": {**item, "arguments": "", "status": "in_progress"}}
        for piece in pieces(item["arguments"]):
            yield "function_call_arguments.delta", {"item_id": ident, "delta": piece}
        arguments_done = {"item_id": ident, "arguments": item["arguments"], "name": item["name"]}
        yield "function_call_arguments.done", arguments_done
    elif kind == "reasoning":
        yield "output_item.added", {"item": {**item, "summary": []}}
        for index, part in enumerate(item["summary"]):
            at = {"item_id": ident, "summary_index": index}
            yield "reasoning_summary_part.added", {**at, "part": {"type": "summary_text", "text": ""}}
            for piece in pieces(part["text"]):
                yield "reasoning_summary_text.delta", {**at, "delta": piece}
            yield "reasoning_summary_text.done", {**at, "text": part["text"]}
            yield "reasoning_summary_part.done", {**at, "part": part}
    else:
        yield "output_item.added", {"item": item}
    yield "output_item.done", {"item": item}


def _content_events(content: Sequence[dict[str, Any]], ident: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, part in enumerate(content):
        at = {"item_id": ident, "content_index": index}
        if part["type"] == "refusal":
            yield "content_part.added", {**at, "part": {**part, "refusal": ""}}
            for piece in pieces(part["refusal"]):
                yield "refusal.delta", {**at, "delta": piece}
            yield "refusal.done", {**at, "refusal": part["refusal"]}
        else:
            yield "content_part.added", {**at, "part": {**part, "text": ""}}
            for piece in pieces(part["text"]):
                yield "output_text.delta", {**at, "delta": piece, "logprobs": []}
            yield "output_text.done", {**at, "text": part["text"], "logprobs": []}
        yield "content_part.done", {**at, "part": part}
