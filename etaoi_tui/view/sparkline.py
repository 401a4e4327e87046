"""A course of numbers in one line."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.pricing.token_counts import read_tokens
from etaoi_collector.store.model import Span
from etaoi_tui.view import format as fmt

_STEPS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_SPANS_WALKED = 200
CALLS = 16
"""Calls that a row shows."""


def sparkline(numbers: Sequence[float | None]) -> str:
    """Return one character for each number, from nothing to the largest; a dot where there is none."""
    most = max((number for number in numbers if number is not None), default=0)
    if most <= 0:
        return _UNKNOWN * len(numbers)
    return "".join(
        _UNKNOWN if number is None else _STEPS[min(7, max(0, round(number / most * 7)))] for number in numbers
    )


def spark_glyph(value: float | None, highest: float) -> str:
    """Return one column of a course of which only the highest value is known; a dot for no value."""
    if value is None:
        return _UNKNOWN
    if highest <= 0:
        return _STEPS[0]
    return _STEPS[min(int(value / highest * len(_STEPS)), len(_STEPS) - 1)]


def context_trend(run: Span) -> str:
    """Return how the input of an agent's newest calls grew: ``context ▅▆█ 23.1k``.

    Empty with fewer than two calls that report it.
    """
    sizes: list[int | None] = []
    stack = list((run.children or ())[-_SPANS_WALKED:])
    walked = 0
    while stack and len(sizes) < CALLS and walked < _SPANS_WALKED:
        span = stack.pop()
        walked += 1
        if span.kind == "llm":
            tokens = read_tokens(span.usage) if span.usage is not None else None
            sizes.append(tokens.input if tokens is not None and tokens.input else None)
        elif span.kind != "sub_agent" and span.children:
            stack += span.children[-_SPANS_WALKED:]
    sizes.reverse()
    reported = [number for number in sizes if number is not None]
    return f"context {sparkline(sizes)} {fmt.tokens(reported[-1])}" if len(reported) > 1 else ""
