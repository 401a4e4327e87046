"""The tree of one trace with its waterfall: a row per span, drawn as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from textual.geometry import Region

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store.model import Changes, Span, SpanFlag, Status, Trace
from etaoi_tui.view.column import load_plugins
from etaoi_tui.view.middleware.folded_hooks import call_shown_for
from etaoi_tui.view.middleware.row_groups import head_beside
from etaoi_tui.view.noise import wrapper_name
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.search import TraceSearch
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.view.timeline import Axis
from etaoi_tui.widgets import span_tree_style
from etaoi_tui.widgets.following_cursor import FollowingCursor
from etaoi_tui.widgets.row_view import Piece
from etaoi_tui.widgets.span_painter import DEEPEST_INDENT, SpanPainter

_INTERNAL = int(SpanFlag.INTERNAL)
_PROBE = int(SpanFlag.PROBE)

_ROOTS_MEASURED = 64
"""Roots of a lost run whose ends the time axis reaches."""

_TOLD_BY_CHILDREN = ("sub_agent", "voice_turn", "voice_session")
"""Kinds whose rows say what spans below them were told."""


class SpanTree(FollowingCursor):
    """Shows a `TreeRows`; the cursor is a span, its row number follows from it."""

    BINDING_GROUP_TITLE = "Span tree"
    HELP = """\
