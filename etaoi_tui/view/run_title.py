"""A run's title: its name and what it came to, as much as the width has room for, what matters longest."""

from __future__ import annotations

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Status, Trace
from etaoi_tui.text import cells, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import STATUS_GLYPHS

_NAME_CELLS = 16
"""Cells of a name for which counts of calls are left out."""

_LEAST_NAME = 8
"""Cells of a name for which the duration is left out."""


def run_title(trace: Trace, totals: Totals, now: float, width: int) -> str:
    """Name a run with its sums: ``researcher  12.4s  8 llm  14 tools  23.1k tok  $0.041  ✗ 1 error``.

    Where they do not fit, the counts of calls go first, then words; then the name is cut, and the duration
    goes. Tokens, cost and failures stay.

    Args:
        trace: The run.
        totals: What model calls took.
        now: The present for the run, in seconds since the epoch.
        width: Cells of the title.
    """
    name = one_line(title(trace), max(width, 1))
    took = [fmt.trace_duration(trace, now)]
    tokens, cost = _spent(trace, totals)
    spent = [f"{tokens} tok" if tokens else "", cost]
    calls = [
        f"{trace.model_calls} llm" if trace.model_calls else "",
        fmt.count(trace.tool_calls, "tool") if trace.tool_calls else "",
    ]
    for facts, least in (
        ([*took, *calls, *spent, _failures(trace)], _NAME_CELLS),
        ([*took, *spent, _failures(trace)], _NAME_CELLS),
        ([*took, tokens, cost, _failures(trace, short=True)], _LEAST_NAME),
        ([tokens, cost, _failures(trace, short=True)], 1),
    ):
        sums = "  ".join(filter(None, facts))
        room = width - cells(sums) - 2
        if room >= min(cells(name), least):
            break
    return f"{one_line(name, max(room, 1))}  {sums}"


def _spent(trace: Trace, totals: Totals) -> tuple[str, str]:
    """Return tokens and cost of a run in words; empty where nobody told."""
    total = totals.of_run(trace)
    cost = fmt.cost(total.cost_usd, total.unpriced) if totals.prices_known else ""
    return fmt.tokens(total.tokens) if total.tokens else "", cost


def _failures(trace: Trace, *, short: bool = False) -> str:
    """Say how many failures there were by cause, and that they were handled where the run ended well."""
    errors = (trace.unread or trace).errors
    if not errors:
        return ""
    if trace.status is Status.OK:
        ok = "" if short else " ok,"
        return f"{STATUS_GLYPHS[Status.OK]}{ok} {errors:,} handled"
    glyph = STATUS_GLYPHS[Status.ERROR]
    return f"{glyph}{errors:,}" if short else f"{glyph} {fmt.count(errors, 'error')}"
