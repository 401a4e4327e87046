"""Token counts as LangChain's ``UsageMetadata``, in which the input includes what came from a cache.

Each producer's way of counting is a property of its convention, not of the model's provider. What is sent on
is always inclusive, so that every reader may add it up in one way.
"""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import usage
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
    input_count, output_count = as_count(input_tokens), as_count(output_tokens)
    if input_count is None and output_count is None:
        return None
    report: Usage = {}
    if input_count is not None:
        report["input_tokens"] = input_count
    if output_count is not None:
        report["output_tokens"] = output_count
    total = as_count(total_tokens)
    report["total_tokens"] = total if total is not None else (input_count or 0) + (output_count or 0)
    read, write, thought = as_count(cache_read), as_count(cache_write), as_count(reasoning)
    details = {
        name: count for name, count in (("cache_read", read), ("cache_creation", write)) if count is not None
    }
    if details:
        report["input_token_details"] = details
    if thought is not None:
        report["output_token_details"] = {"reasoning": thought}
    return report


def read_langfuse_usage(value: Any) -> Usage | None:
    """Read Langfuse's ``usage_details``, which names the parts of input and output apart.

    Source: langfuse-python, ``langchain/CallbackHandler.py`` (``_parse_usage_model``): each detail is
    subtracted from the count that it belongs to.
    """
    details = parse_json(value)
    if not isinstance(details, dict):
        return None
    if "input" not in details and "output" not in details:
        return read_usage(details)
    sums = {
        side: sum(
            as_count(count) or 0
            for name, count in details.items()
            if isinstance(name, str) and (name == side or name.startswith(f"{side}_"))
        )
        for side in ("input", "output")
    }
    # Langfuse's papers pass Anthropic's counts on under their own names: no part of its input either.
    beside = {
        name: as_count(details.get(f"{name}_input_tokens")) for name in ("cache_read", "cache_creation")
    }
    return build_usage(
        input_tokens=sums["input"] + sum(count or 0 for count in beside.values()),
        output_tokens=sums["output"],
        total_tokens=details.get("total"),
        cache_read=details.get("input_cache_read", details.get("input_cached_tokens", beside["cache_read"])),
        cache_write=details.get("input_cache_creation", beside["cache_creation"]),
        reasoning=details.get("output_reasoning"),
    )


def read_langfuse_cost(value: Any) -> float | None:
    """Read Langfuse's ``cost_details``: dollars in all, or for each kind of tokens."""
    details = parse_json(value)
    if not isinstance(details, dict):
        return None
    dollars = {
        name: amount
        for name, amount in details.items()
        if isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount < 1e9
    }
    return dollars.get("total", sum(dollars.values())) if dollars else None


def read_usage(value: Any) -> Usage | None:
    """Return a report as its producer made it, if it is one that `conventions.usage` can read."""
    return value if isinstance(value, dict) and usage.read_usage(value) is not None else None
