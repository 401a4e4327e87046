"""The rounded frame around a pane: sides and foot stand in the pane's padding, the top is its header row.

A border of Textual's would take a line above the header, and every line through its slow path. Lines that
look as before are framed once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size, Spacing
from textual.strip import Strip

from etaoi_collector.lru import Lru
from etaoi_tui.widgets.styles import StyleTable

LOOKS: StyleTable = {
    "frame--line": "color: $line; background: $background",
    "frame--lit": "color: $focus-line; background: $background",
}

_BLANKS = re.compile(r" {3,}| +$")
"""What of a header becomes line: gaps between its words, and its end."""
_LINE = re.compile("(─+)")
_MOST_LINES = 256


class Frame:
    """Draws the frame of one pane.

    Args:
        look: Returns the look of a name in `LOOKS` as a style with a background.
        header: Returns the background that the header row has without a frame.
    """

    def __init__(self, look: Callable[[str], Style], header: Callable[[], Color | None]) -> None:
        self.is_shown = False
        """Whether there is room for it; the pane has a padding then."""
        self.lit = False
        """Whether the pane has the keys."""
        self._look = look
        self._header = header
        self._lines: Lru[int, tuple[Strip, Strip]] = Lru(_MOST_LINES)
        self._drawn_for: tuple[Spacing, Size, bool] | None = None

    @property
    def style(self) -> Style:
        """What the line looks like now."""
        return self._look("frame--lit" if self.lit else "frame--line")

    def forget(self) -> None:
        """Forget lines in the colours of the old theme."""
        self._drawn_for = None

    def line(self, y: int, draw: Callable[[int], Strip], outer: Size, padding: Spacing) -> Strip:
        """Return a line of the pane with its frame.

        Args:
            y: Line of the pane, its frame counted.
            draw: Returns a line of what is in the frame.
            outer: Size of the pane with its frame.
            padding: Cells of the frame at each side; none where a divider stands for it.
        """
        if self._drawn_for != (padding, outer, self.lit):
            self._lines = Lru(_MOST_LINES)
            self._drawn_for = (padding, outer, self.lit)
        if y >= outer.height - padding.bottom:
            return self._edge(outer.width, padding)
        strip = draw(y)
        cached = self._lines.get(id(strip))
        if cached is not None and cached[0] is strip:
            return cached[1]
        framed = self._top(strip, outer.width, padding) if y == 0 else self._side(strip, outer.width, padding)
        self._lines.put(id(strip), (strip, framed))
        return framed

    def _side(self, strip: Strip, width: int, padding: Spacing) -> Strip:
        style = self.style
        rest = width - padding.width - strip.cell_length
        segments = [Segment("│".ljust(padding.left), style), *strip] if padding.left else list(strip)
        if rest > 0 or padding.right:
            segments.append(Segment(" " * rest + "│" * bool(padding.right), style))
        return Strip(segments, width)

    def _edge(self, width: int, padding: Spacing) -> Strip:
        right = "╯" * bool(padding.right)
        return Strip([Segment("╰" + "─" * (width - 1 - len(right)) + right, self.style)], width)

    def _top(self, strip: Strip, width: int, padding: Spacing) -> Strip:
        style = self.style
        rest = width - padding.width - strip.cell_length
        segments = [Segment("╭".ljust(padding.left), style), *self._titled(strip)]
        segments.append(Segment("─" * rest + "╮" * bool(padding.right), style))
        return Strip(segments, width)

    def _titled(self, strip: Strip) -> Iterator[Segment]:
        """Yield a header on the pane's own ground, with line where it is blank."""
        style, header = self.style, self._header()
        text = _BLANKS.sub(_line, "".join(segment.text for segment in strip))
        ground = Style(bgcolor=style.bgcolor)
        at = 0
        for segment in strip:
            own = segment.style or Style.null()
            if own.bgcolor == header:
                own += ground
            for part in _LINE.split(text[at : at + len(segment.text)]):
                if part:
                    yield Segment(part, style if part[0] == "─" else own)
            at += len(segment.text)


def _line(blanks: re.Match[str]) -> str:
    """Return as much line as fits where a header is blank, with room for the words beside it."""
    gap = len(blanks[0])
    after = blanks.end() < len(blanks.string)
    has_left_gap = blanks.start() > 0
    return " " * has_left_gap + "─" * (gap - has_left_gap - after) + " " * after
