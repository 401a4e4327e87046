"""What an agent's run cost: its own calls, those of the agents below it, and all together."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.pricing.call_costs import RunCost, cost_of_trace, is_paid, sum_costs
from etaoi_collector.pricing.token_counts import read_tokens
from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.model import StyledText
from etaoi_tui.view import format as fmt
from etaoi_tui.view.neighbouring_calls import SPANS_WALKED

Rows = list[tuple[str, str | Sequence[StyledText]]]


def cost_rows_of_run(run: Span) -> Rows:
    """Return the tokens and the cost of an agent's run; empty if nothing in it reports usage."""
    own, below, complete = calls_inside(run)
    rows: Rows = []
    known = [
        one for call in own if call.usage is not None and is_paid(call) if (one := read_tokens(call.usage))
    ]
    fresh, read = sum(one.fresh for one in known), sum(one.cache_read for one in known)
    written, output = sum(one.cache_write for one in known), sum(one.output for one in known)
    reasoning = sum(one.reasoning or 0 for one in known)
    if fresh + read + written + output:
        rows += [
            ("input", f"{fresh:,} fresh, {read:,} from cache, {written:,} written to cache"),
            ("output", f"{output:,}" + (f", {reasoning:,} of it reasoning" if reasoning else "")),
        ]
    cost = sum_costs(own)
    if cost.calls:
        rows.append(("cost", cost_runs(cost)))
    if below:
        inside = sum_costs(below)
        rows.append(
            ("sub-agents", [*cost_runs(inside), (f"   {fmt.count(len(below), 'model call')}", "muted")])
        )
        if run.parent is None and len(run.trace.roots) == 1:
            together = cost_of_trace(run.trace)
        else:
            together = sum_costs([*own, *below])
        if together.calls:
            rows.append(("cost together", cost_runs(together)))
    if not complete:
        rows.append(("summed over", f"the newest {len(own) + len(below):,} calls"))
    return rows


def cost_runs(cost: RunCost) -> list[StyledText]:
    """Return what several calls cost together, with what is not known of it."""
    if not cost.unknown:
        return [(fmt.dollars(cost.total or 0.0), "")]
    known_cost = f"{fmt.dollars(cost.total)} and " if cost.total else ""
    return [(f"{known_cost}{fmt.count(cost.unknown, 'call')} of unknown price", "warning")]


def calls_inside(run: Span) -> tuple[list[Span], list[Span], bool]:
    """Return the model calls of a run itself, those of the agents below it, and whether these are all."""
    own: list[Span] = []
    below: list[Span] = []
    stack = [(child, False) for child in run.children or ()]
    spans_read = 0
    while stack and spans_read < SPANS_WALKED:
        span, is_below = stack.pop()
        spans_read += 1
        if span.kind == "llm":
            (below if is_below else own).append(span)
        is_below = is_below or span.kind == "sub_agent"
        if span.children:
            stack += [(child, is_below) for child in span.children]
    return own, below, not stack
