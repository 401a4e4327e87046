"""Lets the oldest traces go when too much is in memory. They stay in the recording.

A run that a list told of goes back to what that said, and can be read again; unless it has gone on since.
"""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_collector.store.span_tree import SpanLinks, insert
from etaoi_collector.store.state import StoreState
from etaoi_collector.store.waits import Waits

DEFAULT_MAX_SPANS = 2_000_000
"""Spans kept before the oldest finished traces leave memory: about 1.3 GB. They stay in the recording."""


class Retention:
    """The bound on spans in memory.

    Args:
        state: What is held.
        links: Keeps the tree of it.
        waits: Knows what waits in it.
        max_spans: Bound on spans; twice as many while they run.
    """

    def __init__(self, state: StoreState, links: SpanLinks, waits: Waits, max_spans: int) -> None:
        self._waits = waits
        self.above = max_spans
        """Spans beyond which `evict` has something to do."""
        self._state = state
        self._links = links
        self._max_spans = max_spans

    def evict(self) -> None:
        """Let the oldest finished traces go until a tenth of the bound is free.

        While too little has finished, up to twice the bound is kept; then running traces go, too. The newest
        trace always stays.
        """
        state = self._state
        goal = self._max_spans - self._max_spans // 10
        newest = next(reversed(state.traces.values()))
        remaining = state.span_count
        released: dict[Trace, None] = {}
        for running in (False, True):
            for trace in state.traces.values():
                if remaining <= goal:
                    break
                if trace is newest or trace in released or not trace.spans:
                    continue
                if running or trace.is_whole or trace.session.is_gone:
                    released[trace] = None
                    remaining -= len(trace.spans)
            if remaining <= 2 * self._max_spans:
                break
        # What cannot go now is not asked for again with every frame.
        self.above = max(self._max_spans, remaining + remaining // 20)
        if released:
            self._let_go(released)

    def _let_go(self, released: dict[Trace, None]) -> None:
        state = self._state
        changes = state.changes
        thinned: dict[Span, None] = {}
        for trace in released:
            if trace.listed is not None and trace.events > trace.listed.events:
                trace.listed = None  # what it said does not hold any more
            if trace.listed is None:
                del state.traces[trace.trace_id]
                state.evicted_traces += 1
                state.evicted_spans += trace.span_count
            state.span_count -= len(trace.spans)
            for span in trace.spans:
                self._forget_id(span)
                parent = span.parent
                if parent is not None and parent.trace not in released:
                    thinned[parent] = None
                for child in span.children or ():
                    if child.trace not in released:
                        child.parent = None
                        changes.moved[child] = None
                        insert(child.trace.roots, child)
                        changes.restructured[child.trace] = None
        for parent in thinned:
            parent.children = [
                child for child in parent.children or () if child.trace not in released
            ] or None
            changes.restructured[parent.trace] = None
            hung = parent.trace.hung or ()
            parent.trace.hung = {trace: None for trace in hung if trace not in released} or None
        for session in {trace.session: None for trace in released}:
            session.traces[:] = [trace for trace in session.traces if trace not in released or trace.listed]
        self._waits.forget(released)
        runs = state.agents.runs
        for context_id in {one: None for trace in released for one in trace.context_ids}:
            remaining = [trace for trace in runs.get(context_id, ()) if trace not in released]
            if remaining:
                runs[context_id] = remaining
            else:
                runs.pop(context_id, None)
        # Nobody may have asked for changes for hours: they must not keep what has left.
        changes.added = [span for span in changes.added if span.trace not in released]
        changes.changed = {span: None for span in changes.changed if span.trace not in released}
        changes.moved = {span: None for span in changes.moved if span.trace not in released}
        for trace in released:
            for span in trace.spans:
                # Untracked by the collector of cycles: cut them by hand.
                span.parent = None
                span.children = None
            if trace.listed is not None:
                trace.empty(trace.listed.started_at)
                trace.list_as(trace.listed)  # it can be read again
            trace.spans = []
            trace.roots = []
            trace.calls = []
            trace.hung = None
            trace.open_calls.clear()
            trace.inner_calls.clear()
            changes.traces[trace] = None
            changes.restructured[trace] = None
        for parent in thinned:
            self._links.child_error_removed(parent)
        changes.notices = True

    def _forget_id(self, span: Span) -> None:
        """Take a span that leaves memory out of the index; of several with its id another takes its place."""
        state = self._state
        span_id = span.span_id
        clashes = state.clashing.get(span_id) if span.flags & SpanFlag.ID_CLASH else None
        if clashes is None:
            if state.spans.get(span_id) is span:
                del state.spans[span_id]
            return
        if state.spans.get(span_id) is not span:
            del clashes[span.trace.trace_id]
        else:
            trace_id = next(iter(clashes))
            state.spans[span_id] = clashes.pop(trace_id)
        if not clashes:
            del state.clashing[span_id]
