"""A page whose sections open and close, and whose Markdown shows as it reads or as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_tui.widgets.page_view import LinePosition, PageView

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section
    from etaoi_tui.detail.layout.page import PageLayout


class FoldablePage(PageView):
    """Keeps what the reader opened and closed; subclasses make the page with it."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._folds: dict[str, bool] = {}
        self.shows_source = False
        """Markdown is shown as it was written."""

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
        self._fold(section.key, is_open)
        title = page.title_line(section.key)
        position = self._here()
        if title is not None and not is_open:
            position = LinePosition(
                position.top if title >= self.scroll_offset.y else page.anchor(title), page.anchor(title)
            )
        self._follow = False
        self._make_page(page)
        self._settle(position)

    def toggle_source(self) -> None:
        """Show Markdown as it was written, or as it reads."""
        self.shows_source = not self.shows_source
        if self._page is not None:
            self._lay_out_again(self._page)

    def expand_all(self) -> None:
        """Open every section of the tab."""
        self._fold_all(True)

    def collapse_all(self) -> None:
        """Close every section of the tab."""
        self._fold_all(False)

    # within

    def _make_page(self, previous_page: PageLayout | None) -> None:
        """Make the page anew; what is laid out in the one before can be taken over."""
        raise NotImplementedError

    def _fold(self, key: str, is_open: bool) -> None:
        """Remember what the reader did with a section."""
        self._folds[key] = is_open

    def _fold_all(self, is_open: bool) -> None:
        page = self._page
        if page is None:
            return
        for section in page.sections:
            if section.foldable:
                self._fold(section.key, is_open)
        self._lay_out_again(page)

    def _lay_out_again(self, page: PageLayout) -> None:
        position = self._here()
        self._make_page(page)
        self._follow = False
        self._settle(position)
