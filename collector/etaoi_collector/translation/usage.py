"""Token counts as LangChain's ``UsageMetadata``, in which the input includes what came from a cache.

Each producer's way of counting is a property of its convention, not of the model's provider. What is sent on
is always inclusive, so that every reader may add it up in one way.
"""

from __future__ import annotations

from typing import Any

from etaoi_collector.translation.json_text import parse_json

Usage = dict[str, Any]


def as_count(value: Any) -> int | None:
    """Return a whole number that is not negative; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = int(value)
    except (ValueError, OverflowError):
        return None
    return count if 0 <= count < 1 << 53 else None


def build_usage(
    *,
    input_tokens: Any = None,
    output_tokens: Any = None,
    total_tokens: Any = None,
    cache_read: Any = None,
    cache_write: Any = None,
    reasoning: Any = None,
) -> Usage | None:
    """Return counts whose input includes the cache; None where neither input nor output is told."""
    taken, given = as_count(input_tokens), as_count(output_tokens)
    if taken is None and given is None:
        return None
    usage: Usage = {}
    if taken is not None:
        usage["input_tokens"] = taken
    if given is not None:
        usage["output_tokens"] = given
    total = as_count(total_tokens)
    usage["total_tokens"] = total if total is not None else (taken or 0) + (given or 0)
    read, write, thought = as_count(cache_read), as_count(cache_write), as_count(reasoning)
    details = {
        name: count for name, count in (("cache_read", read), ("cache_creation", write)) if count is not None
    }
    if details:
        usage["input_token_details"] = details
    if thought is not None:
        usage["output_token_details"] = {"reasoning": thought}
    return usage


def read_langfuse_usage(value: Any) -> Usage | None:
    """Read Langfuse's ``usage_details``, which names the parts of input and output apart.

    Source: langfuse-python, ``langchain/CallbackHandler.py`` (``_parse_usage_model``): each detail is
    subtracted from the count that it belongs to.
    """
    told = parse_json(value)
    if not isinstance(told, dict):
        return None
    if "input" not in told and "output" not in told:
        return read_usage(told)
    sums = {
        side: sum(
            as_count(count) or 0
            for name, count in told.items()
            if isinstance(name, str) and (name == side or name.startswith(f"{side}_"))
        )
        for side in ("input", "output")
    }
    return build_usage(
        input_tokens=sums["input"],
        output_tokens=sums["output"],
        total_tokens=told.get("total"),
        cache_read=told.get("input_cache_read", told.get("input_cached_tokens")),
        cache_write=told.get("input_cache_creation"),
        reasoning=told.get("output_reasoning"),
    )


def read_usage(value: Any) -> Usage | None:
    """Read usage in the shapes of LangChain, OpenAI and Anthropic."""
    if not isinstance(value, dict):
        return None
    before = value.get("input_token_details", value.get("prompt_tokens_details"))
    before = before if before is not None else value.get("input_tokens_details")
    after = value.get("output_token_details", value.get("completion_tokens_details"))
    after = after if after is not None else value.get("output_tokens_details")
    before = before if isinstance(before, dict) else {}
    after = after if isinstance(after, dict) else {}
    read = before.get("cache_read", before.get("cached_tokens"))
    write = before.get("cache_creation", before.get("cache_write"))
    taken = value.get("input_tokens", value.get("prompt_tokens"))
    if not before and ("cache_read_input_tokens" in value or "cache_creation_input_tokens" in value):
        # Anthropic's own report: input_tokens are those behind the last cache breakpoint.
        read, write = value.get("cache_read_input_tokens"), value.get("cache_creation_input_tokens")
        fresh = as_count(taken)
        taken = None if fresh is None else fresh + (as_count(read) or 0) + (as_count(write) or 0)
    return build_usage(
        input_tokens=taken,
        output_tokens=value.get("output_tokens", value.get("completion_tokens")),
        total_tokens=value.get("total_tokens"),
        cache_read=read,
        cache_write=write,
        reasoning=after.get("reasoning", after.get("reasoning_tokens")),
    )
