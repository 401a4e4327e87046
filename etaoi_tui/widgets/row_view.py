"""A list of rows drawn line by line, each line once until it looks different."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from etaoi_tui.widgets.frame import LOOKS as FRAME_LOOKS
from etaoi_tui.widgets.frame import Frame
from etaoi_tui.widgets.row_mouse import RowMouse
from etaoi_tui.widgets.styles import StyleTable

Piece = tuple[str, str]
"""Text and the name of the look that it is drawn in."""


_STRIPS_KEPT = 512


class RowView(RowMouse, can_focus=True):
    """Rows with a cursor, a viewport and a scroll bar; subclasses say how many and how a row looks."""

    DEFAULT_CSS = """
    RowView {
        overflow: hidden hidden;
        background: $background;
    }
    """
    LOOKS: ClassVar[StyleTable] = {
        "row-view--cursor": "background: $cursor-row-blurred",
        "row-view--cursor-here": "background: $cursor-row",
        "row-view--hover": "background: $hover-row",
        "row-view--cursor:ansi": "text-style: underline",
        # Any of sixteen colours is unreadable on some other: the row loses its own under the cursor.
        "row-view--cursor-here:ansi": "color: $cursor-ink",
        "row-view--thumb": "background: $scrollbar",
        "row-view--thumb-focus": "background: $primary",
        "row-view--track": "background: $surface",
        **FRAME_LOOKS,
        "row-view--badge": "background: $cursor-row; color: $cursor-ink; text-style: bold",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: OrderedDict[Hashable, Strip] = OrderedDict()
        self.frame: Frame = Frame(self.look, lambda: self.look("row-view--track").bgcolor)

    # what subclasses say

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
            if pieces:
                return self._strip(pieces, inner, base, edge)
            return self._blank(inner, base, edge)
        if row == self.cursor_row:
            state = "row-view--cursor-here" if self.has_focus else "row-view--cursor"
        else:
            state = "row-view--hover" if row == self.hovered else ""
        key = self.row_key(row, line)
        if key is not None:
            key = (key, state, edge, inner)
            cached = self._strips.get(key)
            if cached is not None:
                self._strips.move_to_end(key)
                return cached
        background = self._on(state, base) if state else base
        strip = self._strip(self.draw_row(row, line, inner), inner, background, edge)
        if state == "row-view--cursor-here" and self.app.native_ansi_color:
            strip = self._in_one_colour(strip, inner, state)
        if key is not None:
            self._strips[key] = strip
            if len(self._strips) > _STRIPS_KEPT:
                self._strips.popitem(last=False)
        return strip

    def _blank(self, inner: int, base: Style, edge: str) -> Strip:
        key = ("blank", edge, inner)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._strip([], inner, base, edge)
        return strip

    def _with_note(self, row: int, line: int, inner: int, note: str, edge: str) -> Strip:
        strip = self._row_strip(row, line, inner, edge, self.row_count)
        base = self.look("")
        cropped = strip.crop(0, max(inner - len(note) - 2, 0))
        noted = Strip([*cropped, Segment(f" {note} ", base + self.look("row-view--badge"))])
        filled = noted.adjust_cell_length(inner, base)
        return Strip([*filled, Segment(" ", base + self.look(edge))], inner + 1)

    def _edge(self, line: int, height: int, rows: int) -> str:
        """Return the look of the scroll bar's cell in a line."""
        visible = max(height // self.ROW_HEIGHT, 1)
        if rows <= visible or height <= 0:
            return "row-view--track"
        size = max(height * visible // rows, 1)
        at = round((height - size) * self.top / max(rows - visible, 1))
        self.thumb = (at, size)
        if at <= line < at + size:
            return "row-view--thumb-focus" if self.has_focus else "row-view--thumb"
        return "row-view--track"

    def notify_style_update(self) -> None:
        """Forget lines in the colours of the old theme."""
        super().notify_style_update()
        self._strips.clear()

    def _on(self, name: str, base: Style) -> Style:
        """Return a base style with the background of a look, or underlined as it is."""
        look = self.look(name)
        return base + Style(bgcolor=look.bgcolor, underline=look.underline or None)

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

    def on_focus(self) -> None:
        """The cursor looks different in the pane that has the keys."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different in the pane that has the keys."""
        self.refresh()
