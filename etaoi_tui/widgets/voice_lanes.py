"""A voice call as lanes: one row a turn, the silence in it taken apart, live."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from rich.cells import cell_len
from textual.geometry import Region

from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.view.voice import labels as texts
from etaoi_tui.view.voice import lane as lanes
from etaoi_tui.view.voice.call_model import Group, VoiceCall
from etaoi_tui.view.voice.lane import LaneScale
from etaoi_tui.view.voice.lane_pieces import lane_pieces, mark_cells, runs
from etaoi_tui.view.voice.lane_window import lane_window
from etaoi_tui.view.voice.linked_runs import parts_of
from etaoi_tui.view.voice.model import Kind, Turn
from etaoi_tui.view.voice.rows import LaneRows
from etaoi_tui.view.voice.thresholds import Thresholds
from etaoi_tui.widgets import voice_lane_style
from etaoi_tui.widgets.row_view import Piece, RowView

_WORK_SECONDS = 0.006
"""Seconds a tick may fold turns that are not on the screen, while a call is live."""
_WORK_LOADING = 0.03
"""The same while the statistics of a finished call are still being made."""


class VoiceLanes(RowView):
    """Shows the turns of a `VoiceCall`; the cursor is a turn, or a line of one that is open."""

    BINDING_GROUP_TITLE = "Voice lanes"
    HELP = """\
