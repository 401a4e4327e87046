"""The cursor of a span tree: a span, wherever its row goes, and the folds that it makes."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.view.selection import Selection
from etaoi_tui.view.visible_rows import TreeRows
from etaoi_tui.widgets.row_view import RowView


class TreeCursor(RowView):
    """Moves through a `TreeRows`; the cursor is a span, its row number follows from it."""

    def __init__(self, selection: Selection, *, id: str | None = None) -> None:
        """Make a cursor without a trace.

        Args:
            selection: Its span is the cursor.
            id: Textual id.
        """
        super().__init__(id=id)
        self.rows = TreeRows()
        self.selection = selection
        self.cursor_hint = 0
        """Where the cursor's row was last seen."""

    @property
    def cursor(self) -> Span | None:
        """The span under the cursor."""
        return self.selection.span

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @property
    def cursor_row(self) -> int | None:
        """The row of the span under the cursor."""
        if self.cursor is None:
            return None
        spans = self.rows.spans
        hint = self.cursor_hint
        if hint < len(spans) and spans[hint] is self.cursor:
            return hint
        row = self.rows.nearest(self.cursor)
        if row is not None:
            self.cursor_hint = row
        return row

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row."""
        self.cursor_hint = row
        self.selection.select(self.rows.spans[row], by=self)

    def put_cursor(self, span: Span) -> None:
        """Move the cursor along with what happens to the rows."""
        self.selection.select(span, by=self, by_hand=False)

    def select(self, span: Span, *, center: bool = True) -> bool:
        """Move the cursor to a span, unfolding what hides it; False when it is not in this tree."""
        count = len(self.rows)
        row = self.rows.reveal(span)
        if row is None:
            return False
        if len(self.rows) != count:
            self.refresh()
        self.move_to(row, center=center)
        return True

    def show_cursor(self, span: Span) -> None:
        """Bring the row of a span that was selected elsewhere into view, unfolding what hides it."""
        count = len(self.rows)
        row = self.rows.reveal(span)
        if row is not None:
            self.cursor_hint = row
            if len(self.rows) == count:
                self.keep_in_range()
            self.scroll_to_row(row, center=True)
        self.refresh()

    def rows_changed(self) -> None:
        """Draw anew after folding, with the cursor's row where the reader looks."""
        if self.cursor is not None:
            row = self.rows.nearest(self.cursor)
            if row is not None:
                self.put_cursor(self.rows.spans[row])
                self.keep_in_range()
                self.scroll_to_row(row)
        self.keep_in_range()
        self.refresh()

    # rows that come and go

    def cursor_anchor(self) -> tuple[Span, int] | None:
        """Remember which span stands on which line, so that rows above it may grow unseen."""
        row = self.cursor_row
        if row is None or row not in self.shown_rows():
            row = self.top
        if row >= len(self.rows):
            return None
        return self.rows.spans[row], row - self.top

    def restore_anchor(self, anchor: tuple[Span, int] | None) -> bool:
        """Put the anchored span back on its line; True when the viewport's rows are others than before."""
        if anchor is None:
            self.keep_in_range()
            return True
        span, line = anchor
        row = self.rows.nearest(span)
        previous_top = self.top
        if row is not None:
            self.top = max(0, row - line)
        self.keep_in_range()
        return self.top != previous_top

    # folding

    def fold_to_fit(self) -> None:
        """Fold a finished run to what fits into the view."""
        room = self.rows_shown
        if self.is_mounted and self.size.height and self.rows.fold_to_fit(room):
            self.rows_changed()

    def fold_what_arrived(self) -> None:
        """Fold a run that is read to its end to what fits, unless the person moved in it meanwhile."""
        if self.cursor_row == 0:
            self.fold_to_fit()

    # folding, by hand

    def toggle(self) -> None:
        """Fold or unfold the row under the cursor."""
        span = self.cursor
        if span is not None and self.rows.is_chain(span) and not self.rows.folded(span):
            self._open_chain(span, not self.rows.chain_open(span))
            return
        self.rows.opens_to = self.rows_shown
        if span is not None and self.rows.set_folded(span, not self.rows.folded(span)):
            self.rows_changed()

    def unfold_or_child(self) -> None:
        """Unfold, or go to the first child."""
        span = self.cursor
        if span is None:
            return
        if self.rows.is_chain(span) and not self.rows.folded(span) and not self.rows.chain_open(span):
            self._open_chain(span, True)
        elif self.rows.folded(span):
            self.toggle()
        elif self.rows.has_children(span):
            self.move_by(1)

    def fold_or_parent(self) -> None:
        """Fold, or go to the parent."""
        span, row = self.cursor, self.cursor_row
        if span is None or row is None:
            return
        if self.rows.is_chain(span) and self.rows.chain_open(span):
            self._open_chain(span, False)
            return
        if self.rows.has_children(span) and not self.rows.folded(span) and not self.rows.is_chain(span):
            self.toggle()
            return
        parent = self.rows.parent_row(row)
        if parent is not None:
            self.move_to(parent)

    def fold_all(self) -> None:
        """Fold everything."""
        self.rows.fold_all()
        self.rows_changed()

    def unfold_all(self) -> None:
        """Unfold everything."""
        self.rows.unfold_all()
        self.rows_changed()

    def _open_chain(self, span: Span, wanted: bool) -> None:
        head = self.rows.chain_head(span)
        self.rows.set_chain_open(span, wanted)
        self.rows_changed()
        # The hooks of a call stand above it: going on from the first of them, all come into view.
        row = self.rows.nearest(head) if head is not None else None
        if row is not None:
            self.move_to(row)
