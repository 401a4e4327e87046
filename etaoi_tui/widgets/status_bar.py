"""The first line: where the data comes from, how much of it, and whether anything was lost."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from etaoi_tui.view.status import StatusLine
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.row_view import Piece
from etaoi_tui.widgets.styles import StyleTable

_GAP = "   "


class StatusBar(LineWidget):
    """Draws a `StatusLine`; what matters least is left out first when the line is short."""

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $panel; color: $foreground; }
    """
    LOOKS: ClassVar[StyleTable] = {
        "status-bar--brand": "color: $kind-llm; text-style: bold",
        "status-bar--live": "color: $running; text-style: bold",
        "status-bar--replay": "color: $ink; text-style: bold",
        "status-bar--muted": "color: $quiet",
        "status-bar--warning": "color: $attention; text-style: bold",
        "status-bar--error": "color: $failure; text-style: bold",
    }

    class ProblemsAsked(Message):
        """The person clicked on the line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._status = StatusLine()

    def show(self, status: StatusLine) -> None:
        """Draw another status, if it is another."""
        if status != self._status:
            self._status = status
            self.refresh()

    def on_click(self) -> None:
        """The counters lead to what they count."""
        self.post_message(self.ProblemsAsked())

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        base = self.look("")
        left: list[Piece] = [(" etaoi", "brand")]
        used = len(" etaoi")
        right = f"{self._status.place} " if self._status.place else ""
        for text, look, needed in self._status.parts:
            size = cell_len(text) + len(_GAP)
            if used + size <= width - (cell_len(right) if not needed else 0):
                left += [(_GAP, "muted"), (text, look)]
                used += size
        if used + cell_len(right) + 1 <= width:
            left += [(" " * (width - used - cell_len(right)), "muted"), (right, "muted")]
        segments = [Segment(text, base + self.look(f"status-bar--{look}")) for text, look in left]
        return Strip(segments).adjust_cell_length(width, base)
