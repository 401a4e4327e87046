"""``etaoi-tui show``: the traces of a recording as indented trees, or their spans as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from etaoi_collector.projections.objects import span_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, Trace
from etaoi_tui.cli.console import CommandError
from etaoi_tui.export.json_lines import dumps
from etaoi_tui.export.text_tree import span_line, trace_line, walk
from etaoi_tui.view.format import count
from etaoi_tui.view.row_summaries import Summaries


def traces_to_show(store: Store, wanted: str | None) -> list[Trace]:
    """Return the traces to show, in order of arrival.

    Args:
        store: Everything that was recorded.
        wanted: A trace's id or its beginning; None for all.

    Raises:
        Failure: No trace has that id, or several ids begin like that.
    """
    if wanted is None:
        return list(store.traces.values())
    wanted = wanted.strip().lower()
    exact = store.traces.get(wanted)
    if exact is not None:
        return [exact]
    found = [trace for trace_id, trace in store.traces.items() if wanted and trace_id.startswith(wanted)]
    if not found:
        raise CommandError(f"No trace {wanted!r} in this recording; `etaoi-tui ls FILE` lists what is there.")
    if len(found) > 1:
        raise CommandError(f"{len(found):,} traces begin with {wanted!r}; give more of the id.")
    return found


def print_trees(
    store: Store,
    source: Source,
    out: TextIO,
    now: float,
    *,
    wanted: str | None = None,
    plumbing: bool = False,
) -> None:
    """Print traces as trees, one after the other.

    Args:
        store: Everything that was recorded.
        source: Where payloads are read from.
        out: Where lines go.
        now: Seconds since the epoch.
        wanted: Id of the only trace to show; None shows all.
        plumbing: Show a framework's inner steps, too.
    """
    summaries = Summaries(source)
    first = True
    for trace in traces_to_show(store, wanted):
        if not trace.roots and wanted is None:
            continue  # shown in the tree of the trace that its spans hang in
        if not first:
            out.write("\n")
        first = False
        out.write(trace_line(trace) + "\n")
        left_out = 0
        for span, depth in _shown(trace, plumbing):
            if depth < 0:
                left_out += 1
                continue
            out.write(span_line(span, depth, now, summaries) + "\n")
        if left_out:
            out.write(
                f"{count(left_out, 'inner step')} of the framework left out; --all shows what they are\n"
            )


def print_spans(store: Store, source: Source, out: TextIO, now: float, *, wanted: str | None = None) -> None:
    """Print every span as a JSON object, trace by trace, parents before children."""
    payloads = RecordedPayloads(source)
    for trace in traces_to_show(store, wanted):
        for span in _members(trace):
            out.write(dumps(span_object(span, payloads, now)) + "\n")


def _shown(trace: Trace, plumbing: bool) -> Iterator[tuple[Span, int]]:
    """Yield spans with their depth among those shown; a depth of -1 marks one that is left out."""
    hidden: list[int] = []
    """Depths of the ancestors that are left out, outermost first."""
    for span, depth in walk(trace.roots or _tops(trace)):
        while hidden and hidden[-1] >= depth:
            hidden.pop()
        if not plumbing and span.is_folded_away:
            hidden.append(depth)
            yield span, -1
        else:
            yield span, depth - len(hidden)


def _tops(trace: Trace) -> list[Span]:
    """The spans of a trace that hang in another trace's tree, or in none, in start order."""
    tops = [span for span in trace.members if span.parent is None or span.parent.trace is not trace]
    return sorted(tops, key=lambda span: (span.started_at, span.number))


def _members(trace: Trace) -> Iterator[Span]:
    """Yield the spans of this trace alone of which something arrived, parents before children."""
    stack = list(reversed(_tops(trace)))
    while stack:
        span = stack.pop()
        if not span.placeholder:
            yield span
        stack.extend(child for child in reversed(span.children or ()) if child.trace is trace)
