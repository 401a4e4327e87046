"""Paints what changed, and only that.

Textual's compositor asks every visible widget for all of its lines whenever one line of one of them changed,
and leaves it to the widgets to remember the others. With fifty live lines in three panes that is most of what
a key press costs.

Textual keeps the names that this takes to itself. Where one of them is missing, it paints in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.geometry import Region
from textual.strip import Strip

from etaoi_tui.widgets.textual_internals import compositor_of, divide_without_cycles, set_compositor

if TYPE_CHECKING:
    from textual._compositor import ChopsUpdate, Compositor
    from textual.screen import Screen
else:
    try:
        from textual._compositor import Compositor
    except ImportError:
        Compositor = object

_NEEDED = ("_dirty_regions", "_get_renders", "render_partial_update", "visible_widgets")


def install_partial_compositor(screen: Screen[Any]) -> bool:
    """Let a screen paint only what changed; returns whether this Textual has all that it takes."""
    own = compositor_of(screen)
    if own is None or type(own) is not Compositor or not all(hasattr(own, name) for name in _NEEDED):
        return False
    divide_without_cycles()
    set_compositor(screen, PartialCompositor())
    return True


class PartialCompositor(Compositor):
    """Asks widgets for the lines that a partial update draws.

    A widget that did not change is asked all the same where it lies over or under one that did, so that
    what is in front stays in front.
    """

    def __init__(self) -> None:
        super().__init__()
        self._drawn: list[Region] | None = None

    def render_partial_update(self) -> ChopsUpdate | None:
        """Render the regions that changed since the last update; None when there are none."""
        self._drawn = list(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._drawn = None

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if self._drawn is None:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            visible = region.intersection(clip)
            for first, last in _line_ranges(visible, self._drawn):
                part = Region(visible.x, first, visible.width, last - first)
                yield region, part, widget.render_lines(part.translate((-region.x, -region.y)))


def _line_ranges(visible: Region, drawn: list[Region]) -> list[tuple[int, int]]:
    """Return the stretches of lines, first and behind the last, in which something visible is drawn."""
    ranges: list[tuple[int, int]] = []
    for part in sorted(
        ((part.y, part.bottom) for part in map(visible.intersection, drawn) if part.area),
    ):
        if ranges and part[0] <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], part[1]))
        else:
            ranges.append(part)
    return ranges
