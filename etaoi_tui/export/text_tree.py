"""Spans as lines of text: status and duration in fixed columns, then the tree.

``show``, the demo's last word and the live printing without a terminal share these lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TextIO

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.trace_names import trace_name
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_tui.console import Piece, write_pieces
from etaoi_tui.export.door import Exporter, Extract, tops_of, walk
from etaoi_tui.text import fit, one_line
from etaoi_tui.view.format import DURATION_CELLS, UNKNOWN, clock, cost, count, duration, tokens
from etaoi_tui.view.glyphs import span_glyph
from etaoi_tui.view.row_summaries import Summaries

_STATUS_LOOKS = {
    Status.ERROR: "failure",
    Status.RUNNING: "running",
    Status.PAUSED: "running",
    Status.LOST: "failure",
    Status.OK: "quiet",
}
_KIND_LOOKS = {"llm": "llm", "tool": "tool", "sub_agent": "agent", "middleware": "quiet"}
_STATUS_CELLS = 10
_NAME_CELLS = 60
_SUMMARY_CELLS = 72
_DEEPEST_INDENT = 40
"""Levels beyond this are told by a number instead of by blanks: a tree may be a million levels deep."""


def depth_of(span: Span, *, plumbing: bool) -> int:
    """Return how many ancestors of a span are shown."""
    depth = 0
    above = span.parent
    while above is not None:
        if plumbing or not above.is_folded_away:
            depth += 1
        above = above.parent
    return depth


def span_pieces(
    span: Span, depth: int, now: float | None, summaries: Summaries, totals: Totals
) -> list[Piece]:
    """Format one span as pieces with the names of their looks.

    Args:
        span: What to show.
        depth: Its level in the tree, 0 for a root.
        now: Seconds since the epoch, to measure running spans with; None leaves their time out.
        summaries: Where the words behind the name come from.
        totals: What the span, or an agent and a root with all below them, took in tokens and dollars.
    """
    status = span.status
    indent = "  " * depth if depth <= _DEEPEST_INDENT else f"{'  ' * _DEEPEST_INDENT}[{depth}] "
    name = one_line(span.name, _NAME_CELLS) or span.kind or "span"
    if span.placeholder:
        name = f"{span.span_id[:8]} (its own events never arrived)"
    words = _usage_words(span, totals)
    if span.ttft is not None:
        words.append(f"ttft {duration(span.ttft)}")
    summary = summaries.of(span)
    if summary:
        words.append(one_line(summary, _SUMMARY_CELLS))
    if status is Status.RUNNING:
        duration_text = "" if now is None else duration(span.duration(now))
    else:
        # How long a lost span would have taken is anybody's guess.
        duration_text = UNKNOWN if status is Status.LOST else duration(span.duration(0.0))
    pieces = [
        (fit(status.value, _STATUS_CELLS), _STATUS_LOOKS.get(status, "")),
        (f"{fit(duration_text, DURATION_CELLS, 'right')}  ", ""),
        (f"{indent}{span_glyph(span)} {name}", _KIND_LOOKS.get(span.kind, "")),
    ]
    if words:
        pieces.append((f"  {'  '.join(words)}", "failure" if status is Status.ERROR else "quiet"))
    return pieces


def _usage_words(span: Span, totals: Totals) -> list[str]:
    """Return tokens and dollars of a model call; of an agent and of a root those of all calls below."""
    usage = span.usage
    if usage is not None:
        words = [f"{tokens(usage.input_tokens)}→{tokens(usage.output_tokens)}"]
        total = totals.of_call(span)
    else:
        total = totals.below(span) if span.kind == "sub_agent" or span.parent is None else None
        words = [] if not total else [f"{tokens(total.input_tokens)}→{tokens(total.output_tokens)}"]
    return [*words, cost(total.cost_usd, total.unpriced)] if total else words


def trace_line(trace: Trace, totals: Totals) -> str:
    """Format a trace's headline: its id, name, status, time and counts."""
    counts = [count(trace.span_count, "span")]
    if trace.errors:
        counts.append(count(trace.errors, "error"))
    if trace.dropped:
        counts.append(f"{trace.dropped:,} dropped by its sender")
    if trace.waits_for:
        counts.append(f"waits for: {one_line(trace.waits_for, _SUMMARY_CELLS)}")
    total = totals.of_run(trace)
    if total:
        counts.append(f"{tokens(total.tokens)} tokens")
        counts.append(cost(total.cost_usd, total.unpriced))
    return (
        f"trace {one_line(trace.trace_id, 36)}  {one_line(trace_name(trace), _NAME_CELLS)}  {trace.status}  "
        f"{clock(trace.started_at)}  {duration(trace.ended_at - trace.started_at)}  {', '.join(counts)}"
    )


def write(extract: Extract, out: TextIO) -> None:
    """Write traces as trees, one after the other."""
    summaries = Summaries(extract.source)
    if extract.subtree is not None:
        for span, depth in islice(_shown_spans([extract.subtree], True), extract.most_spans):
            _write_span(out, span, depth, extract, summaries)
        return
    first = True
    snapshots = 0
    for trace in extract.traces:
        if not trace.roots and not extract.hung_elsewhere:
            continue  # shown in the tree of the trace that its spans hang in
        if trace.only_context and not extract.plumbing and not extract.hung_elsewhere and not extract.wanted:
            snapshots += 1  # of an agent, or an event outside of any run: no run
            continue
        if extract.wanted is not None and not any(map(extract.wanted, trace.spans)):
            continue
        if not first:
            out.write("\n")
        first = False
        write_pieces(out, [(trace_line(trace, extract.totals) + "\n", "strong")])
        left_out = 0
        for span, depth in _shown_spans(trace.roots or tops_of(trace), extract.plumbing):
            if depth < 0:
                left_out += extract.wanted is None
            elif extract.wanted is None or extract.wanted(span):
                _write_span(out, span, depth, extract, summaries)
        if left_out:
            out.write(
                f"{count(left_out, 'inner step')} of the framework left out; --all shows what they are\n"
            )
    if snapshots:
        out.write(f"\n{count(snapshots, 'trace')} without a run left out; --all shows what they are\n")


def _write_span(out: TextIO, span: Span, depth: int, extract: Extract, summaries: Summaries) -> None:
    pieces = span_pieces(span, depth, extract.now, summaries, extract.totals)
    text, look = pieces[-1]
    write_pieces(out, [*pieces[:-1], (text.rstrip() + "\n", look)])


def _shown_spans(tops: Sequence[Span], plumbing: bool) -> Iterator[tuple[Span, int]]:
    """Yield spans with their depth among those shown; a depth of -1 marks one that is left out.

    A hook that its own node of the graph tells of has no line besides that of the node.
    """
    hidden: list[int] = []
    """Depths of the ancestors that are left out, outermost first."""
    for span, depth in walk(tops):
        while hidden and hidden[-1] >= depth:
            hidden.pop()
        if not plumbing and (span.is_folded_away or _is_told_by_its_node(span)):
            hidden.append(depth)
            yield span, -1
        else:
            yield span, depth - len(hidden)


def _is_told_by_its_node(span: Span) -> bool:
    """Whether a span is the probe of a hook, below the graph's node for the same hook."""
    above = span.parent
    return bool(span.flags & SpanFlag.PROBE) and above is not None and above.name == span.name


EXPORTER = Exporter(name="text-tree", label="the tree as text", suffix=".txt", write=write)
