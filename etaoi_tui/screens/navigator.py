"""Going to a span or a run, and back to where the person was before."""

from __future__ import annotations

from etaoi_collector.store.model import Span, Trace
from etaoi_tui.view.error_navigation import ErrorWalk
from etaoi_tui.view.jumps import JumpHistory, JumpTarget
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.trace_list import TraceList


class Navigator:
    """Moves the selection across runs, and remembers what each jump left."""

    def __init__(self, selection: Selection, tree: SpanTree, runs: TraceList) -> None:
        """Watch a selection.

        Args:
            selection: What is moved.
            tree: Shows the run.
            runs: Steps through it, one after the other, are one jump.
        """
        self.jumps = JumpHistory()
        self.errors = ErrorWalk()
        self._selection = selection
        self._tree = tree
        self._runs = runs
        self._here: JumpTarget | None = None
        selection.watch(self._selection_changed)

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace and change.by is self._runs and self._here is not None:
            self.jumps.leave(self._here, self._runs)
        trace = self._selection.trace
        self._here = None if trace is None else JumpTarget(trace, self._selection.span)

    def leave(self) -> None:
        """Remember where the person is, before a jump."""
        if self._here is not None:
            self.jumps.leave(self._here)

    def go_to_run(self, trace: Trace) -> None:
        """Show a run from its beginning."""
        if trace is not self._selection.trace:
            self.leave()
            self._tree.follow(False)
            self._selection.show(trace)

    def go_to_span(self, span: Span) -> None:
        """Show a span, in whichever run it is."""
        root = span
        while root.parent is not None:
            root = root.parent
        if span is not self._selection.span:
            self.leave()
        if root.trace is not self._selection.trace and span not in self._tree.rows.context:
            self._selection.show(root.trace)
        self._tree.select(span)

    def go_back(self, *, forward: bool) -> bool:
        """Go to where the person was before the last jump, or forward again; False when there is no place."""
        target = self.jumps.forward(self._here) if forward else self.jumps.back(self._here)
        if target is None:
            return False
        if target.trace is not self._selection.trace:
            self._selection.show(target.trace)
        if target.span is not None:
            self._tree.select(target.span)
        return True
