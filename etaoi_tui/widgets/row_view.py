"""A list of rows drawn line by line, over its own viewport.

Textual lays out and repaints the whole screen whenever a scroll view's virtual size grows, which a live
list does all the time. This widget keeps the first shown row and the scroll bar itself, so that a new row
costs the lines it changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable

Piece = tuple[str, str]
"""Text and the name of the look that it is drawn in."""


_STRIPS_KEPT = 2_048


class RowView(LineWidget, can_focus=True):
    """Rows with a cursor, a viewport and a scroll bar; subclasses say how many and how a row looks."""

    DEFAULT_CSS = """
    RowView {
        overflow: hidden hidden;
        background: $background;
    }
    """
    LOOKS: ClassVar[StyleTable] = {
        "row-view--cursor": "background: $foreground 12%",
        "row-view--cursor-here": "background: $primary 38%",
        "row-view--hover": "background: $foreground 6%",
        "row-view--cursor:ansi": "background: ansi_bright_black",
        # Any of sixteen colours is unreadable on some other: the row loses its own under the cursor.
        "row-view--cursor-here:ansi": "background: ansi_blue; color: ansi_bright_white",
        "row-view--hover:ansi": "background: ansi_bright_black",
        "row-view--thumb": "background: $scrollbar",
        "row-view--thumb-focus": "background: $primary",
        "row-view--track": "background: $surface",
        "row-view--badge": "background: $accent; color: $text; text-style: bold",
    }

    ROW_HEIGHT: ClassVar[int] = 1
    HEADER_HEIGHT: ClassVar[int] = 0

    class CursorMoved(Message):
        """The person moved the cursor (a row that moved by itself is no message)."""

        def __init__(self, view: RowView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> RowView:
            """The view whose cursor moved."""
            return self.view

    class RowOpened(Message):
        """The person asked for more about the row under the cursor (double click)."""

        def __init__(self, view: RowView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> RowView:
            """The view whose row was opened."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.top = 0
        """The first row of the viewport."""
        self._hover: int | None = None
        self._strips: OrderedDict[Hashable, Strip] = OrderedDict()
        self._thumb: tuple[int, int] = (0, 0)
        self._dragging = False

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

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Return one line of a row as pieces; they are cut and filled to the width."""
        raise NotImplementedError

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Return one line of the fixed header."""
        return []

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Return one line of what stands there when there are no rows."""
        return []

    def badge(self) -> str:
        """Return a note for the lower right corner, such as how many rows are new below."""
        return ""

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
        shown = self.rows_shown
        top = self.top
        if row < top or row >= top + shown:
            top = row - shown // 2 if center else (row if row < top else row - shown + 1)
            self._scroll_top_to(top)

    def _scroll_top_to(self, top: int) -> None:
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
        before = self.cursor_row
        if row != before:
            self.set_cursor_row(row)
            self.scroll_to_row(row, center=center)
            self.refresh_rows([r for r in (before, row) if r is not None])
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
        self._scroll_top_to(self.top + rows)
        self.move_to((self.top if cursor is None else cursor) + rows)

    def scroll_rows(self, rows: int) -> None:
        """Move the viewport and leave the cursor."""
        self._scroll_top_to(self.top + rows)
        self.scrolled_by_hand(rows)

    def scrolled_by_hand(self, rows: int) -> None:
        """Called after the person moved the viewport."""

    # drawing

    def row_key(self, row: int, line: int) -> Hashable | None:
        """Name everything that a row's line looks like, so that it is drawn once; None to draw it always."""
        return None

    def render_line(self, y: int) -> Strip:
        """Draw one line of the viewport."""
        size = self.cells
        inner = size.width - 1
        header = self.HEADER_HEIGHT
        if y < header:
            return self._strip(self.draw_header(y, inner), inner, self.look(""), "row-view--track")
        rows = self.row_count
        row, line = divmod(y - header, self.ROW_HEIGHT)
        row += self.top
        edge = self._edge(y - header, size.height - header, rows)
        if y == size.height - 1:
            note = self.badge()
            if note:
                return self._with_note(row, line, inner, note, edge)
        return self._row_strip(row, line, inner, edge, rows)

    def _row_strip(self, row: int, line: int, inner: int, edge: str, rows: int) -> Strip:
        base = self.look("")
        if row >= rows:
            pieces = [] if rows else self.draw_empty(row * self.ROW_HEIGHT + line, inner)
            return self._strip(pieces, inner, base, edge)
        if row == self.cursor_row:
            state = "row-view--cursor-here" if self.has_focus else "row-view--cursor"
        else:
            state = "row-view--hover" if row == self._hover else ""
        key = self.row_key(row, line)
        if key is not None:
            key = (key, state, edge, inner)
            known = self._strips.get(key)
            if known is not None:
                self._strips.move_to_end(key)
                return known
        background = self._on(state, base) if state else base
        strip = self._strip(self.draw_row(row, line, inner), inner, background, edge)
        if state == "row-view--cursor-here" and self.app.native_ansi_color:
            strip = self._in_one_colour(strip, inner, state)
        if key is not None:
            self._strips[key] = strip
            if len(self._strips) > _STRIPS_KEPT:
                self._strips.popitem(last=False)
        return strip

    def _with_note(self, row: int, line: int, inner: int, note: str, edge: str) -> Strip:
        strip = self._row_strip(row, line, inner, edge, self.row_count)
        base = self.look("")
        kept = strip.crop(0, max(inner - len(note) - 2, 0))
        noted = Strip([*kept, Segment(f" {note} ", base + self.look("row-view--badge"))])
        filled = noted.adjust_cell_length(inner, base)
        return Strip([*filled, Segment(" ", base + self.look(edge))], inner + 1)

    def _edge(self, line: int, height: int, rows: int) -> str:
        """Return the look of the scroll bar's cell in a line."""
        shown = max(height // self.ROW_HEIGHT, 1)
        if rows <= shown or height <= 0:
            return "row-view--track"
        size = max(height * shown // rows, 1)
        at = round((height - size) * self.top / max(rows - shown, 1))
        self._thumb = (at, size)
        if at <= line < at + size:
            return "row-view--thumb-focus" if self.has_focus else "row-view--thumb"
        return "row-view--track"

    def notify_style_update(self) -> None:
        """Forget lines in the colours of the old theme."""
        super().notify_style_update()
        self._strips.clear()

    def _on(self, name: str, base: Style) -> Style:
        """Return a base style with another background."""
        return base + Style(bgcolor=self.look(name).bgcolor)

    def _in_one_colour(self, strip: Strip, inner: int, name: str) -> Strip:
        """Return a line in a look's colour, but for the cell of the scroll bar."""
        colour = Style(color=self.look(name).color)
        text, bar = strip.divide([inner, inner + 1])
        return Strip([*Segment.apply_style(text, post_style=colour), *bar], inner + 1)

    def _strip(self, pieces: list[Piece], width: int, background: Style, edge: str) -> Strip:
        """Make a line of exactly this width out of pieces, and add the cell of the scroll bar."""
        look = self.look
        segments = [
            Segment(text, background + look(name) if name else background) for text, name in pieces if text
        ]
        used = sum(cell_len(segment.text) for segment in segments)
        if used < width:
            segments.append(Segment(" " * (width - used), background))
        elif used > width:
            segments = list(Strip(segments, used).adjust_cell_length(width, background))
        segments.append(Segment(" ", look("") + look(edge)))
        return Strip(segments, width + 1)

    # the mouse

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
        if row != self._hover:
            before, self._hover = self._hover, row
            self.refresh_rows([r for r in (before, row) if r is not None])

    def on_leave(self) -> None:
        """Unmark the row under the pointer."""
        before, self._hover = self._hover, None
        if before is not None:
            self.refresh_rows([before])

    def _drag_to(self, y: int) -> None:
        height = self.size.height - self.HEADER_HEIGHT
        size = self._thumb[1]
        share = (y - self.HEADER_HEIGHT - size / 2) / max(height - size, 1)
        before = self.top
        self._scroll_top_to(round(share * (self.row_count - self.rows_shown)))
        if self.top != before:
            self.scrolled_by_hand(self.top - before)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self.scroll_rows(3)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self.scroll_rows(-3)
        event.stop()

    def on_focus(self) -> None:
        """The cursor looks different in the pane that has the keys."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different in the pane that has the keys."""
        self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.keep_in_range()
        cursor = self.cursor_row
        if cursor is not None:
            self.scroll_to_row(cursor)
