"""How producers count tokens: whether the input includes what came from a cache or went into one.

Summing a cache twice, or not at all, is the most frequent error of tools like this one. Each rule below says
where it comes from; what a call's report does not settle is said to be an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from etaoi_collector.store.model import Usage


@dataclass(frozen=True, slots=True)
class Tokens:
    """A call's tokens, taken apart so that nothing is counted twice.

    Attributes:
        fresh: Input that came from no cache and went into none.
        cache_read: Input read from a cache.
        cache_write: Input written to a cache.
        output: Output, reasoning included.
        reasoning: The part of the output that was reasoning; None if not told.
        rule: How the report was read, in words.
        sure: False if the report does not settle the rule.
    """

    fresh: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int | None
    rule: str
    sure: bool = True

    @property
    def input(self) -> int:
        """All input, however it was paid for."""
        return self.fresh + self.cache_read + self.cache_write


def read_tokens(usage: Usage, told: dict[str, Any], provider: str = "") -> Tokens | None:
    """Take a reported usage apart.

    Args:
        usage: The counts as they were reported.
        told: The report itself, which shows by its keys who made it.
        provider: The model's provider, for reports that do not tell.

    Returns:
        None if the report has no input and no output count.
    """
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    read, write = usage.cache_read or 0, usage.cache_creation or 0
    total, output = usage.input_tokens or 0, usage.output_tokens or 0
    includes, rule, sure = _rule(total, read + write, told, provider)
    fresh = max(0, total - read - write) if includes else total
    return Tokens(fresh, read, write, output, usage.reasoning, rule, sure)


def _rule(total: int, cached: int, told: dict[str, Any], provider: str) -> tuple[bool, str, bool]:
    if not cached:
        return True, "no cache was reported", True
    if cached > total:
        return False, "input without cache: the cache is larger than the input", True
    if isinstance(told.get("input_token_details"), dict):
        # langchain-core, UsageMetadata: input_tokens is the sum of all input token types.
        return True, "input with cache, as LangChain counts", True
    if "prompt_tokens" in told:
        # OpenAI, usage.prompt_tokens_details.cached_tokens: cached tokens present in the prompt.
        return True, "input with cache, as OpenAI counts", True
    if "anthropic" in provider.lower() or "bedrock" in provider.lower():
        # Anthropic, usage: input_tokens are those behind the last cache breakpoint.
        return False, "input without cache, as Anthropic counts", True
    return True, "input with cache: assumed, the report does not tell", False
