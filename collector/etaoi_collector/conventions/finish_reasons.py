"""Why a model stopped, in one vocabulary whatever the provider calls it.

Sources: OpenAI ``finish_reason`` and Responses ``incomplete_details.reason``, Anthropic ``stop_reason``,
Gemini ``FinishReason``, Bedrock ``stopReason``, Cohere, Mistral, Ollama ``done_reason``.
"""

from __future__ import annotations

import functools
import re

STOP = "stop"
LENGTH = "length"
TOOL_CALLS = "tool_calls"
REFUSAL = "refusal"
CONTENT_FILTER = "content_filter"
PAUSE = "pause"
ERROR = "error"

WORDS = {
    STOP: "done",
    LENGTH: "cut at the length limit",
    TOOL_CALLS: "called tools",
    REFUSAL: "refused",
    CONTENT_FILTER: "stopped by a content filter",
    PAUSE: "paused by the provider, to be continued",
    ERROR: "stopped by an error",
}
"""What each means, for people."""

UNUSUAL = frozenset({LENGTH, REFUSAL, CONTENT_FILTER, PAUSE, ERROR})
"""Reasons for which an answer is not what was asked for."""

_STANDARD_REASONS = {
    **dict.fromkeys(
        ("stop", "end_turn", "stop_sequence", "completed", "complete", "eos", "eos_token", "end"),
        STOP,
    ),
    **dict.fromkeys(
        (
            "length", "max_tokens", "max_output_tokens", "max_length", "model_length",
            "model_context_window_exceeded", "context_length", "incomplete", "error_limit",
        ),
        LENGTH,
    ),
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call", "function_call", "function_calls"), TOOL_CALLS),
    "refusal": REFUSAL,
    **dict.fromkeys(
        (
            "content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content",
            "spii", "image_safety", "image_prohibited_content", "image_recitation", "guardrail_intervened",
            "error_toxic", "sensitive", "language", "model_armor",
        ),
        CONTENT_FILTER,
    ),
    **dict.fromkeys(("pause_turn", "pause"), PAUSE),
    **dict.fromkeys(
        (
            "error", "failed", "other", "malformed_function_call", "unexpected_tool_call",
            "too_many_tool_calls", "missing_thought_signature", "malformed_response", "image_other",
            "malformed_model_output", "malformed_tool_use", "no_image", "network_error",
        ),
        ERROR,
    ),
}  # fmt: skip


@functools.lru_cache(maxsize=1024)
def normalize_finish_reason(reason: str | None, *, refused: bool = False, called: bool = False) -> str | None:
    """Return a finish reason in the one vocabulary; None if there is none, an unknown one in lower case.

    Args:
        reason: As the provider spells it.
        refused: The answer is a refusal: OpenAI then says ``stop``.
        called: The answer calls tools: Gemini and some gateways then say ``stop``.
    """
    lowered = _lower(unrepeat(reason)) if reason else ""
    normalized = _STANDARD_REASONS.get(lowered, lowered or None)
    if refused and normalized in (None, STOP):
        return REFUSAL
    if called and normalized in (None, STOP):
        return TOOL_CALLS
    return normalized


def unrepeat(text: str) -> str:
    """Undo what LangChain makes of a text that came in several chunks of a stream: ``stopstop``."""
    size = len(text)
    if size > _LONGEST:
        return text
    # A text is a repetition exactly if it occurs in its own double, cut at both ends.
    at = (text + text).find(text, 1)
    return text[:at] if 0 < at < size and at >= _SHORTEST else text


_SHORTEST = 3
"""Of a piece that repeats; shorter ones are part of a word."""
_LONGEST = 512
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _lower(reason: str) -> str:
    lowered = _CAMEL.sub("_", reason.strip().rpartition(".")[2]).replace("-", "_").lower()
    return lowered.removeprefix("finish_reason_")
