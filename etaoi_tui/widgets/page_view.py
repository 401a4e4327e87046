"""A scrolling page of lines with a cursor: lays out what is in view at once and the rest in slices.

Knows nothing of tabs, folds or colours. Where the reader is, is kept as a position in the content
(`LinePosition`), so that a page can grow above them, be folded or get another width without moving what they
read.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from etaoi_tui.detail.layout.anchor import Anchor
from etaoi_tui.widgets.frame import Frame
from etaoi_tui.widgets.line_widget import draw_lines

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section
    from etaoi_tui.detail.layout.page import PageLayout

SLICE = 4_000
"""Characters laid out between two looks at the clock."""

FIRST_PAINT_MS = 30.0
"""Longest time that showing something may take for layout before it is drawn."""

FIXED_ROWS = 1
"""Rows above the page that do not scroll."""


class LinePosition(NamedTuple):
    """Where a reader was in a page."""

    top: Anchor
    cursor: Anchor


class PageView(ScrollView, can_focus=True, inherit_bindings=False):
    """Scrolls over a `PageLayout` below `FIXED_ROWS` rows that stay; subclasses make the page and draw."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.frame: Frame | None = None
        """What stands around the page, in the widget's padding."""
        self._page: PageLayout | None = None
        self._pending: LinePosition | None = None
        self._cursor = 0
        self._follow = False
        self._moving = False

    @property
    def live(self) -> bool:
        """Whether more is expected, so that staying at the end makes sense."""
        return False

    @property
    def cursor_line(self) -> int:
        """The cursor's line in the page."""
        return self._cursor

    @property
    def line_count(self) -> int:
        """Lines laid out so far."""
        return self._page.count if self._page is not None else 0

    @property
    def laid_out(self) -> bool:
        """Whether the whole page is laid out."""
        return self._page is None or self._page.done

    @property
    def section_at_cursor(self) -> Section | None:
        """The section under the cursor."""
        return self._page.section_at(self._cursor) if self._page is not None else None

    def work(self, budget_ms: float) -> bool:
        """Lay out more of the page for at most about ``budget_ms``; True while there is more to do.

        Looking for the reader's place lays out, too, and may reach the page's end: the place is still to be
        taken then.
        """
        page = self._page
        if page is None or (page.done and self._pending is None):
            return False
        self._lay_out(None, budget_ms)
        self._resized()
        if self._pending is not None:
            self._settle(self._pending)
        elif self._follow:
            self._to_end()
        return not page.done or self._pending is not None

    # moving

    def move_cursor(self, lines: int) -> None:
        """Move the cursor by lines, the view with it."""
        self._go(self._cursor + lines)

    def cursor_up(self) -> None:
        """Move the cursor one line up."""
        self.move_cursor(-1)

    def cursor_down(self) -> None:
        """Move the cursor one line down."""
        self.move_cursor(1)

    def page_up(self) -> None:
        """Move the cursor one page up."""
        self.move_cursor(-max(1, self._rows - 1))

    def page_down(self) -> None:
        """Move the cursor one page down."""
        self.move_cursor(max(1, self._rows - 1))

    def go_home(self) -> None:
        """Move the cursor to the first line."""
        self._go(0)

    def go_end(self) -> None:
        """Move the cursor to the last line, laying out everything before it; follow a live document."""
        page = self._page
        if page is None:
            return
        while not page.done:
            if not self._work(page, SLICE * 16):
                return
        self._resized()
        self._go(page.count - 1)
        self._follow = self.live

    def next_section(self) -> None:
        """Move the cursor to the next section's title."""
        if self._page is not None:
            self._go(next((y for y in self._page.title_lines() if y > self._cursor), self._cursor))

    def previous_section(self) -> None:
        """Move the cursor to the title before it."""
        if self._page is not None:
            titles_above = [y for y in self._page.title_lines() if y < self._cursor]
            self._go(titles_above[-1] if titles_above else 0)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when the reader scrolls up, start again at the end of a live document."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving or round(old_value) == round(new_value):
            return
        self._pending = None
        live = self.live
        self._follow = live and self.laid_out and round(new_value) >= self.max_scroll_y
        top, rows = round(new_value), self._rows
        self._cursor = min(max(self._cursor, top), max(top, top + rows - 1), max(0, self.line_count - 1))
        if not self.laid_out:
            self._fill()
            self._resized()

    # drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the rows of a region, with the frame if there is one."""
        if self.frame is not None and self.frame.is_shown and self.opacity == 1:
            return draw_lines(self, crop, self.frame)
        return super().render_lines(crop)

    def _arrange_scrollbars(self, region: Region) -> Iterable[tuple[Widget, Region]]:
        """Leave the top of the frame to the frame, by a method that Textual keeps to itself."""
        for bar, bar_region in super()._arrange_scrollbars(region):
            framed = self.frame is not None and self.frame.is_shown
            yield bar, bar_region.shrink((FIXED_ROWS, 0, 0, 0)) if framed else bar_region

    # within

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _rows(self) -> int:
        return max(1, self.scrollable_content_region.height - FIXED_ROWS)

    def _here(self) -> LinePosition:
        page = self._page
        if self._pending is not None:
            return self._pending
        if page is None:
            return LinePosition(Anchor("", 0, 0), Anchor("", 0, 0))
        return LinePosition(page.anchor(self.scroll_offset.y), page.anchor(self._cursor))

    def _settle(self, position: LinePosition | None) -> None:
        """Bring the page to a place as far as it is laid out, and lay out what is in view."""
        page = self._page
        if page is None:
            return
        self._pending = None
        if self._follow:
            self._lay_out(None, FIRST_PAINT_MS)
            self._resized()
            self._to_end()
            self.refresh()
            return
        if position is not None:
            top, cursor = self._locate(page, position)
            self._cursor = cursor
            self._scroll(top)
        self._fill()
        self._resized()
        self._cursor = min(self._cursor, max(0, page.count - 1))
        self.refresh()

    def _locate(self, page: PageLayout, position: LinePosition) -> tuple[int, int]:
        """Find a place again; what is not laid out in time is sought again in the next slices."""
        started = perf_counter()
        while True:
            top = page.locate(position.top)
            same_top = top is not None and page.anchor(top) == position.top
            if same_top or page.done or (perf_counter() - started) * 1000 > FIRST_PAINT_MS:
                break
            if not self._work(page, SLICE):
                return 0, 0
        if not same_top and not page.done:
            self._pending = position
        cursor = page.locate(position.cursor)
        self._lay_out((top or 0) + self._rows, FIRST_PAINT_MS)
        self._resized()
        return top or 0, cursor if cursor is not None else 0

    def _work(self, page: PageLayout, characters: int) -> bool:
        """Lay out some more; False when that failed and another page stands there now."""
        try:
            page.work(characters)
        except Exception as error:
            self._layout_failed(error)
            return False
        return True

    def _layout_failed(self, error: Exception) -> None:
        """Show something else than the page that cannot be laid out; subclasses know what."""
        raise error

    def _lay_out(self, until: int | None, budget_ms: float) -> None:
        page = self._page
        if page is None:
            return
        started = perf_counter()
        while not page.done and (until is None or page.count < until):
            if not self._work(page, SLICE):
                return
            if (perf_counter() - started) * 1000 >= budget_ms:
                break

    def _fill(self) -> None:
        """Lay out as far as the view reaches, and one view more."""
        self._lay_out(self.scroll_offset.y + 2 * self._rows, FIRST_PAINT_MS)

    def _resized(self) -> None:
        """Tell the scroll bar how long the page is, without a layout of the whole screen."""
        height = self.line_count + FIXED_ROWS
        size = Size(self._width, height)
        if size == self.virtual_size:
            return
        shrunk = height < self.virtual_size.height
        self.set_reactive(ScrollView.virtual_size, size)
        if self.is_attached and self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = height
        if shrunk and self.scroll_offset.y > self.max_scroll_y:
            self._scroll(self.max_scroll_y)
        self.refresh()

    def _scroll(self, y: float) -> None:
        self._moving = True
        try:
            self.scroll_target_y = self.scroll_y = max(0, y)
        finally:
            self._moving = False

    def _to_end(self) -> None:
        self._cursor = max(0, self.line_count - 1)
        self._scroll(self.max_scroll_y)

    def _go(self, line: int) -> None:
        page = self._page
        if page is None:
            return
        if line >= page.count and not page.done:
            self._lay_out(line + self._rows, FIRST_PAINT_MS)
            self._resized()
        self._pending = None
        old, self._cursor = self._cursor, max(0, min(line, page.count - 1))
        top, rows = self.scroll_offset.y, self._rows
        if self._cursor < top:
            # The headline belongs to the first section: going up shows it.
            self._scroll(0 if self._cursor < 2 else self._cursor)
        elif self._cursor >= top + rows:
            self._scroll(self._cursor - rows + 1)
        self._follow = self.live and page.done and self._cursor == page.count - 1
        for changed in {old, self._cursor}:
            self.refresh(Region(0, changed - self.scroll_offset.y + FIXED_ROWS, self.size.width, 1))
