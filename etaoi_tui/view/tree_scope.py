"""Which spans stand in one trace's tree, and from when to when it goes.

A tree follows parent links across traces, because a voice turn is a trace of its own under its session.
"""

from __future__ import annotations

from collections.abc import Iterable

from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.view.depth_first import root_of


class TreeScope:
    """The spans of one trace, and those of others that hang below them."""

    def __init__(self) -> None:
        self.trace: Trace | None = None
        self._hung_until = 0.0

    def measure(self) -> None:
        """Find anew until when what hangs here lasts."""
        trace = self.trace
        if trace is not None:
            self._hung_until = max(
                (t.ended_at for t in trace.session.traces if not t.roots and self._hangs_here(t)), default=0.0
            )

    def extent(self) -> tuple[float, float]:
        """Return the first and the last moment of the tree, in seconds since the epoch."""
        trace = self.trace
        if trace is None:
            return 0.0, 1.0
        return trace.started_at, max(trace.ended_at, self._hung_until)

    def grow(self, changes: Changes) -> None:
        """Take in that other traces which hang here last longer."""
        mine = self.trace
        for trace in changes.traces:
            if trace is not mine and not trace.roots and trace.ended_at > self._hung_until:
                if mine is not None and trace.session is mine.session and self._hangs_here(trace):
                    self._hung_until = trace.ended_at

    def concerns(self, trace: Trace) -> bool:
        """Whether a trace is this one, or of its session."""
        mine = self.trace
        if mine is None:
            return False
        return trace is mine or trace.session is mine.session

    def spans_inside(self, spans: Iterable[Span], in_this_tree: dict[Span, bool]) -> list[Span]:
        """Return the spans that stand in this tree."""
        trace = self.trace
        mine = []
        for span in spans:
            parent = span.parent
            if parent is None:
                inside = span.trace is trace
            elif parent in in_this_tree:
                inside = in_this_tree[parent]
            else:
                inside = self._is_mine(parent, in_this_tree)
            if inside:
                mine.append(span)
        return mine

    def _hangs_here(self, trace: Trace) -> bool:
        return bool(trace.spans) and root_of(trace.spans[0]).trace is self.trace

    def _is_mine(self, span: Span, in_this_tree: dict[Span, bool]) -> bool:
        """Whether a span stands in this tree; every ancestor is looked at once, however deep it is."""
        way: list[Span] = []
        while (inside := in_this_tree.get(span)) is None:
            way.append(span)
            if span.parent is None:
                inside = span.trace is self.trace
                break
            span = span.parent
        for step in way:
            in_this_tree[step] = inside
        return inside
