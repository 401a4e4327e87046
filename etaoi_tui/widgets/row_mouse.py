"""The mouse on a widget of rows: click, open, hover, the wheel, the scroll bar."""

from __future__ import annotations

from textual import events

from etaoi_tui.widgets.row_scroller import RowScroller


class RowMouse(RowScroller):
    """Rows that the mouse moves through; the last column is the scroll bar."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hovered: int | None = None
        """The row under the pointer."""
        self.thumb: tuple[int, int] = (0, 0)
        """First line and lines of the scroll bar's thumb, as last drawn."""
        self._dragging = False

    def row_of(self, y: int) -> int | None:
        """Return the row at a line of the widget."""
        if y < self.HEADER_HEIGHT:
            return None
        row = self.top + (y - self.HEADER_HEIGHT) // self.ROW_HEIGHT
        return row if row < self.row_count else None

    def clicked(self, row: int, x: int, line: int) -> bool:
        """Called for a click on a row; return True when that was all, False to move the cursor there."""
        return False

    def on_click(self, event: events.Click) -> None:
        """Move the cursor, toggle or open."""
        offset = event.get_content_offset(self)
        if offset is None or offset.x >= self.size.width - 1:
            return
        row = self.row_of(offset.y)
        if row is None:
            return
        line = (offset.y - self.HEADER_HEIGHT) % self.ROW_HEIGHT
        if self.clicked(row, offset.x, line):
            return
        if event.chain == 2:
            self.post_message(self.RowOpened(self))
        else:
            self.move_to(row)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the scroll bar."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.x == self.size.width - 1 and self.row_count > self.rows_shown:
            self._dragging = True
            self.capture_mouse()
            self._drag_to(offset.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the scroll bar go."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the scroll bar, or mark the row under the pointer."""
        if self._dragging:
            self._drag_to(event.y)
            return
        row = self.row_of(event.y)
        if row != self.hovered:
            previous_row, self.hovered = self.hovered, row
            self.refresh_rows([r for r in (previous_row, row) if r is not None])

    def on_leave(self) -> None:
        """Unmark the row under the pointer."""
        previous_row, self.hovered = self.hovered, None
        if previous_row is not None:
            self.refresh_rows([previous_row])

    def _drag_to(self, y: int) -> None:
        height = self.size.height - self.HEADER_HEIGHT
        size = self.thumb[1]
        share = (y - self.HEADER_HEIGHT - size / 2) / max(height - size, 1)
        previous_top = self.top
        self.scroll_top_to(round(share * (self.row_count - self.rows_shown)))
        if self.top != previous_top:
            self.scrolled_by_hand(self.top - previous_top)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self.scroll_rows(3)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self.scroll_rows(-3)
        event.stop()
