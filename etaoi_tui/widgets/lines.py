"""A widget that is nothing but lines of text: no border, no padding, drawn with little around it.

Textual's own path from a line to the screen asks for a widget's styles, size and region again for every line.
A live view draws fifty lines twelve times a second, so this one asks once.
"""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


def look_of(widget: Widget, name: str) -> Style:
    """Return a component class as a Rich style: its colours mixed with the widget's background.

    A background is part of it only where the class sets one, so that styles can be laid over a cursor's row.
    """
    style = widget.get_component_rich_style(name)
    if not widget.get_component_styles(name).has_rule("background"):
        style = Style(
            color=style.color,
            bold=style.bold,
            dim=style.dim,
            italic=style.italic,
            underline=style.underline,
            reverse=style.reverse,
            strike=style.strike,
        )
    return style


class LineWidget(Widget):
    """Subclasses draw lines in `render_line`; styles by name come from `look`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looks: dict[str, Style] = {}

    def look(self, name: str) -> Style:
        """Return a component class as a Rich style, or the widget's own for no name; remembered."""
        style = self._looks.get(name)
        if style is None:
            style = look_of(self, name) if name else self.rich_style
            self._looks[name] = style
        return style

    def notify_style_update(self) -> None:
        """Forget styles of the old theme."""
        super().notify_style_update()
        self._looks.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of a region, through the app's line filters."""
        if self.gutter.width or self.gutter.height or self.opacity < 1:
            return super().render_lines(crop)
        filters = self.get_line_filters()
        background = self.background_colors[1]
        strips = []
        for y in crop.line_range:
            strip = self.render_line(y)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip)
        if crop.column_span != (0, self.size.width):
            left, right = crop.column_span
            strips = [strip.crop(left, right) for strip in strips]
        return strips
