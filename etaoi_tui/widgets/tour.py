"""The line above the footer with which the demo ends: keys to press, each lit once it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from etaoi_collector.store.model import Trace
from etaoi_tui.view.command import CommandTable
from etaoi_tui.view.tour import Tour, last_act
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable


class TourLine(LineWidget):
    """Comes when the demo's last act has ended; goes when all was tried, or when the person leaves it."""

    DEFAULT_CSS = """
    TourLine { height: 1; background: $surface; color: $text-muted; }
    """
    LOOKS: ClassVar[StyleTable] = {
        "tour-line--key": "color: $kind-llm; text-style: bold",
        "tour-line--done": "color: $ink; text-style: bold",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tour = Tour(self._changed)

    def listening(self, commands: CommandTable) -> CommandTable:
        """Return the commands to use: those of the tour tell it when they are run."""
        return self._tour.listening(commands)

    def look_at(self, traces: Iterable[Trace], footer: Widget) -> None:
        """Begin when the demo is over.

        Args:
            traces: All that there are.
            footer: Below the place to stand in.
        """
        if not self._tour.started and last_act(traces) is not None:
            self._tour.begin()
            footer.screen.mount(self, before=footer)

    def _changed(self) -> None:
        if self._tour.is_shown:
            self.refresh()
        else:
            self.remove()

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        base = self.look("")
        width = self.size.width
        pieces = [
            Segment(text, base + self.look(f"tour-line--{mark}") if mark else base)
            for text, mark in self._tour.line(width)
        ]
        return Strip(pieces).adjust_cell_length(width, base)
