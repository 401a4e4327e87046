"""The cursor of the list of runs: on a run, or on a conversation's own line; and what it folds."""

from __future__ import annotations

from collections.abc import Iterator

from etaoi_collector.store.model import Trace
from etaoi_tui.view.runs import columns as cols
from etaoi_tui.view.runs.grouped_rows import GroupedRuns
from etaoi_tui.view.runs.groups import Earlier, Group, Row
from etaoi_tui.view.runs.rows import RunRows
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.row_view import RowView


class RunCursor(RowView):
    """Keeps a cursor in rows of runs; the selected run is the cursor unless it stands on a line above."""

    def __init__(self, selection: Selection, runs: GroupedRuns, *, id: str | None = None) -> None:
        """Make a cursor.

        Args:
            selection: Its trace is the cursor.
            runs: Every run, by conversation.
            id: Textual id.
        """
        super().__init__(id=id)
        self.all = runs
        """Every run, by conversation, whatever is shown."""
        self.rows: RunRows = runs
        """The runs that are shown."""
        self.selection = selection
        self.on_line: Group | Earlier | None = None
        """The cursor stands on a conversation's own line, and not on the selected run's."""
        self._hint = 0
        selection.watch(self._selection_changed)

    # the cursor

    @property
    def cursor(self) -> Trace | None:
        """The selected run."""
        return self.selection.trace

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace and change.by is not self:
            self.on_line = None
            if change.by_hand and self.cursor is not None:
                self.rows.reveal(self.cursor)
            self.show_cursor()
            self.refresh()

    def show_cursor(self) -> None:
        self.keep_in_range()
        row = self.cursor_row
        if row is not None:
            self.scroll_to_row(row)

    def scroll_to_row(self, row: int, *, center: bool = False) -> None:
        """Move the viewport as little as needed to show a row; see `show_line_above`."""
        super().scroll_to_row(row, center=center)
        self.show_line_above(row)

    def show_line_above(self, row: int) -> None:
        """Keep a conversation's own line in view above its newest run."""
        if row and row == self.top and isinstance(self.rows.at(row - 1), Group):
            self.scroll_top_to(row - 1)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @property
    def cursor_row(self) -> int | None:
        """The row of the selected run, or of the conversation's line that the cursor stands on."""
        item: Row | None = self.on_line or self.selection.trace
        if item is None:
            return None
        rows = self.rows
        if self._hint < len(rows) and rows.at(self._hint) is item:
            return self._hint
        row = rows.row(item)
        if row is None and self.selection.trace is not None:
            group = rows.group_of(self.selection.trace)
            row = rows.row(group) if group is not None else None
        if row is not None:
            self._hint = row
        return row

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row; on a conversation's own line its newest run is selected."""
        item = self.rows.at(row)
        trace = self.selection.trace
        if isinstance(item, Trace):
            self.on_line = None
            if item is not trace:
                self.selection.show(item, by=self)
            return
        self.on_line = item
        group = item if isinstance(item, Group) else item.group
        if trace is None or self.rows.group_of(trace) is not group:
            self.selection.show(group.newest, by=self)

    def clicked(self, row: int, x: int, line: int) -> bool:
        """A click on a triangle folds, one on earlier runs unfolds them."""
        item = self.rows.at(row)
        if isinstance(item, Earlier) or (isinstance(item, Group) and x < cols.GLYPH):
            self.move_to(row)
            self.toggle()
            return True
        return False

    def step_run(self, runs: int) -> None:
        """Go to the next run (1) or the one before (-1), across conversations and what is folded away."""
        target = self.rows.step(self.selection.trace, runs)
        if target is not None:
            self.on_line = None
            self.rows.reveal(target)
            self.selection.show(target, by=self)
            self.show_cursor()
            self.refresh()
            self.post_message(self.CursorMoved(self))

    def turn_beside(self, trace: Trace, turns: int) -> Trace | None:
        """Return the later (1) or the earlier (-1) run of a run's conversation, listed or not."""
        group = self.all.group_of(trace)
        if group is None:
            return None
        at = group.runs.index(trace) + turns
        return group.runs[at] if 0 <= at < len(group.runs) else None

    def runs_from_cursor(self, runs: int) -> Iterator[Trace]:
        """Yield the other runs below the selected one (1) or above it (-1), then from the other end."""
        trace = self.selection.trace
        yield from self.rows.runs_from(trace, runs)
        if trace is not None and trace in self.rows:
            for other in self.rows.runs_from(None, runs):
                if other is trace:
                    return
                yield other

    # folding

    def fold_or_head(self) -> None:
        """Fold the conversation, or go to its own line first."""
        group = self._group_at_cursor()
        if group is None:
            return
        if isinstance(self.on_line, Group):
            self._fold(group, True)
        else:
            row = self.rows.row(group)
            if row is not None:
                self.move_to(row)

    def unfold_or_enter(self) -> None:
        """Unfold the conversation, then its earlier runs, then go to its first run."""
        group = self._group_at_cursor()
        if group is None or not isinstance(self.rows, GroupedRuns):
            return
        if isinstance(self.on_line, Earlier):
            self._expand(group)
        elif isinstance(self.on_line, Group):
            if group.folded:
                self._fold(group, False)
            else:
                self.move_by(1)

    def toggle(self) -> None:
        """Fold or unfold the conversation under the cursor."""
        group = self._group_at_cursor()
        if group is None:
            return
        if isinstance(self.on_line, Earlier):
            self._expand(group)
        else:
            self._fold(group, not group.folded)

    def fold_all(self, folded: bool) -> None:
        """Fold every conversation, or give every run a row."""
        if isinstance(self.rows, GroupedRuns):
            group = self._group_at_cursor()
            self.rows.fold_all(folded)
            self.on_line = group if folded and group is not None and len(group.runs) > 1 else None
            self.show_cursor()
            self.refresh()

    def open_row(self) -> bool:
        """Unfold earlier runs if the cursor stands on them; True if it did."""
        if not isinstance(self.on_line, Earlier):
            return False
        self._expand(self.on_line.group)
        return True

    def _group_at_cursor(self) -> Group | None:
        if isinstance(self.on_line, Earlier):
            return self.on_line.group
        if self.on_line is not None:
            return self.on_line
        trace = self.selection.trace
        group = self.rows.group_of(trace) if trace is not None else None
        return group if group is not None and len(group.runs) > 1 else None

    def _fold(self, group: Group, folded: bool) -> None:
        if isinstance(self.rows, GroupedRuns) and self.rows.set_folded(group, folded):
            self.on_line = group
            self.show_cursor()
            self.refresh()

    def _expand(self, group: Group) -> None:
        if not isinstance(self.rows, GroupedRuns):
            return
        row = self.cursor_row
        if self.rows.expand(group, True):
            self.on_line = None
            if row is not None:
                self.set_cursor_row(min(row, len(self.rows) - 1))
            self.show_cursor()
            self.refresh()
