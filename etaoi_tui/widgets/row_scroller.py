"""The viewport and the cursor of a widget of rows: what is in view, and what moves it.

Textual lays out and repaints the whole screen whenever a scroll view's virtual size grows, which a live
list does all the time. This widget keeps the first shown row and the scroll bar itself, so that a new row
costs the lines it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.geometry import Region
from textual.message import Message

from etaoi_tui.widgets.line_widget import LineWidget


class RowScroller(LineWidget):
    """Rows with a cursor and a viewport, not drawn yet."""

    ROW_HEIGHT: ClassVar[int] = 1
    HEADER_HEIGHT: ClassVar[int] = 0

    class CursorMoved(Message):
        """The person moved the cursor (a row that moved by itself is no message)."""

        def __init__(self, view: RowScroller) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> RowScroller:
            """The view whose cursor moved."""
            return self.view

    class RowOpened(Message):
        """The person asked for more about the row under the cursor (double click)."""

        def __init__(self, view: RowScroller) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> RowScroller:
            """The view whose row was opened."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.top = 0
        """The first row of the viewport."""

    # what subclasses say

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor."""
        raise NotImplementedError

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row."""
        raise NotImplementedError

    # geometry

    @property
    def rows_shown(self) -> int:
        """How many whole rows fit."""
        return max((self.size.height - self.HEADER_HEIGHT) // self.ROW_HEIGHT, 1)

    @property
    def at_end(self) -> bool:
        """Whether the last row is in view."""
        return self.top >= self.row_count - self.rows_shown

    def shown_rows(self) -> range:
        """Return the rows in view."""
        return range(self.top, min(self.top + self.rows_shown + 1, self.row_count))

    def keep_in_range(self) -> None:
        """Correct the viewport after rows went away."""
        self.top = max(0, min(self.top, self.row_count - self.rows_shown))

    def scroll_to_row(self, row: int, *, center: bool = False) -> None:
        """Move the viewport as little as needed to show a row, or so that it stands in the middle."""
        rows_shown = self.rows_shown
        top = self.top
        if row < top or row >= top + rows_shown:
            top = row - rows_shown // 2 if center else (row if row < top else row - rows_shown + 1)
            self.scroll_top_to(top)

    def scroll_top_to(self, top: int) -> None:
        """Move the viewport to a first row."""
        top = max(0, min(top, self.row_count - self.rows_shown))
        if top != self.top:
            self.top = top
            self.refresh()

    def refresh_rows(self, rows: Iterable[int]) -> None:
        """Draw some rows again, if they are in view."""
        width, height = self.size
        first = self.top
        for row in rows:
            y = self.HEADER_HEIGHT + (row - first) * self.ROW_HEIGHT
            if self.HEADER_HEIGHT <= y < height:
                self.refresh(Region(0, y, width, self.ROW_HEIGHT))

    # moving about

    def move_to(self, row: int, *, center: bool = False) -> None:
        """Move the cursor as the person asked for."""
        if not self.row_count:
            return
        row = max(0, min(row, self.row_count - 1))
        previous_row = self.cursor_row
        if row != previous_row:
            self.set_cursor_row(row)
            self.scroll_to_row(row, center=center)
            self.refresh_rows([r for r in (previous_row, row) if r is not None])
        else:
            self.scroll_to_row(row, center=center)
        self.post_message(self.CursorMoved(self))

    def move_by(self, rows: int) -> None:
        """Move the cursor up (negative) or down."""
        cursor = self.cursor_row
        self.move_to(self.top if cursor is None else cursor + rows)

    def page(self, pages: float) -> None:
        """Move the cursor and the viewport by a part of what is shown."""
        rows = round(self.rows_shown * pages) or (1 if pages > 0 else -1)
        cursor = self.cursor_row
        self.scroll_top_to(self.top + rows)
        self.move_to((self.top if cursor is None else cursor) + rows)

    def scroll_rows(self, rows: int) -> None:
        """Move the viewport and leave the cursor."""
        self.scroll_top_to(self.top + rows)
        self.scrolled_by_hand(rows)

    def scrolled_by_hand(self, rows: int) -> None:
        """Called after the person moved the viewport."""

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.keep_in_range()
        cursor = self.cursor_row
        if cursor is not None:
            self.scroll_to_row(cursor)
