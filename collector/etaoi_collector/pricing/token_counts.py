"""A call's tokens taken apart, so that nothing is counted or paid twice."""

from __future__ import annotations

import msgspec

from etaoi_collector.conventions.usage import (
    WITH_CACHE_LANGCHAIN,
    WITH_CACHE_OPENAI,
    WITHOUT_CACHE,
    Usage,
)

_RULES = {
    WITH_CACHE_LANGCHAIN: "input with cache, as LangChain counts",
    WITH_CACHE_OPENAI: "input with cache, as OpenAI counts",
    WITHOUT_CACHE: "input without cache, as Anthropic counts",
}


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """A call's tokens, taken apart so that nothing is counted twice.

    Attributes:
        fresh: Input that came from no cache and went into none.
        cache_read: Input read from a cache.
        cache_write: Input written to a cache, for however long.
        output: Output, reasoning included.
        reasoning: The part of the output that was reasoning; None if not told.
        rule: How the report was read, in words.
        sure: False if the report does not settle the rule.
        cache_write_1h: The part of `cache_write` that was written for an hour.
        input_audio: The part of the input that was audio; the next ones likewise.
        cache_read_audio: The part of `cache_read` that was audio; None if not told.
    """

    fresh: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int | None
    rule: str
    sure: bool = True
    cache_write_1h: int = 0
    input_audio: int = 0
    input_image: int = 0
    input_video: int = 0
    output_audio: int = 0
    output_image: int = 0
    cache_read_audio: int | None = None

    @property
    def input(self) -> int:
        """All input, however it was paid for."""
        return self.fresh + self.cache_read + self.cache_write

    @property
    def is_text(self) -> bool:
        """Whether nothing but text is known to have gone in and come out."""
        return not (
            self.input_audio or self.input_image or self.input_video or self.output_audio or self.output_image
        )


def read_tokens(usage: Usage) -> Tokens | None:
    """Take a reported usage apart.

    Returns:
        None if the report has no input and no output count.
    """
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    read, write = usage.cache_read or 0, usage.written
    total, output = usage.input_tokens or 0, usage.output_tokens or 0
    cached = read + write
    rule, sure = "no cache was reported", True
    without = False
    if cached > total:
        rule, without = "input without cache: the cache is larger than the input", True
    elif cached and usage.input_rule is not None:
        rule, without = _RULES[usage.input_rule], usage.input_rule is WITHOUT_CACHE
    elif cached:
        rule, sure = "input with cache: assumed, the report does not tell", False
    return Tokens(
        fresh=total if without else max(0, total - cached),
        cache_read=read,
        cache_write=write,
        output=output,
        reasoning=usage.reasoning,
        rule=rule,
        sure=sure,
        cache_write_1h=min(write, usage.cache_creation_1h or 0),
        input_audio=usage.input_audio or 0,
        input_image=usage.input_image or 0,
        input_video=usage.input_video or 0,
        output_audio=usage.output_audio or 0,
        output_image=usage.output_image or 0,
        cache_read_audio=usage.cache_read_audio,
    )