One row per turn: its number, the silence that the caller heard (~ where a time is derived, not measured),
what was said, and the lane. Sound is high (▒ user, █ agent), silence rises in steps towards the answer:
▁ transcript, ▂ end of turn, ▃ your own code, ▄ model until its first token, ▖ model after it, ▅ tool,
▆ voice, ▇ playout. ╳ is silence that no component explains. △ is slow, ▲ too slow; the limits are yours:
[voice.thresholds] in the configuration. ↯ is an interruption, ↝ a false one, ✗ an error, ⇢ a handoff.
Turns stand aligned where the user stops speaking; X shows each from its beginning, or the whole call.
Open a turn to see its stages; w goes to the worst turn, v to the same moment in the span tree.
"""
    HEADER_HEIGHT = 4
    LOOKS = voice_lane_style.LOOKS

    def __init__(
        self,
        selection: Selection,
        now: Callable[[Trace], float],
        thresholds: Thresholds,
        *,
        id: str | None = None,
    ) -> None:
        """Make lanes without a call.

        Args:
            selection: Its turn, or its span's, is the cursor.
            now: The present for a trace, in seconds since the epoch.
            thresholds: What counts as slow.
            id: Textual id.
        """
        super().__init__(id=id)
        self.selection = selection
        selection.watch(self._selection_changed)
        self.call: VoiceCall | None = None
        self.trace: Trace | None = None
        """The trace that the call is shown for."""
        self.rows: LaneRows | None = None
        self.scale = LaneScale.GAP
        self.frame = 0
        self.is_live = False
        self._now = now
        self._thresholds = thresholds
        self._group: Group | None = None
        self._line = -1
        self._window = (0.0, 1.0)
        self._new_below = 0
        self._title_drawn: list[Piece] = []

    # what is selected

    def _selection_changed(self, change: SelectionChange) -> None:
        span = self.selection.span
        if change.trace or change.by is self or span is None:
            return
        if span is not self.span_at_cursor:
            if change.by_hand:
                self.open_at(span)
            else:
                self.show_span(span)
        self.selection.complete(self._group if self._line < 0 else None)

    def _select(self) -> None:
        """Select what the row under the cursor is about; the call as a whole if nothing is."""
        whole = self._group if self._line < 0 else None
        span = self.span_at_cursor
        if span is None and self.trace is not None:
            span = next((root for root in self.trace.roots[:8] if root.kind == "voice_session"), None)
        if span is not None:
            self.selection.select(span, turn=whole, by=self)

    # what the screen says

    def show_call(self, call: VoiceCall | None, trace: Trace | None) -> None:
        """Show another call from its first turn."""
        if call is self.call and call is not None:
            self.trace = trace
            return
        self.call, self.trace = call, trace
        self.rows = LaneRows(call) if call is not None else None
        self.top = 0
        self._new_below = 0
        self._group = None
        self._line = -1
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
        self.frame = frame
        call = self.call
        if call is None or not self.display:
            return
        groups = call.groups
        running = [
            row
            for row in self.shown_rows()
            if (turn := self._at(row)[0].turn) is not None and (turn.running or not groups)
        ]
        if running:
            self._fit_window()
            self.refresh_rows(running)
        if self.is_live and self._title_pieces(self.size.width) != self._title_drawn:
            self.refresh(Region(0, 0, self.size.width, 1))

    def show_span(self, span: Span) -> bool:
        """Put the cursor on the turn of a span, or on its stage where the turn is open."""
        call, rows = self.call, self.rows
        if call is None or rows is None:
            return False
        group = call.group_of(span)
        if group is None:
            return False
        line = rows.line_of(group, span) if rows.is_open(group) else -1
        row = rows.row(group, line)
        if row is None:
            return False
        before = self.cursor_row
        self._group, self._line = group, line
        self.scroll_to_row(row, center=True)
        self.refresh_rows([one for one in (before, row) if one is not None])
        return True

    def open_at(self, span: Span) -> None:
        """Put the cursor on a span, opening its turn when it is one of the turn's stages."""
        call, rows = self.call, self.rows
        if call is None or rows is None:
            return
        group = call.group_of(span)
        if group is not None and span not in group.leaders and not rows.is_open(group):
            call.turn(group, self._present())
            if rows.line_of(group, span) >= 0:
                rows.set_open(group, True)
                self.refresh()
        self.show_span(span)

    @property
    def turn_at_cursor(self) -> Turn | None:
        """The turn under the cursor."""
        return self._turn(self._group) if self._group is not None else None

    @property
    def on_turn(self) -> bool:
        """Whether the cursor stands on a turn itself, and not on one of its stages."""
        return self._line < 0

    @property
    def span_at_cursor(self) -> Span | None:
        """The span that the row under the cursor is about."""
        group, rows = self._group, self.rows
        if group is None or rows is None:
            return None
        lines = rows.lines(group)
        if 0 <= self._line < len(lines):
            stage = lines[self._line].stage
            if stage is not None and stage.spans:
                return stage.spans[0]
        return group.leaders[0] if group.leaders else None

    @property
    def run_at_cursor(self) -> Span | None:
        """The run of another agent under the cursor, if that is what stands there."""
        group, rows = self._group, self.rows
        lines = rows.lines(group) if group is not None and rows is not None else []
        return lines[self._line].run if 0 <= self._line < len(lines) else None

    def next_scale(self) -> LaneScale:
        """Go on to the next meaning of the time axis, and return it."""
        order = list(LaneScale)
        self.scale = order[(order.index(self.scale) + 1) % len(order)]
        self._fit_window()
        self.refresh()
        return self.scale

    def go_to_worst(self) -> bool:
        """Put the cursor on the turn with the longest heard gap; False when no turn has one."""
        call, rows = self.call, self.rows
        if call is None or rows is None:
            return False
        call.work(1.0, self._present())
        worst = call.worst()
        row = rows.row(worst) if worst is not None else None
        if row is None:
            return False
        self.move_to(row, center=True)
        return True

    # folding

    def toggle(self) -> None:
        """Open or close the turn under the cursor."""
        if self._group is not None and self.rows is not None:
            self._open(self._group, not self.rows.is_open(self._group))

    def unfold_or_child(self) -> None:
        """Open the turn, or go to its first line."""
        if self._group is None or self.rows is None:
            return
        if not self.rows.is_open(self._group):
            self._open(self._group, True)
        elif self._line < 0:
            self.move_by(1)

    def fold_or_parent(self) -> None:
        """Go to the turn, close it, or go on to the call as a whole."""
        group, rows = self._group, self.rows
        if group is None or rows is None:
            return
        if self._line >= 0:
            row = rows.row(group)
            if row is not None:
                self.move_to(row)
        elif rows.is_open(group):
            self._open(group, False)
        else:
            self._group = None
            self.refresh()
            self._select()

    def fold_all(self) -> None:
        """Close every turn."""
        if self.rows is not None:
            self._line = -1
            self.rows.close_all()
            self._after_folding()

    def unfold_all(self) -> None:
        """Open every turn."""
        if self.rows is not None:
            self.rows.open_all()
            self._after_folding()

    def _open(self, group: Group, opened: bool) -> None:
        if self.rows is None:
            return
        self._line = -1
        self.rows.set_open(group, opened)
        self.keep_in_range()
        last = self.rows.row(group, len(self.rows.lines(group)) - 1) if opened else None
        if last is not None:
            self.scroll_to_row(last)
        self._after_folding()
        self._select()

    def _after_folding(self) -> None:
        self.keep_in_range()
        row = self.cursor_row
        if row is not None:
            self.scroll_to_row(row)
        self.refresh()

    # RowView

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows) if self.rows is not None else 0

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor."""
        if self._group is None or self.rows is None:
            return None
        return self.rows.row(self._group, self._line)

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row."""
        self._group, self._line = self._at(row)
        self._select()

    def badge(self) -> str:
        """Say how many rows came below the viewport."""
        if self.at_end:
            self._new_below = 0
        return f"▼ {self._new_below:,} new" if self._new_below else ""

    def scrolled_by_hand(self, rows: int) -> None:
        """At the end nothing is new any more."""
        if self.at_end:
            self._new_below = 0

    def clicked(self, row: int, x: int, line: int) -> bool:
        """A click on a triangle opens or closes a turn."""
        group, at = self._at(row)
        if at < 0 and x <= 2:
            self.move_to(row)
            self._open(group, not (self.rows is not None and self.rows.is_open(group)))
            return True
        return False

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Say that there is nothing yet."""
        return [("  The call has begun. Nobody has spoken yet.", "voice-lanes--muted")] if line == 1 else []

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw who is there, the figures of the call, what the shapes mean, and the axis."""
        call = self.call
        if call is None:
            return [(" " * width, "voice-lanes--header")]
        if line == 0:
            pieces = self._title_drawn = self._title_pieces(width)
        elif line == 1:
            pieces = texts.figure_pieces(call, self._thresholds, width)
        elif line == 2:
            pieces = texts.legend_pieces(width)
        else:
            pieces = self._axis_pieces(width)
        return _filled(pieces, width, "voice-lanes--header")

    def row_key(self, row: int, line: int) -> Hashable | None:
        """A row looks the same until its turn changes; one that runs never does."""
        group, at = self._at(row)
        turn = self._turn(group)
        if turn.running:
            return None
        opened = self.rows is not None and self.rows.is_open(group)
        number = self.call.index(group) if self.call is not None else 0
        return (group.key, group.version, number, at, opened, self.scale, self._window)

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a turn, or a line of one."""
        group, at = self._at(row)
        turn = self._turn(group)
        left, words, lane_width = texts.columns(width)
        lane = lanes.lane_of(turn, self.scale, self._window, lane_width) if lane_width else None
        now = self._present()
        if at < 0:
            number = (self.call.index(group) if self.call is not None else 0) + 1
            opened = self.rows is not None and self.rows.is_open(group)
            pieces = texts.turn_pieces(
                turn, number, now, words, self._thresholds, opened=opened, frame=self.frame
            )
            if lane is not None:
                drawn = lanes.cells(lanes.segments(turn, now), lane)
                pieces += [(" ", ""), *lane_pieces(drawn, turn, lane, now)]
            return pieces
        known = self.rows.lines(group) if self.rows is not None else []
        if at >= len(known):
            return []
        shown = known[at]
        pieces = texts.line_pieces(turn, shown, now, left + words, width, self._thresholds)
        if lane is None or shown.words:
            return pieces
        if shown.stage is not None:
            drawn = lanes.stage_cells(shown.stage, lane, now)
        elif shown.unexplained:
            drawn = lanes.cells(shown.unexplained, lane)
        elif shown.run is not None:
            drawn = lanes.cells(parts_of(shown.run, now), lane)
        elif shown.mark is not None:
            drawn = [Kind.IDLE] * lane.width
            return [*pieces, (" ", ""), *runs(drawn, mark_cells([shown.mark], lane))]
        else:
            return pieces
        return [*pieces, (" ", ""), *runs(drawn)]

    # inner steps

    def _at(self, row: int) -> tuple[Group, int]:
        if self.rows is None:
            raise IndexError(row)
        return self.rows.at(row)

    def _turn(self, group: Group) -> Turn:
        if self.call is None:
            raise LookupError(group.key)
        return self.call.turn(group, self._present())

    def _present(self) -> float:
        return self._now(self.trace) if self.trace is not None else 0.0

    def _title_pieces(self, width: int) -> list[Piece]:
        """Return the first line, which tells how long agent and user have been in their states."""
        if self.call is None:
            return []
        return texts.title_pieces(self.call, self._title(), self._present(), width, live=self.is_live)

    def _title(self) -> str:
        trace = self.trace
        for root in trace.roots[:4] if trace is not None else ():
            if root.kind == "voice_session" and root.name:
                return root.name
        return "voice call"

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
        if self.call is not None and self.call.groups:
            newest_at = self.trace.session.newest_at if self.trace is not None else 0.0
            self._window = lane_window(self.call, self.scale, self._present(), newest_at)

    def _axis_pieces(self, width: int) -> list[Piece]:
        left, words, lane_width = texts.columns(width)
        head = texts.column_heads(left, words)
        if not lane_width:
            return [(head, "voice-lanes--header")]
        first, last = self._window
        if self.scale is LaneScale.CALL:
            first, last = 0.0, last - first
        return [
            (head, "voice-lanes--header"),
            (" ", ""),
            (texts.axis(first, last, lane_width), "voice-lanes--header"),
        ]

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
        if self._group is not None and self.cursor_row is None:
            self._group, self._line = None, -1
        self.keep_in_range()

    def on_resize(self) -> None:
        """Fit the axis to the new width; what was drawn before this is known has the old one."""
        self._fit_window()
        self.refresh()
        super().on_resize()


def _filled(pieces: list[Piece], width: int, look: str) -> list[Piece]:
    used = sum(cell_len(text) for text, _ in pieces)
    return [*pieces, (" " * max(width - used, 0), look)]
