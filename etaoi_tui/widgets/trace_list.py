"""The list of traces: what ran, how it went, and what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import ClassVar

from rich.cells import cell_len

from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Changes, Status, Trace
from etaoi_tui.text import fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import SPINNER, STATUS_GLYPHS, STATUS_STYLES
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.view.trace_rows import TraceRows
from etaoi_tui.widgets.row_view import Piece, RowView
from etaoi_tui.widgets.styles import StyleTable

_FLOOD = 8
"""New traces in one tick that are a flood: more than an eye could follow."""

_HOLD_BACK = 3
"""Ticks of a flood that are not drawn before one is."""


class TraceList(RowView):
    """Two lines a trace, the newest on top; the cursor is a trace and stays with it."""

    BINDING_GROUP_TITLE = "Traces"
    HELP = """\
Every run that arrived, newest first: its state, name and duration, and below it what it was asked. A number
behind ✗ counts failed spans.
"""
    ROW_HEIGHT = 2
    HEADER_HEIGHT = 1
    LOOKS: ClassVar[StyleTable] = {
        **RowView.LOOKS,
        "trace-list--header": "color: $quiet; background: $surface; text-style: bold",
        "trace-list--name": "color: $ink; text-style: bold",
        "trace-list--muted": "color: $quiet",
        "trace-list--running": "color: $running; text-style: bold",
        "trace-list--ok": "color: $quiet",
        "trace-list--error": "color: $failure; text-style: bold",
        "trace-list--warning": "color: $attention",
    }

    def __init__(
        self,
        selection: Selection,
        rows: TraceRows,
        summaries: Summaries,
        now: Callable[[Trace], float],
        *,
        id: str | None = None,
    ) -> None:
        """Make a list.

        Args:
            selection: Its trace is the cursor.
            rows: The traces to show.
            summaries: Tells what a trace was asked.
            now: The present for a trace, in seconds since the epoch.
            id: Textual id.
        """
        super().__init__(id=id)
        self.rows = rows
        self.selection = selection
        selection.watch(self._selection_changed)
        self.frame = 0
        self.note = ""
        """Said in the header: what left memory."""
        self._summaries = summaries
        self._now = now
        self._newest = -1
        self._held_back = 0

    def apply(self, changes: Changes) -> None:
        """Take in a tick's changes; the row under the cursor stays on its line."""
        row = self.cursor_row
        line = None if row is None else row - self.top
        if self.rows.apply(changes):
            row = self.cursor_row
            if row is not None and line is not None and self.top:
                self.top = max(0, row - line)
            self.keep_in_range()
            self._draw_news()
            return
        if self._held_back:
            self._draw_all()
            return
        shown = self.shown_rows()
        self.refresh_rows([row for row in shown if self.rows.at(row) in changes.traces])

    def _draw_news(self) -> None:
        """Draw the list with its new rows, but in a flood only now and then: nobody could read more."""
        newest = self.rows.at(0).number if len(self.rows) else -1
        came, self._newest = newest - self._newest, newest
        if came > _FLOOD and self._held_back < _HOLD_BACK:
            self._held_back += 1
        else:
            self._draw_all()

    def _draw_all(self) -> None:
        self._held_back = 0
        self.refresh()

    def refresh_rows(self, rows: Iterable[int]) -> None:
        """Draw some rows again; all of them while others stand on the screen than are listed."""
        if self._held_back:
            self._draw_all()
        else:
            super().refresh_rows(rows)

    def animate_running(self, frame: int) -> None:
        """Draw the next picture of traces that run."""
        self.frame = frame
        if not self._held_back:
            self.refresh_rows([r for r in self.shown_rows() if self.rows.at(r).status is Status.RUNNING])

    def clear(self) -> None:
        """List only what comes from now on."""
        self.rows.clear()
        self.refresh()

    @property
    def cursor(self) -> Trace | None:
        """The trace under the cursor."""
        return self.selection.trace

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace and change.by is not self:
            row = self.cursor_row
            if row is not None:
                self.scroll_to_row(row)
            self.refresh()

    @property
    def row_count(self) -> int:
        """How many traces are listed."""
        return len(self.rows)

    @property
    def cursor_row(self) -> int | None:
        """The row of the trace under the cursor."""
        return None if self.cursor is None else self.rows.row(self.cursor)

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row."""
        self.selection.show(self.rows.at(row), by=self)

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw the list's title."""
        count = f"{len(self.rows):,} " if self.rows.traces else ""
        note = f"{self.note} " if self.note else ""
        left = " TRACES"
        right = note + count
        return [(fit(left, max(width - cell_len(right), 0)) + right, "trace-list--header")]

    def row_key(self, row: int, line: int) -> Hashable | None:
        """A trace looks the same until something of it arrives; one that runs never does.

        A call's words may come with other traces, so calls are always drawn.
        """
        trace = self.rows.at(row)
        status = trace.status
        if status is Status.RUNNING or (
            line == 1 and any(r.kind == "voice_session" for r in trace.roots[:4])
        ):
            return None
        return (
            trace.number,
            line,
            trace.events,
            trace.only_infrastructure,
            status,
            len(trace.roots),
            trace.ended_at,
        )

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a trace."""
        trace = self.rows.at(row)
        if line == 1:
            words = one_line(self._summaries.of_trace(trace), max(width - 4, 1))
            style = "warning" if trace.status is Status.PAUSED else "muted"
            return [("   " + words, f"trace-list--{style}")]
        status = trace.status
        glyph = SPINNER[self.frame % 4] if status is Status.RUNNING else STATUS_GLYPHS[status]
        facts = fmt.trace_duration(trace, self._now(trace)).rjust(fmt.DURATION_CELLS)
        failed = f" ✗{trace.errors}" if trace.errors else ""
        name_look = "trace-list--muted" if trace.only_infrastructure else "trace-list--name"
        room = width - 3 - len(facts) - len(failed) - 2
        return [
            (f" {glyph} ", f"trace-list--{STATUS_STYLES[status]}"),
            (fit(one_line(title(trace), max(room, 1)), max(room, 1)), name_look),
            (failed, "trace-list--error"),
            (" " + facts + " ", "trace-list--muted"),
        ]

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Say that there is nothing yet."""
        return [("   none yet", "trace-list--muted")] if line == 1 else []
