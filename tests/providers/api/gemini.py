"""Gemini ``generateContent``: candidates with parts; a stream's chunks each tell the usage so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.providers.api.bill import Bill
from tests.providers.api.server import CUT, Answer, Body, Wait, pieces

Part = dict[str, Any]


def usage_of(bill: Bill, output: int | None = None) -> dict[str, Any]:
    """Return a bill as Gemini reports it: thinking beside the answer, not in it."""
    answer = bill.output - bill.reasoning if output is None else output
    usage: dict[str, Any] = {
        "promptTokenCount": bill.input,
        "candidatesTokenCount": answer,
        "totalTokenCount": bill.input + answer + bill.reasoning,
    }
    if bill.reasoning:
        usage["thoughtsTokenCount"] = bill.reasoning
    if bill.read:
        usage["cachedContentTokenCount"] = bill.read
    return usage


def gemini(
    *parts: Part | str,
    bill: Bill | None = None,
    answered_by: str = "gemini-2.5-flash",
    finish: str = "STOP",
    grounding: dict[str, Any] | None = None,
    first: float = 0.0,
    cut_after: int | None = None,
) -> Answer:
    """Return a response of one candidate, streamed where it is asked for.

    Args:
        parts: Its content; text stands for a part of text.
        bill: What it costs.
        answered_by: The model that the API names.
        finish: Why it stopped.
        grounding: What it searched the web for and found.
        first: Seconds of silence before the first chunk with content.
        cut_after: The connection breaks behind so many chunks.
    """
    bill = bill or Bill("gemini-2.5-flash")
    content_parts = [{"text": part} if isinstance(part, str) else part for part in parts]

    def response(content: list[Part], usage: dict[str, Any], *, last: bool) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": content}, "index": 0}
        if last:
            candidate["finishReason"] = finish
            if grounding is not None:
                candidate["groundingMetadata"] = grounding
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": answered_by}

    def make(request: Body) -> Any:
        return stream() if request.get("stream") else response(content_parts, usage_of(bill), last=True)

    def stream() -> Iterator[Any]:
        if first:
            yield response([{"text": ""}], usage_of(bill, 0), last=False)
            yield Wait(first)
        chunks = [
            {**part, "text": piece} if "text" in part else part
            for part in content_parts
            for piece in (pieces(part["text"]) if "text" in part else [""])
        ]
        for count, part in enumerate(chunks, 1):
            yield response([part], usage_of(bill, min(count, bill.output - bill.reasoning)), last=False)
            if count == cut_after:
                yield CUT
                return
        yield response([{"text": ""}], usage_of(bill), last=True)

    return Answer(make, bill)
