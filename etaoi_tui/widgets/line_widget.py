"""A widget that is nothing but lines of text: no border, no padding, drawn with little around it.

Textual's own path from a line to the screen asks for a widget's styles, size and region again for every line.
A live view draws fifty lines twelve times a second, so this one asks once.
"""

from __future__ import annotations

from typing import ClassVar

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from etaoi_tui.widgets.styles import StyleCache, StyleTable


class LineWidget(Widget):
    """Subclasses draw lines in `render_line`; styles by name come from `look`."""

    LOOKS: ClassVar[StyleTable] = {}
    ALLOW_SELECT = False
    """What is drawn here is no text to take along."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looks = StyleCache(self, self.LOOKS)
        self.look = self._looks.over
        """Returns the look of a name as a Rich style, the widget's own for no name."""
        self._cells: Size | None = None

    @property
    def cells(self) -> Size:
        """The widget's size; while lines are drawn it is looked up only once."""
        return self._cells or self.size

    def notify_style_update(self) -> None:
        """Forget styles of the old theme."""
        super().notify_style_update()
        self._looks.forget()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of a region, through the app's line filters."""
        if self.gutter.width or self.gutter.height or self.opacity < 1:
            return super().render_lines(crop)
        filters = self.get_line_filters()
        background = self.background_colors[1]
        self._cells = size = self.size
        strips = []
        try:
            for y in crop.line_range:
                strip = self.render_line(y)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, background)
                strips.append(strip)
        finally:
            self._cells = None
        if crop.column_span != (0, size.width):
            left, right = crop.column_span
            strips = [strip.crop(left, right) for strip in strips]
        return strips
