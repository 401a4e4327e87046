"""What an agent's run cost: its own calls, those of the agents below it, and all together."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.pricing.total import Total, total_of_calls, total_of_trace
from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.model import StyledText
from etaoi_tui.view import format as fmt
from etaoi_tui.view.neighbouring_calls import SPANS_WALKED

Rows = list[tuple[str, str | Sequence[StyledText]]]


def cost_rows_of_run(run: Span) -> Rows:
    """Return the tokens and the cost of an agent's run; empty if nothing in it reports usage."""
    own, below, complete = calls_inside(run)
    total, inside = total_of_calls(own), total_of_calls(below)
    rows = token_rows(total)
    if total:
        rows.append(("cost", cost_runs(total)))
    if below:
        calls = f"   {fmt.count(len(below), 'model call')}, {fmt.tokens(inside.tokens)} tokens"
        rows.append(("sub-agents", [*cost_runs(inside), (calls, "muted")]))
        if run.parent is None and len(run.trace.roots) == 1:
            together = total_of_trace(run.trace)
        else:
            together = total.without(Total())
            together.add(inside)
        if together:
            tokens = f"   {fmt.tokens(together.tokens)} tokens"
            rows.append(("cost together", [*cost_runs(together), (tokens, "muted")]))
    if not complete:
        rows.append(("summed over", f"the newest {len(own) + len(below):,} calls"))
    return rows


def token_rows(total: Total) -> Rows:
    """Return what several calls took in tokens; empty if none reports any."""
    if not total.fresh + total.cache_read + total.cache_write + total.output_tokens:
        return []
    rate = total.cache_hit_rate
    hit = f"   {fmt.percent(rate)} of the input came from a cache" if total.cache_read else ""
    counts = f"{total.fresh:,} fresh, {total.cache_read:,} from cache, {total.cache_write:,} written to cache"
    reasoning = f", {total.reasoning:,} of it reasoning" if total.reasoning else ""
    return [("input", [(counts, ""), (hit, "muted")]), ("output", f"{total.output_tokens:,}{reasoning}")]


def cost_runs(total: Total) -> list[StyledText]:
    """Return what several calls cost together, with what is not known of it."""
    if not total.unpriced:
        return [(fmt.dollars(total.cost_usd or 0.0), "")]
    known_cost = fmt.cost(total.cost_usd, total.unpriced)
    return [(known_cost, ""), (f"   {fmt.count(total.unpriced, 'call')} of unknown price", "warning")]


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


def all_calls_inside(span: Span) -> list[Span]:
    """Return the model calls below a span; of very many, the first that are found."""
    own, below, _ = calls_inside(span)
    return own + below
