"""A voice call as lanes: one row a turn, the silence in it taken apart, live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.view.voice.thresholds import Thresholds
from etaoi_tui.widgets.lane_view import LaneView

if TYPE_CHECKING:
    from etaoi_tui.view.voice.model import Turn
    from etaoi_tui.view.voice.turn_group import Group


class VoiceLanes(LaneView):
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
        super().__init__(now, thresholds, id=id)
        self.selection = selection
        self._awaited: Span | None = None
        """A span that was selected before the call knew of its turn."""
        selection.watch(self._selection_changed)

    # what is selected

    def _selection_changed(self, change: SelectionChange) -> None:
        span = self.selection.span
        self._awaited = None
        if change.trace or change.by is self or span is None:
            return
        if span is not self.span_at_cursor:
            if change.by_hand:
                self.open_at(span)
            elif not self.show_span(span):
                self._awaited = span
        self.selection.complete(self._whole_turn)

    def apply(self, changes: Changes) -> None:
        """Take in a tick's changes; the cursor goes to a turn that was selected when it began."""
        super().apply(changes)
        awaited = self._awaited
        if awaited is not None and self.show_span(awaited):
            self._awaited = None
            self.selection.complete(self._whole_turn)

    def _select(self) -> None:
        """Select what the row under the cursor is about; the call as a whole if nothing is."""
        span = self.span_at_cursor
        if span is None and self.trace is not None:
            span = next((root for root in self.trace.roots[:8] if root.kind == "voice_session"), None)
        if span is not None:
            self.selection.select(span, turn=self._whole_turn, by=self)

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row."""
        if self._cursor is not None:
            self._cursor.to_row(row)
            self._select()

    def clicked(self, row: int, x: int, line: int) -> bool:
        """A click on a triangle opens or closes a turn."""
        if x > 2 or self.rows is None or self.rows.at(row)[1] >= 0:
            return False
        self.move_to(row)
        self.toggle()
        return True

    def show_span(self, span: Span) -> bool:
        """Put the cursor on the turn of a span, or on its stage where the turn is open."""
        call, cursor = self.call, self._cursor
        group = call.group_of(span) if call is not None else None
        if cursor is None or group is None:
            return False
        previous_row = self.cursor_row
        row = cursor.to_span(group, span)
        if row is None:
            return False
        self.scroll_to_row(row, center=True)
        self.refresh_rows([one for one in (previous_row, row) if one is not None])
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
        group = self._cursor.group if self._cursor is not None else None
        return self.call.turn(group, self._present()) if group is not None and self.call is not None else None

    @property
    def on_turn(self) -> bool:
        """Whether the cursor stands on a turn itself, and not on one of its stages."""
        return self._cursor is None or self._cursor.on_turn

    @property
    def _whole_turn(self) -> Group | None:
        return self._cursor.turn if self._cursor is not None else None

    @property
    def span_at_cursor(self) -> Span | None:
        """The span that the row under the cursor is about."""
        return self._cursor.span if self._cursor is not None else None

    @property
    def run_at_cursor(self) -> Span | None:
        """The run of another agent under the cursor, if that is what stands there."""
        return self._cursor.run if self._cursor is not None else None

    def go_to_worst(self) -> bool:
        """Put the cursor on the turn with the longest heard gap; False when no turn has one."""
        call, rows = self.call, self.rows
        if call is None or rows is None:
            return False
        call.work(1.0, self._present())
        worst = call.figures.worst()
        row = rows.row(worst) if worst is not None else None
        if row is None:
            return False
        self.move_to(row, center=True)
        return True

    # folding

    def toggle(self) -> None:
        """Open or close the turn under the cursor."""
        if self._cursor is not None:
            self._open(not self._cursor.is_open)

    def unfold_or_child(self) -> None:
        """Open the turn, or go to its first line."""
        cursor = self._cursor
        if cursor is None or cursor.group is None:
            return
        if not cursor.is_open:
            self._open(True)
        elif cursor.on_turn:
            self.move_by(1)

    def fold_or_parent(self) -> None:
        """Go to the turn, close it, or go on to the call as a whole."""
        cursor, rows = self._cursor, self.rows
        if cursor is None or cursor.group is None or rows is None:
            return
        if not cursor.on_turn:
            row = rows.row(cursor.group)
            if row is not None:
                self.move_to(row)
        elif cursor.is_open:
            self._open(False)
        else:
            cursor.leave()
            self.refresh()
            self._select()

    def fold_all(self) -> None:
        """Close every turn."""
        if self.rows is not None and self._cursor is not None:
            self._cursor.to_turn()
            self.rows.close_all()
            self._after_folding()

    def unfold_all(self) -> None:
        """Open every turn."""
        if self.rows is not None:
            self.rows.open_all()
            self._after_folding()

    def _open(self, opened: bool) -> None:
        cursor, rows = self._cursor, self.rows
        if cursor is None or cursor.group is None or rows is None:
            return
        cursor.to_turn()
        rows.set_open(cursor.group, opened)
        self.keep_in_range()
        last = rows.row(cursor.group, len(rows.lines(cursor.group)) - 1) if opened else None
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
