"""A course of numbers in one line."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.model import Span

_STEPS = "▁▂▃▄▅▆▇█"
_SPANS_WALKED = 200
CALLS = 16
"""Calls that a row shows."""


def sparkline(numbers: Sequence[float | None]) -> str:
    """Return one character for each number, from nothing to the largest; a dot where there is none."""
    most = max((number for number in numbers if number is not None), default=0)
    if most <= 0:
        return "·" * len(numbers)
    return "".join(
        "·" if number is None else _STEPS[min(7, max(0, round(number / most * 7)))] for number in numbers
    )


def context_course(run: Span) -> str:
    """Return how the input of an agent's newest calls grew; empty with fewer than two that report it."""
    found: list[int | None] = []
    stack = list((run.children or ())[-_SPANS_WALKED:])
    walked = 0
    while stack and len(found) < CALLS and walked < _SPANS_WALKED:
        span = stack.pop()
        walked += 1
        if span.kind == "llm":
            found.append(span.usage.input_tokens if span.usage is not None else None)
        elif span.kind != "sub_agent" and span.children:
            stack += span.children[-_SPANS_WALKED:]
    found.reverse()
    return sparkline(found) if sum(number is not None for number in found) > 1 else ""
