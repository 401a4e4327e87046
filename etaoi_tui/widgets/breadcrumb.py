"""Where one is, on screens too small to show more than one pane."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from etaoi_tui.text import one_line
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable


class Breadcrumb(LineWidget):
    """``traces › researcher › gpt-5``, the last step lit."""

    DEFAULT_CSS = """
    Breadcrumb { height: 1; background: $surface; color: $text-muted; display: none; }
    """
    LOOKS: ClassVar[StyleTable] = {
        "breadcrumb--here": "color: $ink; text-style: bold",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._steps: tuple[str, ...] = ()

    def show(self, steps: tuple[str, ...]) -> None:
        """Draw another way."""
        if steps != self._steps:
            self._steps = steps
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line; early steps are cut first."""
        base = self.look("")
        here = base + self.look("breadcrumb--here")
        width = self.size.width
        segments = [Segment(" ", base)]
        remaining = width - 2
        for at, step in enumerate(self._steps):
            last = at == len(self._steps) - 1
            text = one_line(step, max(remaining if last else min(remaining, width // 3), 1))
            segments.append(Segment(text, here if last else base))
            remaining -= cell_len(text)
            if not last:
                segments.append(Segment(" › ", base))
                remaining -= 3
        return Strip(segments).adjust_cell_length(width, base)
