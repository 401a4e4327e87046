"""OpenAI chat completions and the older completions, as the API sends them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.providers.api.bill import Bill
from tests.providers.api.server import CUT, Answer, Body, Wait, pieces

_number = itertools.count(1)


def usage_of(bill: Bill) -> dict[str, Any]:
    """Return a bill as chat completions report it."""
    return {
        "prompt_tokens": bill.input,
        "completion_tokens": bill.output,
        "total_tokens": bill.input + bill.output,
        "prompt_tokens_details": {"cached_tokens": bill.read, "audio_tokens": bill.input_audio},
        "completion_tokens_details": {
            "reasoning_tokens": bill.reasoning,
            "audio_tokens": bill.output_audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chat(
    text: str = "",
    bill: Bill | None = None,
    *,
    calls: Sequence[tuple[str, dict[str, Any]]] = (),
    answered_by: str = "gpt-4o-2024-08-06",
    finish: str = "",
    refusal: str | None = None,
    reasoning: str = "",
    first: float = 0.0,
    usage_in_every_chunk: bool = False,
    finish_twice: bool = False,
    cut_after: int | None = None,
) -> Answer:
    """Return a chat completion, streamed where it is asked for.

    Args:
        text: The answer.
        bill: What it costs.
        calls: Tools that it calls, with their arguments.
        answered_by: The model that the API names.
        finish: Why it stopped; by what it holds if not told.
        refusal: The words of a refusal.
        reasoning: Thinking, as compatible servers send it.
        first: Seconds of silence behind the first, empty chunk.
        usage_in_every_chunk: Each chunk tells the running total, as some compatible servers do.
        finish_twice: The last chunk comes twice, its usage with both.
        cut_after: The connection breaks behind so many pieces of text.
    """
    bill = bill or Bill("gpt-4o")
    reason = finish or ("tool_calls" if calls else "stop")
    tool_calls = [
        {
            "id": f"call_{next(_number)}",
            "type": "function",
            "function": {"name": n, "arguments": json.dumps(a)},
        }
        for n, a in calls
    ]

    def make(request: Body) -> Any:
        ident = f"chatcmpl-{next(_number)}"
        base: dict[str, Any] = {"id": ident, "created": 1, "model": answered_by}
        if bill.tier:
            base["service_tier"] = bill.tier
        if not request.get("stream"):
            message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": refusal}
            if tool_calls:
                message["tool_calls"] = tool_calls
            if reasoning:
                message["reasoning_content"] = reasoning
            choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
            return {**base, "object": "chat.completion", "choices": [choice], "usage": usage_of(bill)}
        return stream(base, bool((request.get("stream_options") or {}).get("include_usage")))

    def stream(base: dict[str, Any], tells_usage: bool) -> Iterator[Any]:
        written = 0

        def chunk(delta: dict[str, Any], stop: str | None = None) -> dict[str, Any]:
            choice = {"index": 0, "delta": delta, "finish_reason": stop, "logprobs": None}
            message = {**base, "object": "chat.completion.chunk", "choices": [choice]}
            if usage_in_every_chunk:
                message["usage"] = {**usage_of(bill), "completion_tokens": min(written, bill.output)}
            elif tells_usage:
                message["usage"] = None
            return message

        yield chunk({"role": "assistant", "content": "", "refusal": None})
        if first:
            yield Wait(first)
        if reasoning:
            for piece in pieces(reasoning):
                yield chunk({"reasoning_content": piece})
        for count, piece in enumerate(pieces(text), 1):
            written += 1
            yield chunk({"content": piece})
            if cut_after == count:
                yield CUT
                return
        for index, call in enumerate(tool_calls):
            head = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield chunk({"tool_calls": [head]})
            for piece in pieces(call["function"]["arguments"]):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        written = bill.output
        last = chunk({}, reason)
        if finish_twice:
            last["usage"] = usage_of(bill)
            yield last
        yield last
        if tells_usage and not finish_twice and not usage_in_every_chunk:
            yield {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage_of(bill)}

    return Answer(make, bill, "[DONE]")


def completion(text: str, bill: Bill | None = None, *, finish: str = "stop") -> Answer:
    """Return an answer of the older completions."""
    bill = bill or Bill("gpt-3.5-turbo-instruct")

    def make(request: Body) -> Any:
        base = {"id": f"cmpl-{next(_number)}", "object": "text_completion", "created": 1, "model": bill.model}
        if not request.get("stream"):
            choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
            return {**base, "choices": [choice], "usage": usage_of(bill)}
        chunks = [
            {**base, "choices": [{"index": 0, "text": piece, "finish_reason": None, "logprobs": None}]}
            for piece in pieces(text)
        ]
        chunks.append(
            {**base, "choices": [{"index": 0, "text": "", "finish_reason": finish, "logprobs": None}]}
        )
        return [*chunks, {**base, "choices": [], "usage": usage_of(bill)}]

    return Answer(make, bill, "[DONE]")
