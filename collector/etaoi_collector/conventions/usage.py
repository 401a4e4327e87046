"""Token counts of a model call: one model for what every provider and framework reports, and its decoding.

Summing a cache twice, or not at all, is the most frequent error of tools like this one. Each rule says where
it comes from; what a report does not settle is said to be an assumption (`Usage.input_rule`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

WITH_CACHE_LANGCHAIN: Final = "langchain"
"""langchain-core, UsageMetadata: input_tokens is the sum of all input token types."""
WITH_CACHE_OPENAI: Final = "openai"
"""OpenAI, usage.prompt_tokens_details.cached_tokens: cached tokens present in the prompt. Gemini likewise."""
WITHOUT_CACHE: Final = "anthropic"
"""Anthropic, usage: input_tokens are those behind the last cache breakpoint. Bedrock likewise."""


class Usage(msgspec.Struct, gc=False, frozen=True):
    """Token counts of one model call, as its producer reported them; None is 'not told'."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    """With reasoning."""
    total_tokens: int | None = None
    cache_read: int | None = None
    cache_creation: int | None = None
    """Everything that was written to a cache, for however long."""
    reasoning: int | None = None
    cache_creation_5m: int | None = None
    cache_creation_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    input_video: int | None = None
    cache_read_audio: int | None = None
    """The part of `cache_read` that is audio; counted in `input_audio`, too."""
    service_tier: str | None = None
    """As the provider calls it, such as ``flex`` or ``priority``; None also for the default one."""
    input_rule: str | None = None
    """Whether `input_tokens` counts what a cache held: one of the rules above; None if nothing tells."""
    from_cache: bool = False
    """The framework answered from a cache of its own: nothing was asked, and nothing is paid."""

    @property
    def written(self) -> int:
        """Tokens written to a cache, 0 if not told."""
        return self.cache_creation or 0


NOTHING = Usage()

USUAL_TIERS = frozenset({"default", "standard", "auto", "on_demand", "standard_only"})
"""Tiers at the usual price, which need not be told."""

_INPUT = {
    "input_tokens": None,
    "prompt_tokens": WITH_CACHE_OPENAI,
    "inputTokens": WITHOUT_CACHE,
    "promptTokens": WITH_CACHE_OPENAI,
    "prompt_token_count": WITH_CACHE_OPENAI,
    "promptTokenCount": WITH_CACHE_OPENAI,
    "inputTokenCount": None,
    "input_token_count": None,
    "prompt_eval_count": WITH_CACHE_OPENAI,
}
"""Names of the input count, and what each tells of its rule."""

_COUNTS = {
    "output_tokens": "output_tokens",
    "completion_tokens": "output_tokens",
    "outputTokens": "output_tokens",
    "completionTokens": "output_tokens",
    "candidates_token_count": "output_tokens",
    "candidatesTokenCount": "output_tokens",
    "output_token_count": "output_tokens",
    "outputTokenCount": "output_tokens",
    "generated_token_count": "output_tokens",
    "eval_count": "output_tokens",
    "total_tokens": "total_tokens",
    "totalTokens": "total_tokens",
    "total_token_count": "total_tokens",
    "totalTokenCount": "total_tokens",
    "cache_read_input_tokens": "cache_read",
    "cacheReadInputTokens": "cache_read",
    "cacheReadInputTokenCount": "cache_read",
    "cached_content_token_count": "cache_read",
    "cachedContentTokenCount": "cache_read",
    "cache_read_tokens": "cache_read",
    "prompt_cache_hit_tokens": "cache_read",
    "prompt_cached_tokens": "cache_read",
    "input_cached_tokens": "cache_read",
    "cached_tokens": "cache_read",
    "cached_prompt_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_creation",
    "cacheWriteInputTokens": "cache_creation",
    "cacheWriteInputTokenCount": "cache_creation",
    "cache_write_input_tokens": "cache_creation",
    "cache_creation_tokens": "cache_creation",
    "cache_write_tokens": "cache_creation",
    "input_cache_creation_tokens": "cache_creation",
    "ephemeral_5m_input_tokens": "cache_creation_5m",
    "ephemeral_1h_input_tokens": "cache_creation_1h",
    "reasoning_tokens": "reasoning",
    "thinking_tokens": "reasoning",
    "input_audio_tokens": "input_audio",
    "prompt_audio_tokens": "input_audio",
    "output_audio_tokens": "output_audio",
    "completion_audio_tokens": "output_audio",
    "input_image_tokens": "input_image",
    "output_image_tokens": "output_image",
    "input_video_tokens": "input_video",
}
"""Counts at the top of a report, by the names that providers use."""

_THOUGHTS = frozenset({"thoughts_token_count", "thoughtsTokenCount"})
"""Gemini counts thinking beside the answer, not in it."""

_TOOL_PROMPT = frozenset({"tool_use_prompt_token_count", "toolUsePromptTokenCount"})
"""Gemini counts what its own tools put into the prompt beside the prompt."""

_DETAILS = {
    "input_token_details": ("input", WITH_CACHE_LANGCHAIN),
    "input_tokens_details": ("input", WITH_CACHE_OPENAI),
    "prompt_tokens_details": ("input", WITH_CACHE_OPENAI),
    "promptTokensDetails": ("input", WITH_CACHE_OPENAI),
    "output_token_details": ("output", None),
    "output_tokens_details": ("output", None),
    "completion_tokens_details": ("output", None),
    "candidates_tokens_details": ("output", None),
    "candidatesTokensDetails": ("output", None),
    "cache_tokens_details": ("cached", None),
    "cacheTokensDetails": ("cached", None),
    "cached_tokens_details": ("cached", None),
    "cache_creation": ("written", None),
    "cacheCreation": ("written", None),
}
"""Maps and lists inside a report: which side they take apart, and what each tells of the input's rule."""

