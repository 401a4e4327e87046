"""The detail pane: one span's document with its tabs, drawn line by line.

Nothing is laid out before it is needed and nothing is drawn that is not seen, so that a megabyte opens as
fast as a word. The rest is laid out in slices (`DetailPane.work`) that the app's tick hands out; the scroll
range grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual import events
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from etaoi_collector.lru import Lru
from etaoi_tui.text import fit, printable
from etaoi_tui.widgets import document_style
from etaoi_tui.widgets.document_painter import DocumentPainter
from etaoi_tui.widgets.frame import Frame
from etaoi_tui.widgets.page_view import FIXED_ROWS, LinePosition
from etaoi_tui.widgets.searched_page import SearchedPage
from etaoi_tui.widgets.tab_line import TabLabel, tab_at
from etaoi_tui.widgets.textual_internals import contained

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Document
    from etaoi_tui.detail.layout.page import PageLayout

PLACES_KEPT = 200


class DetailPane(SearchedPage):
    """Shows a `Document`: tabs in its first row, foldable sections below, a line cursor, text selection."""

    HELP = """\
All that is known of the span under the tree's cursor, in tabs: the readable view first, the recorded event
last. A triangle folds a section. What is running grows while you read.
"""
    DEFAULT_CSS = document_style.CSS
    ALLOW_SELECT = True

    def __init__(
        self,
        *,
        empty: str = "Nothing is selected.",
        number: str = " ",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._empty = empty
        self._wanted_tab = ""
        self._positions: Lru[tuple[str, str], LinePosition] = Lru(PLACES_KEPT)
        self._labels: list[TabLabel] = []
        self._painter = DocumentPainter(self, document_style.LOOKS)
        self._painter.number = number
        style = self._painter.style
        self.frame: Frame = Frame(self._painter.look, lambda: style("tab-line", own=True).bgcolor)

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
    def live(self) -> bool:
        """Whether the document is of something that still runs."""
        return self._document is not None and self._document.live

    def show(self, document: Document) -> None:
        """Show a document: at the reader's tab if it has that one, and where they left it."""
        if self._document is not None and document.key == self._document.key:
            self.refresh_document(document)
            return
        self._remember_position()
        self._open(document)

    def refresh_document(self, document: Document) -> None:
        """Show a newer state of the same document, keeping tab, folds, cursor and scroll position.

        While the last line is in view the pane stays at the end of a live document.
        """
        if self._document is None or document.key != self._document.key:
            self.show(document)
            return
        if document.tab(self._tab) is None:
            self._open(document)
            return
        position, follow = self._here(), self._follow and document.live
        previous_page = self._page
        self._document = document
        self._make_page(previous_page)
        self._follow = follow
        self._settle(position)

    def clear(self, empty: str | None = None) -> None:
        """Show nothing but a sentence."""
        self._remember_position()
        if empty is not None:
            self._empty = empty
        self._document = self._page = None
        self._tab = ""
        self._cursor = 0
        self._pending = None
        self._resized()
        self.refresh()

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
            self._show_tab(key)
        self._wanted_tab = key
        return True

    def open_tab_number(self, number: int) -> bool:
        """Open the tab with this number, from 1."""
        document = self._document
        if document is None or not 1 <= number <= len(document.tabs):
            return False
        return self.open_tab(document.tabs[number - 1].key)

    def _show_tab(self, key: str) -> None:
        self._remember_position()
        self._tab = key
        self._open_page(None)

    def _step_tab(self, step: int) -> None:
        if self._document is not None:
            self.open_tab(self._document.tab_beside(self._tab, step))

    # copying

    def copy_target(self) -> tuple[str, str] | None:
        """Return what a copy would take: its label, and the text as it came from the agent.

        The section under the cursor; above the first section, the whole tab. None without a document.
        """
        from etaoi_tui.widgets.page_text import copied_text

        page, document = self._page, self._document
        if page is None or document is None:
            return None
        return copied_text(page, self.section_at_cursor, document.tab(self._tab))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, as Textual's own copy asks for it."""
        from etaoi_tui.widgets.page_text import selected_text

        page = self._page
        if page is None:
            return None
        return selected_text(page, selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self._painter.forget_lines()
        self.refresh()

    # drawing

    def render_line(self, y: int) -> Strip:
        """Draw one row of the pane."""
        width = self._width
        if y < FIXED_ROWS and self._document is not None:
            strip, self._labels = self._painter.tabs(self._document, self._tab, width)
            return strip
        page = self._page
        if page is None:
            text = (self._painter.number, f"  {printable(self._empty)}")[y] if y < 2 else ""
            return Strip([Segment(fit(text, width), self._painter.style("empty", own=True))], width)
        line = y - FIXED_ROWS + self.scroll_offset.y
        if line >= page.count:
            return self._painter.blank(width)
        on_cursor = line == self._cursor and self.has_focus
        marks = self.marks_of(line)
        return self._painter.line(page, line, width, on_cursor, self.text_selection, marks)

    def _marks_changed(self) -> None:
        self._painter.forget_lines()
        self.refresh()

    def notify_style_update(self) -> None:
        """Forget everything that was drawn in the old colours."""
        super().notify_style_update()
        self._painter.forget()
        self.frame.forget()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Draw the cursor line as the focus says."""
        super().watch_has_focus(has_focus)
        self._painter.forget()
        self.refresh()

    # what happens

    def on_resize(self, event: events.Resize) -> None:
        """Lay out again when the width changed, keeping the reader's place."""
        if self._document is None or self._width <= 0:
            return
        if self._page is None or self._page.width != self._width:
            position = self._here() if self._page is not None else self._positions.get(self._position_key)
            self._make_page(self._page)
            self._settle(position)
        else:
            self._fill()
            self._resized()
            if self._follow:
                self._to_end()

    def has_tab_at(self, at: Offset) -> bool:
        """Whether a tab's label stands at a cell of the screen."""
        inside = at - self.content_region.offset
        return bool(self.region) and inside.y == 0 and tab_at(self._labels, inside.x) is not None

    def on_click(self, event: events.Click) -> None:
        """Open the tab, toggle the section or move the cursor to where the mouse was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or self._document is None or self._page is None:
            return
        if offset.y < FIXED_ROWS:
            key = tab_at(self._labels, offset.x)
            if key is not None:
                self.open_tab(key)
            return
        line = offset.y - FIXED_ROWS + self.scroll_offset.y
        if self.text_selection is not None or line >= self._page.count:
            return
        self._go(line)
        drawn = self._page.line(line)
        if drawn.header and drawn.section is not None:
            self.toggle_section(drawn.section)

    # within

    @property
    def _position_key(self) -> tuple[str, str]:
        return (self._document.key if self._document is not None else "", self._tab)

    def _open(self, document: Document) -> None:
        self._document = document
        self._tab = document.tab_to_open(self._wanted_tab)
        self._open_page(None)

    def _open_page(self, previous_page: PageLayout | None) -> None:
        self._make_page(previous_page)
        position = self._positions.get(self._position_key)
        self._follow = position is None and self.live
        self._cursor = 0
        if position is None and not self._follow:
            self._pending = None
            self._scroll(0)
            self._fill()
            self._resized()
            self.refresh()
        else:
            self._settle(position)

    def _make_page(self, previous_page: PageLayout | None) -> None:
        self._painter.forget_lines()
        self._page = None
        document = self._document
        tab = document.tab(self._tab) if document is not None else None
        if document is None or tab is None or self._width <= 0:
            return
        from etaoi_tui.detail.layout.page import PageLayout  # not needed for the first screen

        try:
            self._page = PageLayout(
                document, tab, self._width, self._shown_folds, previous_page, source=self.shows_source
            )
        except Exception as error:
            self._layout_failed(error)

    def _layout_failed(self, error: Exception) -> None:
        """Say in the tab's place why it cannot be shown; the other tabs stay."""
        document = self._document
        if document is None or not contained(self, error, f"The tab {self._tab!r} of the detail"):
            raise error
        from etaoi_tui.detail.document.failure import failed_sections
        from etaoi_tui.detail.document.model import Tab
        from etaoi_tui.detail.layout.page import PageLayout

        tab = Tab(self._tab, "", lambda: failed_sections(error))
        self._painter.forget_lines()
        self._page = PageLayout(document, tab, self._width, self._shown_folds)
        self._pending = None
        self.refresh()

    def _remember_position(self) -> None:
        if self._document is None or self._page is None:
            return
        key = self._position_key
        if self._follow or (self.scroll_offset.y == 0 and self._cursor == 0):
            self._positions.pop(key)
            return
        self._positions.put(key, self._here())
