"""Turns lines of a document into strips: colours by style name, cursor, titles, selection, tab bar."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from etaoi_tui.text import cells
from etaoi_tui.widgets.document_style import PREFIX, component
from etaoi_tui.widgets.styles import StyleCache, StyleTable
from etaoi_tui.widgets.tab_line import MORE_LEFT, MORE_RIGHT, TabLabel, fit_sums, lay_out_tabs

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Document
    from etaoi_tui.detail.layout.page import PageLayout

_STRIPS_KEPT = 512
_BEFORE_SUMS = "  "
"""With the blank that ends a label, enough for the frame to go on between the two."""

Mark = tuple[int, int, str]
"""Where a mark begins and ends in a line, in characters, and the name of its look."""


class DocumentPainter:
    """Draws for one widget, and keeps what it drew until `forget` or `forget_lines`.

    Args:
        widget: For whom.
        looks: What the style names look like.
    """

    def __init__(self, widget: Widget, looks: StyleTable) -> None:
        self._widget = widget
        self.number = " "
        """Stands before the tabs: the key of the pane, where it has one."""
        self._looks = StyleCache(widget, looks)
        self.look = self._looks.opaque
        """Returns the look of a name as a Rich style with a background."""
        self._strips: OrderedDict[tuple[int, bool], Strip] = OrderedDict()

    def forget_lines(self) -> None:
        """Forget drawn lines: their content may have changed."""
        self._strips.clear()

    def forget(self) -> None:
        """Forget colours as well: the theme or the focus changed."""
        self._looks.forget()
        self._strips.clear()

    def style(self, name: str, own: bool = False) -> Style:
        """Return the look of a document's style name, or of one of the pane's own."""
        return self._looks.opaque(name and (PREFIX + name if own else component(name)))

    def tabs(self, document: Document, active: str, width: int) -> tuple[Strip, list[TabLabel]]:
        """Draw the bar of tabs, then what the document comes to; also return where its labels stand."""
        tabs = [(tab.key, tab.title) for tab in document.tabs]
        labels = lay_out_tabs(tabs, active, width, len(self.number))
        plain, line = self.style("tab", own=True), self.style("tab-line", own=True)
        has_more_left = bool(labels) and labels[0].key != tabs[0][0]
        after = bool(labels) and labels[-1].key != tabs[-1][0]
        used = len(self.number)
        segments = [Segment(MORE_LEFT.rjust(used) if has_more_left else self.number, line)]
        for label in labels:
            segments.append(
                Segment(label.text, self.style("tab-active", own=True) if label.key == active else plain)
            )
            used += label.width
        if document.over and not after and used + cells(document.over) + len(_BEFORE_SUMS) < width:
            segments.append(Segment(_BEFORE_SUMS + document.over, self.style("over", own=True)))
            used += len(_BEFORE_SUMS) + cells(document.over)
        sums = fit_sums(document.sums, width - used - len(_BEFORE_SUMS) - 1) if not after else ""
        rest = MORE_RIGHT if after else _BEFORE_SUMS + sums if sums else ""
        segments.append(Segment(rest.ljust(max(0, width - used)), line))
        return Strip(segments).adjust_cell_length(width, line), labels

    def blank(self, width: int) -> Strip:
        """Draw a line below the page's end."""
        key = (-1, False)
        strip = self._strips.get(key)
        if strip is None or strip.cell_length != width:
            strip = self._strips[key] = Strip.blank(width, self._widget.rich_style)
        return strip

    def line(
        self,
        page: PageLayout,
        y: int,
        width: int,
        on_cursor: bool,
        selection: Selection | None,
        marks: Sequence[Mark] = (),
    ) -> Strip:
        """Draw a line of a page that is laid out.

        Args:
            page: The page.
            y: Number of the line.
            width: Cells of the strip.
            on_cursor: The cursor stands on it.
            selection: What is selected with the mouse.
            marks: What is marked in it; a line that is kept as it was drawn keeps its marks.
        """
        if selection is not None:
            return self._make(page, y, width, on_cursor, selection, marks)
        key = (y, on_cursor)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._make(page, y, width, on_cursor, None, marks)
            if len(self._strips) > _STRIPS_KEPT:
                self._strips.popitem(last=False)
        return strip

    def _make(
        self,
        page: PageLayout,
        y: int,
        width: int,
        on_cursor: bool,
        selection: Selection | None,
        marks: Sequence[Mark],
    ) -> Strip:
        line = page.line(y)
        background: Style | None = None
        if on_cursor or line.header:
            own = self.style("cursor" if on_cursor else "section", own=True)
            one_colour = on_cursor and self._widget.app.native_ansi_color
            background = Style(color=own.color if one_colour else None, bgcolor=own.bgcolor)
        segments: list[Segment] = []
        for text, name in line.runs:
            if not text:
                continue
            style = self.style(name) + background if background else self.style(name)
            bare = text.lstrip(" ")
            if bare and len(bare) < len(text):
                # Pictures of the screen lose blanks that begin a segment.
                segments.append(Segment(text[: len(text) - len(bare)], style))
                text = bare
            segments.append(Segment(text, style))
        for start, end, name in marks:
            segments = _laid_over(segments, start, end, self.style(name, own=True))
        if selection is not None and (span := selection.get_span(y)) is not None:
            from etaoi_tui.widgets.page_text import decoration  # not needed for the first screen

            # The colours of the pane, exchanged: readable in every theme, and what terminals do themselves.
            own = self._widget.rich_style
            over = Style(color=own.color, bgcolor=own.bgcolor, reverse=True)
            # As what is copied: the text, not what stands before it.
            segments = _laid_over(segments, max(span[0], decoration(line)), span[1], over)
        base = self._widget.rich_style + background if background else self._widget.rich_style
        used = sum(cells(segment.text) for segment in segments)
        strip = Strip(segments, used).apply_offsets(0, y)
        return strip.adjust_cell_length(width, base)


def _laid_over(segments: list[Segment], start: int, end: int, over: Style) -> list[Segment]:
    """Lay colours over part of a line, in characters; an end of -1 is the line's."""
    drawn: list[Segment] = []
    at = 0
    for text, style, _ in segments:
        stop = len(text) if end == -1 else max(0, min(end - at, len(text)))
        begin = max(0, min(start - at, stop))
        base = style or Style.null()
        for piece, piece_style in (
            (text[:begin], base),
            (text[begin:stop], base + over),
            (text[stop:], base),
        ):
            if piece:
                drawn.append(Segment(piece, piece_style))
        at += len(text)
    return drawn
