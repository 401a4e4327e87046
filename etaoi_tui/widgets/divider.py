"""The line between two panes, to be dragged; with frames, it is an edge of the pane before it."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip

from etaoi_tui.widgets.frame import LOOKS
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable


class Divider(LineWidget):
    """One cell wide or high; says how far it was dragged and leaves the sizes to the screen."""

    DEFAULT_CSS = """
    Divider { color: $foreground 20%; background: $background; }
    Divider.-vertical { width: 1; height: 1fr; }
    Divider.-horizontal { height: 1; width: 1fr; }
    """
    LOOKS: ClassVar[StyleTable] = {
        **LOOKS,
        "divider--held": "color: $focus-line; text-style: bold",
    }

    class Dragged(Message):
        """The person moved the line."""

        def __init__(self, divider: Divider, cells: int) -> None:
            super().__init__()
            self.divider = divider
            self.cells = cells

        @property
        def control(self) -> Divider:
            """The line that was moved."""
            return self.divider

    def __init__(self, *, vertical: bool, id: str) -> None:
        """Make a line.

        Args:
            vertical: Whether it stands between a left and a right pane.
            id: Textual id.
        """
        super().__init__(id=id)
        self.vertical = vertical
        self.add_class("-vertical" if vertical else "-horizontal")
        self._held_at: int | None = None
        self._framed = self._lit = False
        self.tooltip = "Drag to resize, or + and _ for the pane with the keys"

    def turn(self, *, vertical: bool) -> None:
        """Lay it the other way."""
        self.vertical = vertical
        self.set_class(vertical, "-vertical")
        self.set_class(not vertical, "-horizontal")

    def frame_pane(self, *, framed: bool, lit: bool) -> None:
        """Be the edge of a frame or a mere line, bright or not."""
        if (framed, lit) != (self._framed, self._lit):
            self._framed, self._lit = framed, lit
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        style = self.look("")
        if self._framed:
            style = self.look("frame--lit" if self._lit else "frame--line")
        if self._held_at is not None:
            style += self.look("divider--held")
        width, height = self.cells
        if not self.vertical:
            text = f"╰{'─' * (width - 2)}╯" if self._framed else "─" * width
        elif self._framed and y in (0, height - 1):
            text = "╯" if y else "╮"
        else:
            text = "│"
        return Strip([Segment(text, style)])

    def touches(self, at: Offset) -> bool:
        """Whether a cell of the screen is the edge, side by side with this one, of the pane behind."""
        region = self.region
        if not self._framed or not region:
            return False
        if self.vertical:
            return at.x == region.right and region.y <= at.y < region.bottom
        return at.y == region.bottom and region.x <= at.x < region.right

    def take_hold(self, at: Offset) -> None:
        """Follow the mouse from a cell of the screen on, until its button is let go."""
        self._held_at = at.x if self.vertical else at.y
        self.capture_mouse()
        self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold."""
        self.take_hold(event.screen_offset)
        event.stop()

    def on_mouse_up(self) -> None:
        """Let go."""
        self._held_at = None
        self.release_mouse()
        self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move."""
        if self._held_at is None:
            return
        at = event.screen_x if self.vertical else event.screen_y
        if at != self._held_at:
            self.post_message(self.Dragged(self, at - self._held_at))
            self._held_at = at
