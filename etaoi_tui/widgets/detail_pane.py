"""The detail pane: one span's document, drawn line by line.

Nothing is laid out before it is needed and nothing is drawn that is not seen, so that a megabyte opens as
fast as a word. The rest is laid out in slices (`DetailPane.work`) that the app's tick hands out; the scroll
range grows.
"""

from __future__ import annotations

from collections import OrderedDict
from time import perf_counter
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from etaoi_tui.detail.document import Document, Section, Tab, section_text
from etaoi_tui.detail.page import Anchor, Page
from etaoi_tui.text import cells, fit, printable
from etaoi_tui.widgets import document_style
from etaoi_tui.widgets.document_style import PREFIX, component
from etaoi_tui.widgets.tab_line import MORE_LEFT, MORE_RIGHT, TabLabel, lay_out_tabs, tab_at

SLICE = 4_000
"""Characters laid out between two looks at the clock."""

FIRST_PAINT_MS = 30.0
"""Longest time that showing a document may take for layout before it is drawn."""

PLACES_KEPT = 200
_STRIPS_KEPT = 512
_TAB_ROWS = 1


class _Place(NamedTuple):
    """Where a reader was in a page."""

    top: Anchor
    cursor: Anchor


class DetailPane(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a `Document`: tabs in its first row, foldable sections below, a line cursor, text selection."""

    DEFAULT_CSS = document_style.CSS
    COMPONENT_CLASSES = document_style.COMPONENT_CLASSES
    ALLOW_SELECT = True

    class TabChanged(Message):
        """The reader opened another tab."""

        def __init__(self, pane: DetailPane, document: str, tab: str) -> None:
            super().__init__()
            self.pane = pane
            self.document = document
            self.tab = tab

        @property
        def control(self) -> DetailPane:
            """The pane."""
            return self.pane

    class SectionToggled(Message):
        """The reader opened or closed a section."""

        def __init__(self, pane: DetailPane, section: str, is_open: bool) -> None:
            super().__init__()
            self.pane = pane
            self.section = section
            self.is_open = is_open

        @property
        def control(self) -> DetailPane:
            """The pane."""
            return self.pane

    def __init__(
        self,
        *,
        empty: str = "Nothing is selected.",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._empty = empty
        self._document: Document | None = None
        self._page: Page | None = None
        self._tab = ""
        self._wanted_tab = ""
        self._folds: dict[str, bool] = {}
        self._places: OrderedDict[tuple[str, str], _Place] = OrderedDict()
        self._pending: _Place | None = None
        self._cursor = 0
        self._follow = False
        self._labels: list[TabLabel] = []
        self._styles: dict[str, Style] = {}
        self._strips: OrderedDict[tuple[int, bool, bool], Strip] = OrderedDict()
        self._moving = False

    # what is shown

    @property
    def document(self) -> Document | None:
        """The document that is shown."""
        return self._document

    @property
    def tab(self) -> str:
        """Key of the open tab; empty without a document."""
        return self._tab

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

    def show(self, document: Document) -> None:
        """Show a document: at the reader's tab if it has that one, and where they left it."""
        if self._document is not None and document.key == self._document.key:
            self.refresh_document(document)
            return
        self._remember_place()
        self._document = document
        self._tab = self._choose_tab(document)
        self._open_page(None)

    def refresh_document(self, document: Document) -> None:
        """Show a newer state of the same document, keeping tab, folds, cursor and scroll position.

        While the last line is in view the pane stays at the end of a live document.
        """
        if self._document is None or document.key != self._document.key:
            self.show(document)
            return
        if document.tab(self._tab) is None:
            self._document = document
            self._tab = self._choose_tab(document)
            self._open_page(None)
            return
        place, follow = self._here(), self._follow and document.live
        before = self._page
        self._document = document
        self._make_page(before)
        self._follow = follow
        self._settle(place)

    def clear(self, empty: str | None = None) -> None:
        """Show nothing but a sentence."""
        self._remember_place()
        if empty is not None:
            self._empty = empty
        self._document = self._page = None
        self._tab = ""
        self._cursor = 0
        self._pending = None
        self._resized()
        self.refresh()

    def work(self, budget_ms: float) -> bool:
        """Lay out more of the page for at most about ``budget_ms``; True while there is more to do."""
        page = self._page
        if page is None or page.done:
            return False
        self._lay_out(None, budget_ms)
        self._resized()
        if self._pending is not None:
            self._settle(self._pending)
        elif self._follow:
            self._to_end()
        return not page.done

    # tabs

    def next_tab(self) -> None:
        """Open the tab to the right, after the last the first."""
        self._step_tab(1)

    def previous_tab(self) -> None:
        """Open the tab to the left, before the first the last."""
        self._step_tab(-1)

    def open_tab(self, key: str) -> bool:
        """Open a tab by its key; False if the document has none such."""
        document = self._document
        if document is None or document.tab(key) is None:
            return False
        if key != self._tab:
            self._remember_place()
            self._tab = key
            self._open_page(None)
        self._wanted_tab = key
        self.post_message(self.TabChanged(self, document.key, key))
        return True

    def open_tab_number(self, number: int) -> bool:
        """Open the tab with this number, from 1."""
        document = self._document
        if document is None or not 1 <= number <= len(document.tabs):
            return False
        return self.open_tab(document.tabs[number - 1].key)

    # folds

    def toggle_section_at_cursor(self) -> None:
        """Open or close the section under the cursor."""
        section = self.section_at_cursor
        if section is not None:
            self.toggle_section(section)

    def toggle_section(self, section: Section) -> None:
        """Open or close a section; the cursor goes to its title."""
        page = self._page
        if page is None or not section.foldable:
            return
        is_open = not page.is_open(section)
        self._folds[section.key] = is_open
        title = page.title_line(section.key)
        place = self._here()
        if title is not None and not is_open:
            place = _Place(
                place.top if title >= self.scroll_offset.y else page.anchor(title), page.anchor(title)
            )
        self._follow = False
        self._make_page(page)
        self._settle(place)
        self.post_message(self.SectionToggled(self, section.key, is_open))

    def expand_all(self) -> None:
        """Open every section of the tab."""
        self._fold_all(True)

    def collapse_all(self) -> None:
        """Close every section of the tab."""
        self._fold_all(False)

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
            page.work(SLICE * 16)
        self._resized()
        self._go(page.count - 1)
        self._follow = self._document is not None and self._document.live

    def next_section(self) -> None:
        """Move the cursor to the next section's title."""
        if self._page is not None:
            self._go(next((y for y in self._page.title_lines() if y > self._cursor), self._cursor))

    def previous_section(self) -> None:
        """Move the cursor to the title before it."""
        if self._page is not None:
            before = [y for y in self._page.title_lines() if y < self._cursor]
            self._go(before[-1] if before else 0)

    # copying

    @property
    def section_at_cursor(self) -> Section | None:
        """The section under the cursor."""
        return self._page.section_at(self._cursor) if self._page is not None else None

    def copy_target(self) -> tuple[str, str] | None:
        """Return what a copy would take: its label, and the text as it came from the agent.

        The section under the cursor; above the first section, the whole tab. None without a document.
        """
        page, document = self._page, self._document
        if page is None or document is None:
            return None
        section = self.section_at_cursor
        if section is not None and section.blocks:
            return section.title, section_text(section)
        tab = document.tab(self._tab)
        texts = [f"{section.title}\n{section_text(section)}" for section in page.sections]
        return (tab.title if tab else self._tab), "\n\n".join(texts)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, as Textual's own copy asks for it."""
        page = self._page
        if page is None:
            return None
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else page.count - 1
        lines = []
        for y in range(max(0, first), min(last, page.count - 1) + 1):
            span = selection.get_span(y)
            if span is not None:
                text = "".join(piece for piece, _ in page.line(y).runs)
                lines.append(text[span[0] : None if span[1] == -1 else span[1]])
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self._strips.clear()
        self.refresh()

    # drawing

    def render_line(self, y: int) -> Strip:
        """Draw one row of the pane."""
        width = self._width
        if y < _TAB_ROWS and self._document is not None:
            return self._draw_tabs(width)
        page = self._page
        if page is None:
            text = f"  {printable(self._empty)}" if y == 1 else ""
            return Strip([Segment(fit(text, width), self._style("empty", own=True))], width)
        line = y - _TAB_ROWS + self.scroll_offset.y
        if line >= page.count:
            return Strip.blank(width, self.rich_style)
        return self._draw_line(page, line, width)

    def notify_style_update(self) -> None:
        """Forget everything that was drawn in the old colours."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Draw the cursor line as the focus says."""
        super().watch_has_focus(has_focus)
        self._styles.clear()
        self._strips.clear()
        self.refresh()

    # what happens

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again when the width changed, keeping the reader's place."""
        if self._document is None or self._width <= 0:
            return
        if self._page is None or self._page.width != self._width:
            place = self._here() if self._page is not None else self._places.get(self._place_key)
            self._make_page(self._page)
            self._settle(place)
        else:
            self._fill()
            self._resized()

    def on_click(self, event: events.Click) -> None:
        """Open the tab, toggle the section or move the cursor to where the mouse was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or self._document is None or self._page is None:
            return
        if offset.y < _TAB_ROWS:
            key = tab_at(self._labels, offset.x)
            if key is not None:
                self.open_tab(key)
            return
        line = offset.y - _TAB_ROWS + self.scroll_offset.y
        if self.text_selection is not None or line >= self._page.count:
            return
        self._go(line)
        drawn = self._page.line(line)
        if drawn.header and drawn.section is not None:
            self.toggle_section(drawn.section)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when the reader scrolls up, start again at the end of a live document."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving or round(old_value) == round(new_value):
            return
        self._pending = None
        live = self._document is not None and self._document.live
        self._follow = live and self.laid_out and round(new_value) >= self.max_scroll_y
        top, rows = round(new_value), self._rows
        self._cursor = min(max(self._cursor, top), max(top, top + rows - 1), max(0, self.line_count - 1))
        if not self.laid_out:
            self._fill()
            self._resized()

    # within

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _rows(self) -> int:
        return max(1, self.scrollable_content_region.height - _TAB_ROWS)

    @property
    def _place_key(self) -> tuple[str, str]:
        return (self._document.key if self._document is not None else "", self._tab)

    def _choose_tab(self, document: Document) -> str:
        wanted = self._wanted_tab
        return (
            wanted
            if wanted and document.tab(wanted) is not None
            else document.default or document.tabs[0].key
        )

    def _step_tab(self, step: int) -> None:
        document = self._document
        if document is None:
            return
        keys = [tab.key for tab in document.tabs]
        at = keys.index(self._tab) if self._tab in keys else 0
        self.open_tab(keys[(at + step) % len(keys)])

    def _open_page(self, before: Page | None) -> None:
        self._make_page(before)
        place = self._places.get(self._place_key)
        self._follow = place is None and self._document is not None and self._document.live
        self._cursor = 0
        if place is None and not self._follow:
            self._pending = None
            self._scroll(0)
            self._fill()
            self._resized()
            self.refresh()
        else:
            self._settle(place)

    def _make_page(self, before: Page | None) -> None:
        self._strips.clear()
        self._page = None
        document = self._document
        tab: Tab | None = document.tab(self._tab) if document is not None else None
        if document is None or tab is None or self._width <= 0:
            return
        self._page = Page(document, tab, self._width, self._folds, before)

    def _settle(self, place: _Place | None) -> None:
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
        if place is not None:
            top, cursor = self._locate(page, place)
            self._cursor = cursor
            self._scroll(top)
        self._fill()
        self._resized()
        self._cursor = min(self._cursor, max(0, page.count - 1))
        self.refresh()

    def _locate(self, page: Page, place: _Place) -> tuple[int, int]:
        """Find a place again; what is not laid out in time is sought again in the next slices."""
        started = perf_counter()
        while True:
            top = page.locate(place.top)
            found = top is not None and page.anchor(top) == place.top
            if found or page.done or (perf_counter() - started) * 1000 > FIRST_PAINT_MS:
                break
            page.work(SLICE)
        if not found and not page.done:
            self._pending = place
        cursor = page.locate(place.cursor)
        self._lay_out((top or 0) + self._rows, FIRST_PAINT_MS)
        self._resized()
        return top or 0, cursor if cursor is not None else 0

    def _lay_out(self, until: int | None, budget_ms: float) -> None:
        page = self._page
        if page is None:
            return
        started = perf_counter()
        while not page.done and (until is None or page.count < until):
            page.work(SLICE)
            if (perf_counter() - started) * 1000 >= budget_ms:
                break

    def _fill(self) -> None:
        """Lay out as far as the view reaches, and one view more."""
        self._lay_out(self.scroll_offset.y + 2 * self._rows, FIRST_PAINT_MS)

    def _resized(self) -> None:
        """Tell the scroll bar how long the page is, without a layout of the whole screen."""
        height = self.line_count + _TAB_ROWS
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
        self._follow = (
            self._document is not None
            and self._document.live
            and page.done
            and self._cursor == page.count - 1
        )
        for changed in {old, self._cursor}:
            self.refresh(Region(0, changed - self.scroll_offset.y + _TAB_ROWS, self.size.width, 1))

    def _fold_all(self, is_open: bool) -> None:
        page = self._page
        if page is None:
            return
        for section in page.sections:
            if section.foldable:
                self._folds[section.key] = is_open
        place = self._here()
        self._make_page(page)
        self._follow = False
        self._settle(place)

    def _here(self) -> _Place:
        page = self._page
        if self._pending is not None:
            return self._pending
        if page is None:
            return _Place(Anchor("", 0, 0), Anchor("", 0, 0))
        return _Place(page.anchor(self.scroll_offset.y), page.anchor(self._cursor))

    def _remember_place(self) -> None:
        if self._document is None or self._page is None:
            return
        key = self._place_key
        if self._follow or (self.scroll_offset.y == 0 and self._cursor == 0):
            self._places.pop(key, None)
            return
        self._places[key] = self._here()
        self._places.move_to_end(key)
        if len(self._places) > PLACES_KEPT:
            self._places.popitem(last=False)

    # pixels

    def _style(self, name: str, own: bool = False) -> Style:
        style = self._styles.get(name)
        if style is None:
            if name == "":
                style = self.rich_style
            else:
                style = self.get_component_rich_style(PREFIX + name if own else component(name))
            self._styles[name] = style
        return style

    def _draw_tabs(self, width: int) -> Strip:
        document = self._document
        tabs = [(tab.key, tab.title) for tab in document.tabs] if document is not None else []
        labels = self._labels = lay_out_tabs(tabs, self._tab, width)
        plain, line = self._style("tab", own=True), self._style("tab-line", own=True)
        before = bool(labels) and labels[0].key != tabs[0][0]
        after = bool(labels) and labels[-1].key != tabs[-1][0]
        segments = [Segment(MORE_LEFT if before else " ", line)]
        used = 1
        for label in labels:
            style = self._style("tab-active", own=True) if label.key == self._tab else plain
            segments.append(Segment(label.text, style))
            used += label.width
        rest = max(0, width - used)
        segments.append(Segment((MORE_RIGHT if after else "").ljust(rest), line))
        return Strip(segments).adjust_cell_length(width, line)

    def _draw_line(self, page: Page, y: int, width: int) -> Strip:
        on_cursor = y == self._cursor and self.has_focus
        selection = self.text_selection
        key = (y, on_cursor, False)
        strip = self._strips.get(key) if selection is None else None
        if strip is None:
            strip = self._make_strip(page, y, width, on_cursor, selection)
            if selection is None:
                self._strips[key] = strip
                if len(self._strips) > _STRIPS_KEPT:
                    self._strips.popitem(last=False)
        return strip

    def _make_strip(
        self, page: Page, y: int, width: int, on_cursor: bool, selection: Selection | None
    ) -> Strip:
        line = page.line(y)
        background: Style | None = None
        if on_cursor or line.header:
            own = self._style("cursor" if on_cursor else "section", own=True)
            background = Style(bgcolor=own.bgcolor, reverse=own.reverse or None)
        segments: list[Segment] = []
        for text, name in line.runs:
            if not text:
                continue
            style = self._style(name) + background if background else self._style(name)
            bare = text.lstrip(" ")
            if bare and len(bare) < len(text):
                # Pictures of the screen lose blanks that begin a segment.
                segments.append(Segment(text[: len(text) - len(bare)], style))
                text = bare
            segments.append(Segment(text, style))
        if selection is not None:
            segments = self._selected(segments, selection.get_span(y))
        base = self.rich_style + background if background else self.rich_style
        used = sum(cells(segment.text) for segment in segments)
        strip = Strip(segments, used).apply_offsets(0, y)
        return strip.adjust_cell_length(width, base)

    def _selected(self, segments: list[Segment], span: tuple[int, int] | None) -> list[Segment]:
        """Lay the selection's colours over part of a line."""
        if span is None:
            return segments
        start, end = span
        over = self.screen.get_component_rich_style("screen--selection")
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