One row per span: its state, how long it took, tokens in→out, the tree, and a bar on the time axis that all
rows share. Rows appear when spans start, and grow while they run. A framework's inner steps are folded away;
x shows them.
"""
    HEADER_HEIGHT = 1
    LOOKS = span_tree_style.LOOKS

    def __init__(
        self,
        selection: Selection,
        summaries: Summaries,
        now: Callable[[Trace], float],
        snapshots: Callable[[Trace], list[Span]],
        *,
        totals: Totals | None = None,
        id: str | None = None,
    ) -> None:
        """Make a tree without a trace.

        Args:
            selection: Whose trace it shows; its span is the cursor.
            summaries: Where the words behind a name come from.
            now: The present for a trace, in seconds since the epoch.
            snapshots: Finds the agent snapshots that stand above a trace's roots.
            totals: What spans took, kept up to date by whoever made it.
            id: Textual id.
        """
        super().__init__(selection, id=id)
        selection.watch(self._selection_changed)
        self.painter = SpanPainter(self.rows, summaries, now, totals)
        self._now = now
        self._snapshots = snapshots
        self._snapshot_ids: tuple[str, ...] = ()

    @property
    def search(self) -> TraceSearch | None:
        """The search whose hits are lit."""
        return self.painter.search

    @search.setter
    def search(self, search: TraceSearch | None) -> None:
        self.painter.search = search

    def on_mount(self) -> None:
        """Look for columns of third parties once the first rows are drawn."""
        self.call_after_refresh(lambda: self.run_worker(self._load_columns(), "columns", exit_on_error=False))

    async def _load_columns(self) -> None:
        plugins = await asyncio.to_thread(load_plugins)
        if plugins:
            self.painter.columns.add(plugins)
            self._update_axis()
            self.refresh()

    # what is selected

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace:
            if change.by_hand:
                self.following = False
            self._show_trace(self.selection.trace)
        elif change.by is not self and self.selection.span is not None:
            self.show_cursor(self.selection.span)

    def _show_trace(self, trace: Trace | None) -> None:
        """Show another trace from its top, or from its newest row while following."""
        self._snapshot_ids = trace.context_ids if trace is not None else ()
        context = self._snapshots(trace) if trace is not None else []
        self.rows.show(trace, context=context)
        self.fold_to_fit()
        self.top = 0
        self.new_below = 0
        self.search = None
        if len(self.rows):
            first = next((row for row, span in enumerate(self.rows.spans) if span not in context), 0)
            self.put_cursor(self.rows.spans[first])
        if self.following:
            self.follow_newest()
        self._update_axis()
        self.refresh()

    # what arrives

    def apply(self, changes: Changes) -> None:
        """Take in a tick's changes and draw what they touch."""
        trace = self.rows.trace
        if trace is None:
            return
        anchor = self.cursor_anchor()
        count = len(self.rows)
        rebuilt = self.rows.apply(changes)
        if self.search is not None:
            self.search.apply(changes)
        grown = len(self.rows) - count
        if rebuilt or grown:
            if self.cursor is None and len(self.rows):
                self.put_cursor(self.rows.spans[0])
            was_at_end = self.top >= count - self.rows_shown
            moved = self.restore_anchor(anchor)
            if grown > 0 and self.is_live and not self.following and not self.at_end and not was_at_end:
                self.new_below += grown
            if self.following:
                self.follow_newest()
            if rebuilt or moved or self._row_changes_in_view(changes):
                self.refresh()
            else:
                self.refresh(self._bar_region())
        elif self.following and trace in changes.traces:
            self.follow_newest()
        if self._update_axis():
            self.refresh()
        else:
            self._refresh_changed(changes)
        if self.at_end:
            self.new_below = 0
        if trace.context_ids != self._snapshot_ids:
            self._load_snapshots(trace)

    def _load_snapshots(self, trace: Trace) -> None:
        """An agent's snapshot came to be known after the trace was shown: put it on top."""
        self._snapshot_ids = trace.context_ids
        self.rows.context = self._snapshots(trace)
        self.rows.rebuild()
        self.rows_changed()

    def animate_running(self, frame: int) -> None:
        """Draw the next picture of rows that run; their bars and durations grow with it."""
        self.painter.frame = frame
        if self._update_axis():
            self.refresh()
            return
        spans = self.rows.spans
        running = [row for row in self.shown_rows() if spans[row].status is Status.RUNNING]
        self.refresh_rows(running)
        if self.rows.trace is not None and self.rows.trace.status is Status.RUNNING:
            self.refresh(Region(0, 0, self.size.width, 1))

    def show_mark(self, call: Span | None) -> None:
        """Put the sign of the marked call on a row, or take it away."""
        self.painter.marked = call
        self.refresh()

    # RowView

    def clicked(self, row: int, x: int, line: int) -> bool:
        """A click on a triangle folds."""
        span = self.rows.spans[row]
        left_cells = self.painter.columns.layout(self.size.width - 1).left_cells
        depth = min(self.rows.depths[row], DEEPEST_INDENT)
        at = left_cells + depth * 2
        if at <= x <= at + 1 and self.rows.unfolds(span):
            self.move_to(row)
            self.toggle()
            return True
        return False

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw the trace's sums and the axis."""
        return self.painter.draw_header(width)

    def row_key(self, row: int, line: int) -> Hashable | None:
        """A row looks the same until its span changes; one that runs never does."""
        span = self.rows.spans[row]
        status = span.status
        if status is Status.RUNNING:
            return None
        searching = self.search
        return (
            span.number,
            span.version,
            status,
            self.rows.depths[row],
            self.rows.version if self._tells_of_below(span) else span.children is not None,
            self.painter.axis,
            None if searching is None else span in searching and searching.text,
            span is self.painter.marked,
            self.rows.show_internal or wrapper_name(span),
            self.painter.depends_on(span, self.size.width - 1),
            self.painter.effect_of_hooks(span),
        )

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a span."""
        return self.painter.draw(self.rows.spans[row], self.rows.depths[row], width)

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Say that there is nothing yet."""
        text = "No spans yet." if self.is_live else "This recording holds no spans so far."
        return [(f"  {text}", "span-tree--muted")] if line == 1 else []

    # inner steps

    def _update_axis(self) -> bool:
        """Fit the axis to the trace; True when every bar has to move."""
        trace = self.rows.trace
        if trace is None:
            return False
        bar_width = self.painter.columns.layout(self.size.width - 1).bars
        start, end = self.rows.extent()
        if trace.running and not trace.session.is_gone:
            now = self._now(trace)
            axis = Axis.growing(start, max(now, end), bar_width)
        else:
            if trace.running:
                # What was lost goes on until its agent was last seen, which may be after its last event.
                now = self._now(trace)
                ends = (
                    root.started_at + (root.duration(now) or 0.0) for root in trace.roots[:_ROOTS_MEASURED]
                )
                end = max(end, *ends, end)
            axis = Axis.over(start, end, bar_width)
        if axis == self.painter.axis:
            return False
        self.painter.axis = axis
        return True

    def _row_changes_in_view(self, changes: Changes) -> bool:
        """Whether any new row stands inside the viewport."""
        last = self.top + self.rows_shown
        if len(self.rows) <= last + 1 or len(changes.added) > 50:
            return True
        for span in changes.added:
            row = self.rows.index(span)
            if row is not None and row <= last:
                return True
        return False

    def _tells_of_below(self, span: Span) -> bool:
        """Whether a row shows something of the spans below its own: their number, words, tokens."""
        if span.flags & _PROBE:
            return True
        children = span.children
        if children is None:
            return False
        if span.kind in _TOLD_BY_CHILDREN or span.parent is None or self.rows.folded(span):
            return True
        return bool((children[0].flags | children[-1].flags) & (_INTERNAL | _PROBE))

    def _refresh_changed(self, changes: Changes) -> None:
        visible_rows = self.shown_rows()
        spans = self.rows.spans
        changed = changes.changed
        above: set[Span] = set()
        calls: set[Span | None] = set()
        for span in self.rows.touched:
            head = head_beside(span)
            if head is not None:
                above.add(head)
                calls.add(call_shown_for(head))
            parent = span.parent
            while parent is not None and parent not in above:
                above.add(parent)
                parent = parent.parent
        self.refresh_rows(
            [
                row
                for row in visible_rows
                if spans[row] in changed
                or spans[row] in calls
                or (spans[row] in above and self._tells_of_below(spans[row]))
            ]
        )
        if self.rows.trace in changes.traces:
            self.refresh(Region(0, 0, self.size.width, 1))

    def _bar_region(self) -> Region:
        return Region(self.size.width - 1, 0, 1, self.size.height)

    def on_resize(self) -> None:
        """Fit the axis to the new width; what was drawn before this is known has bars of the old one."""
        if self._update_axis():
            self.refresh()
        super().on_resize()