_PARTS = {
    "input": {
        "cache_read": "cache_read",
        "cached_tokens": "cache_read",
        "cache_creation": "cache_creation",
        "cache_write": "cache_creation",
        "cache_write_tokens": "cache_creation",
        "cache_creation_tokens": "cache_creation",
        "ephemeral_5m_input_tokens": "cache_creation_5m",
        "ephemeral_1h_input_tokens": "cache_creation_1h",
        "audio": "input_audio",
        "audio_tokens": "input_audio",
        "image": "input_image",
        "image_tokens": "input_image",
        "video": "input_video",
        "video_tokens": "input_video",
        "video_length_tokens": "input_video",
    },
    "output": {
        "reasoning": "reasoning",
        "reasoning_tokens": "reasoning",
        "thinking_tokens": "reasoning",
        "audio": "output_audio",
        "audio_tokens": "output_audio",
        "image": "output_image",
        "image_tokens": "output_image",
    },
    "cached": {"audio": "cache_read_audio", "audio_tokens": "cache_read_audio"},
    "written": {
        "ephemeral_5m_input_tokens": "cache_creation_5m",
        "ephemeral_1h_input_tokens": "cache_creation_1h",
        "ephemeral5mInputTokens": "cache_creation_5m",
        "ephemeral1hInputTokens": "cache_creation_1h",
    },
}
"""What the details of each side are called."""

_TIERS = ("priority", "flex", "batch", "fast", "scale")
"""langchain-openai puts the tier before a name: ``flex_cache_read``; what is left counts as ``flex``."""

_ANTHROPIC = ("anthropic", "bedrock")


def read_usage(report: Mapping[str, Any], provider: str = "", tier: str | None = None) -> Usage | None:
    """Read a report of token counts, whoever made it.

    Args:
        report: The report as it came.
        provider: The model's provider, for reports that do not tell how they count.
        tier: The service tier, where that is told beside the report.

    Returns:
        None if it has neither an input nor an output count.
    """
    counts: dict[str, int] = {}
    rule: str | None = None
    thoughts = extra = 0
    free = False
    for key, value in report.items():
        if type(value) is int:
            if key in _INPUT:
                counts.setdefault("input_tokens", value)
                rule = rule or _INPUT[key]
            elif (name := _COUNTS.get(key)) is not None:
                counts.setdefault(name, value)
            elif key in _THOUGHTS:
                thoughts = value
            elif key in _TOOL_PROMPT:
                extra = value
            elif key == "total_cost" and value == 0:
                free = True  # langchain-core marks what came from its own cache so
        elif (side := _DETAILS.get(key)) is not None and value:
            if side[1] is not None and (rule is None or side[1] is WITH_CACHE_LANGCHAIN):
                rule = side[1]
            tier = _read_details(side[0], value, counts) or tier
        elif key == "service_tier" and isinstance(value, str):
            tier = value
        elif type(value) is float:
            free = free or (key == "total_cost" and value == 0.0)
            name = "input_tokens" if key in _INPUT else _COUNTS.get(key)
            if name is not None and value.is_integer():
                counts.setdefault(name, int(value))
                rule = rule or _INPUT.get(key)
    if "input_tokens" not in counts and "output_tokens" not in counts:
        return None
    if thoughts:
        counts["reasoning"] = thoughts
        counts["output_tokens"] = counts.get("output_tokens", 0) + thoughts
    if extra:
        counts["input_tokens"] = counts.get("input_tokens", 0) + extra
    split = counts.get("cache_creation_5m", 0) + counts.get("cache_creation_1h", 0)
    if split > counts.get("cache_creation", 0):
        # langchain-anthropic sets the sum to 0 wherever the API tells its parts.
        counts["cache_creation"] = split
    return Usage(
        **counts,
        service_tier=tier if tier and tier.lower() not in USUAL_TIERS else None,
        input_rule=_input_rule(rule, counts, provider),
        from_cache=free,
    )


def _input_rule(rule: str | None, counts: Mapping[str, int], provider: str) -> str | None:
    cached = counts.get("cache_read", 0) + counts.get("cache_creation", 0)
    if cached > counts.get("input_tokens", 0):
        return WITHOUT_CACHE  # it cannot be counted in
    if rule is None and any(name in provider.lower() for name in _ANTHROPIC):
        return WITHOUT_CACHE
    return rule


def _read_details(side: str, value: Any, counts: dict[str, int]) -> str | None:
    """Read one side's details into ``counts``; returns the service tier, if they name one."""
    names = _PARTS[side]
    tier = None
    if isinstance(value, Mapping):
        for key, count in value.items():
            if isinstance(count, Mapping):
                if key == "cached_tokens_details":
                    _read_details("cached", count, counts)
                continue
            if type(count) is not int or type(key) is not str:
                continue
            name = names.get(key)
            if name is None and key.startswith(_TIERS):
                tier, _, rest = key.partition("_")
                name = names.get(rest)
            if name is not None and count > counts.get(name, -1):
                counts[name] = count
    elif isinstance(value, list):  # Gemini: [{"modality": "AUDIO", "tokenCount": 120}]
        for entry in value:
            if isinstance(entry, Mapping):
                modality = str(entry.get("modality", "")).rpartition(".")[2].lower()
                count = entry.get("token_count", entry.get("tokenCount"))
                if type(count) is int and (name := names.get(modality)) is not None:
                    counts[name] = counts.get(name, 0) + count
    return tier


def is_known_detail(name: str) -> bool:
    """Whether `Usage` has a field for a detail of either side, or it is a tier's share of the counts."""
    bare = name.partition("_")[2] if name.startswith(_TIERS) else name
    return not bare or any(bare in names for names in _PARTS.values())
