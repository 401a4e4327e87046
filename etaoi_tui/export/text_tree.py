"""Spans as lines of text: status and duration in fixed columns, then the tree.

``show``, the demo's last word and the live printing without a terminal share these lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from etaoi_collector.pricing.call_costs import cost_of_trace
from etaoi_collector.projections.trace_names import trace_name
from etaoi_collector.store.model import Span, Status, Trace
from etaoi_tui.text import fit, one_line
from etaoi_tui.view.format import DURATION_CELLS, UNKNOWN, clock, count, dollars, duration, tokens
from etaoi_tui.view.glyphs import span_glyph
from etaoi_tui.view.row_summaries import Summaries

_STATUS_CELLS = 10
_NAME_CELLS = 60
_SUMMARY_CELLS = 72
_DEEPEST_INDENT = 40
"""Levels beyond this are told by a number instead of by blanks: a tree may be a million levels deep."""


def walk(tops: Iterable[Span]) -> Iterator[tuple[Span, int]]:
    """Yield every span under and including some, with its depth: parents first, siblings in start order.

    Other traces that hang in the tree (the turns of a voice session) are part of it.
    """
    stack = [(span, 0) for span in reversed(list(tops))]
    while stack:
        span, depth = stack.pop()
        yield span, depth
        if span.children is not None:
            stack.extend((child, depth + 1) for child in reversed(span.children))


def depth_of(span: Span, *, plumbing: bool) -> int:
    """Return how many ancestors of a span are shown."""
    depth = 0
    above = span.parent
    while above is not None:
        if plumbing or not above.is_folded_away:
            depth += 1
        above = above.parent
    return depth


def span_line(span: Span, depth: int, now: float | None, summaries: Summaries) -> str:
    """Format one span.

    Args:
        span: What to show.
        depth: Its level in the tree, 0 for a root.
        now: Seconds since the epoch, to measure running spans with; None leaves their time out.
        summaries: Where the words behind the name come from.
    """
    status = span.status
    indent = "  " * depth if depth <= _DEEPEST_INDENT else f"{'  ' * _DEEPEST_INDENT}[{depth}] "
    name = one_line(span.name, _NAME_CELLS) or span.kind or "span"
    if span.placeholder:
        name = f"{span.span_id[:8]} (its own events never arrived)"
    parts = [f"{indent}{span_glyph(span)} {name}"]
    usage = span.usage
    if usage is not None:
        parts.append(f"{tokens(usage.input_tokens)}→{tokens(usage.output_tokens)}")
    if span.ttft is not None:
        parts.append(f"ttft {duration(span.ttft)}")
    words = summaries.of(span)
    if words:
        parts.append(one_line(words, _SUMMARY_CELLS))
    if status is Status.RUNNING:
        taken = "" if now is None else duration(span.duration(now))
    else:
        # How long a lost span would have taken is anybody's guess.
        taken = UNKNOWN if status is Status.LOST else duration(span.duration(0.0))
    columns = f"{fit(status.value, _STATUS_CELLS)}{fit(taken, DURATION_CELLS, 'right')}"
    return f"{columns}  {'  '.join(parts)}".rstrip()


def trace_line(trace: Trace) -> str:
    """Format a trace's headline: its id, name, status, time and counts."""
    counts = [count(trace.spans, "span")]
    if trace.errors:
        counts.append(count(trace.errors, "error"))
    if trace.dropped:
        counts.append(f"{trace.dropped:,} dropped by its sender")
    if trace.waits_for:
        counts.append(f"waits for: {one_line(trace.waits_for, _SUMMARY_CELLS)}")
    cost = cost_of_trace(trace, wait=True)
    if cost.total is not None:
        counts.append(dollars(cost.total) + (" and more of unknown price" if cost.unknown else ""))
    return (
        f"trace {one_line(trace.trace_id, 36)}  {one_line(trace_name(trace), _NAME_CELLS)}  {trace.status}  "
        f"{clock(trace.started_at)}  {duration(trace.ended_at - trace.started_at)}  {', '.join(counts)}"
    )
