"""Keeps the newest row of a span tree in view, and counts what came below while it does not."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_tui.view.activity import Activity, newest_answer
from etaoi_tui.view.selection import Selection
from etaoi_tui.widgets.tree_cursor import TreeCursor

_HOOK = int(SpanFlag.PROBE)


class FollowingCursor(TreeCursor):
    """A cursor that goes along with what arrives, until the person takes it elsewhere."""

    def __init__(self, selection: Selection, *, id: str | None = None) -> None:
        """Make a cursor without a trace.

        Args:
            selection: Its span is the cursor.
            id: Textual id.
        """
        super().__init__(selection, id=id)
        self.following = False
        self.is_live = False
        """Rows come as they happen; those of a recording that is being read are not news."""
        self.new_below = 0
        """Rows that came below the viewport since it last stood at the end."""
        self.activity: Activity | None = None
        """Knows what runs; without it the newest row is followed."""

    def follow(self, following: bool) -> None:
        """Begin or stop to keep the newest row in view."""
        self.following = following
        if following:
            self.new_below = 0
            self.follow_newest()
        self.refresh()

    def follow_newest(self) -> None:
        """Put the cursor on what runs: a call that streams, what has been open longest, the newest answer."""
        trace = self.rows.trace
        if trace is None or not len(self.rows):
            return
        newest = self._newest_shown(trace)
        if newest is None:
            return
        row = self.rows.nearest(newest)
        if row is not None and self.rows.spans[row] is not self.cursor:
            previous_row = self.cursor_row
            self.cursor_hint = row
            self.put_cursor(self.rows.spans[row])
            self.scroll_to_row(row)
            self.refresh_rows([r for r in (previous_row, row) if r is not None])

    def _newest_shown(self, trace: Trace) -> Span | None:
        focus = self.activity.focus(trace, self.cursor) if self.activity is not None else None
        if focus is not None and self.rows.nearest(focus) is not None:
            return focus
        last = self.rows.spans[-1]
        newest = newest_answer(trace)
        if newest is None or self.rows.index(newest) is None:
            newest = next((one for one in reversed(trace.spans[-64:]) if self._is_shown(one)), None)
        if newest is None or (last.trace is not trace and last.number > newest.number):
            return last
        return newest

    def _is_shown(self, span: Span) -> bool:
        return not span.flags & _HOOK and self.rows.index(span) is not None

    def scrolled_by_hand(self, rows: int) -> None:
        """Scrolling up lets go of the newest row."""
        if rows < 0 and self.following:
            self.follow(False)
        if self.at_end:
            self.new_below = 0

    def badge(self) -> str:
        """Say how many rows came below the viewport, and which key goes there."""
        return f"▼ {self.new_below:,} new · f" if self.new_below else ""
