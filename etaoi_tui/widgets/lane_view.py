"""The lanes of a voice call as they are drawn: one row a turn, live."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from textual.geometry import Region

from etaoi_collector.store.model import Changes, Trace
from etaoi_tui.view.voice.lane_scale import HEADER_LINES, LaneScale
from etaoi_tui.view.voice.thresholds import Thresholds
from etaoi_tui.widgets import voice_lane_style
from etaoi_tui.widgets.row_view import Piece, RowView

if TYPE_CHECKING:
    from etaoi_tui.view.voice.call_model import VoiceCall
    from etaoi_tui.view.voice.lane_cursor import LaneCursor
    from etaoi_tui.view.voice.lane_drawing import LaneDrawing
    from etaoi_tui.view.voice.rows import LaneRows
    from etaoi_tui.view.voice.turn_group import Group

_WORK_SECONDS = 0.006
"""Seconds a tick may fold turns that are not on the screen, while a call is live."""
_WORK_LOADING = 0.03
"""The same while the statistics of a finished call are still being made."""


class LaneView(RowView):
    """Draws the turns of a `VoiceCall`, and keeps its place while more come."""

    HEADER_HEIGHT = HEADER_LINES
    LOOKS = voice_lane_style.LOOKS

    def __init__(self, now: Callable[[Trace], float], thresholds: Thresholds, *, id: str | None) -> None:
        """Make lanes without a call.

        Args:
            now: The present for a trace, in seconds since the epoch.
            thresholds: What counts as slow.
            id: Textual id.
        """
        super().__init__(id=id)
        self.call: VoiceCall | None = None
        self.trace: Trace | None = None
        """The trace that the call is shown for."""
        self.rows: LaneRows | None = None
        self.scale = LaneScale.GAP
        self._cursor: LaneCursor | None = None
        self._drawing: LaneDrawing | None = None
        self.is_live = False
        self._now = now
        self._thresholds = thresholds
        self._new_below = 0
        self._title_drawn: list[Piece] = []

    def show_call(self, call: VoiceCall | None, trace: Trace | None) -> None:
        """Show another call from its first turn."""
        if call is self.call and call is not None:
            self.trace = trace
            return
        self.call, self.trace = call, trace
        self.rows = self._cursor = self._drawing = None
        if call is not None:
            from etaoi_tui.view.voice.lane_cursor import LaneCursor  # not needed for the first screen
            from etaoi_tui.view.voice.lane_drawing import LaneDrawing
            from etaoi_tui.view.voice.rows import LaneRows

            self.rows = rows = LaneRows(call)
            self._cursor = LaneCursor(rows)
            self._drawing = LaneDrawing(call, rows, self._thresholds, self.scale)
        self.top = 0
        self._new_below = 0
        self._strips.clear()
        self._fit_window()
        self.refresh()

    def apply(self, changes: Changes) -> None:
        """Take in a tick's changes and draw what they touch."""
        call, rows = self.call, self.rows
        if call is None or rows is None:
            return
        count, version = len(rows), call.version
        anchor = self._anchor()
        changed = call.apply(changes)
        busy = bool(call.unfolded)
        if busy:
            self._fold_shown()
            call.work(_WORK_SECONDS if self.is_live else _WORK_LOADING, self._present())
        if not changed and not busy and call.version == version:
            return
        was_at_end = self.top >= count - self.rows_shown
        rows.refresh()
        self._restore(anchor)
        grown = len(rows) - count
        if grown > 0 and self.is_live and not was_at_end:
            self._new_below += grown
        if self.at_end:
            self._new_below = 0
        self._fit_window()
        self.refresh()

    def animate_running(self, frame: int) -> None:
        """Draw turns that run again: their silence grows."""
        drawing, rows = self._drawing, self.rows
        if drawing is None or rows is None:
            return
        drawing.frame = frame
        if not self.display:
            return
        running = [
            row for row in self.shown_rows() if (turn := rows.at(row)[0].turn) is not None and turn.running
        ]
        if running:
            self._fit_window()
            self.refresh_rows(running)
        width = self.size.width
        if (
            self.is_live and self._draw_title(drawing, width - 1) != self._title_drawn
        ):  # one is the scroll bar's
            self.refresh(Region(0, 0, width, 1))

    def next_scale(self) -> LaneScale:
        """Go on to the next meaning of the time axis, and return it."""
        order = list(LaneScale)
        self.scale = order[(order.index(self.scale) + 1) % len(order)]
        if self._drawing is not None:
            self._drawing.scale = self.scale
        self._fit_window()
        self.refresh()
        return self.scale

    # RowView

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows) if self.rows is not None else 0

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor."""
        return self._cursor.row if self._cursor is not None else None

    def badge(self) -> str:
        """Say how many rows came below the viewport."""
        if self.at_end:
            self._new_below = 0
        return f"▼ {self._new_below:,} new" if self._new_below else ""

    def scrolled_by_hand(self, rows: int) -> None:
        """At the end nothing is new any more."""
        if self.at_end:
            self._new_below = 0

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Say that there is nothing yet."""
        return [("  The call has begun. Nobody has spoken yet.", "voice-lanes--muted")] if line == 1 else []

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw who is there, the figures of the call, what the shapes mean, and the axis."""
        if self._drawing is None:
            return [(" " * width, "voice-lanes--header")]
        if line == 0:
            self._title_drawn = self._draw_title(self._drawing, width)
            return self._title_drawn
        return self._drawing.header(line, width)

    def row_key(self, row: int, line: int) -> Hashable | None:
        """Name all that a row looks like."""
        return self._drawing.key(row, self._present()) if self._drawing is not None else None

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a turn, or a line of one."""
        return self._drawing.row(row, width, self._present()) if self._drawing is not None else []

    # inner steps

    def _present(self) -> float:
        return self._now(self.trace) if self.trace is not None else 0.0

    def _draw_title(self, drawing: LaneDrawing, width: int) -> list[Piece]:
        roots = self.trace.roots[:4] if self.trace is not None else []
        name = next((one.name for one in roots if one.kind == "voice_session" and one.name), "voice call")
        return drawing.title(width, name, self._present(), live=self.is_live)

    def _fold_shown(self) -> None:
        """See to the turns on the screen first."""
        if self.rows is None or self.call is None:
            return
        present = self._present()
        for row in self.shown_rows():
            if row < len(self.rows):
                self.call.turn(self.rows.at(row)[0], present)

    def _fit_window(self) -> None:
        """Choose what the axis spans."""
        if self._drawing is not None:
            newest_at = self.trace.session.newest_at if self.trace is not None else 0.0
            self._drawing.fit(self._present(), newest_at)

    def _anchor(self) -> tuple[Group, int, int] | None:
        row = self.cursor_row
        if row is None or row not in self.shown_rows():
            row = self.top
        if self.rows is None or row >= len(self.rows):
            return None
        group, line = self.rows.at(row)
        return group, line, row - self.top

    def _restore(self, anchor: tuple[Group, int, int] | None) -> None:
        """Keep what the reader looks at where it is, whatever came above."""
        if anchor is not None and self.rows is not None:
            group, line, y = anchor
            row = self.rows.row(group, line)
            if row is not None:
                self.top = max(0, row - y)
        if self._cursor is not None:
            self._cursor.keep()
        self.keep_in_range()

    def on_resize(self) -> None:
        """Fit the axis to the new width; what was drawn before this is known has the old one."""
        self._fit_window()
        self.refresh()
        super().on_resize()
