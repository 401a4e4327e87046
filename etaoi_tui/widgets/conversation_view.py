"""The conversation that stands in the tree's place: a page with a cursor, moved by the keys of the tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from etaoi_tui.detail.layout.anchor import title_of
from etaoi_tui.view.command import PANE_KEYS
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.page_view import FIXED_ROWS, LinePosition

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section


class ConversationView(DetailPane):
    """A document that moves, folds and is measured as rows are."""

    HELP = """\
What was said, oldest first, with a line for each tool call. Agents below are folded. At its end it goes on
with what arrives. Enter goes to the span in the tree.
"""
    ROW_HEIGHT: ClassVar[int] = 1
    HEADER_HEIGHT: ClassVar[int] = FIXED_ROWS

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(empty="There is no conversation yet.", number=PANE_KEYS["tree"], id=id)
        self.moved: Callable[[], None] = lambda: None
        """Called when the person moved the cursor."""

    @property
    def at_end(self) -> bool:
        """Whether it goes on with what arrives."""
        return self._follow

    @property
    def sections(self) -> tuple[Section, ...]:
        """All sections of the page, those in folded groups too."""
        return self._page.sections if self._page is not None else ()

    # as rows

    @property
    def row_count(self) -> int:
        """Lines laid out so far."""
        return self.line_count

    def move_by(self, rows: int) -> None:
        """Move the cursor by lines."""
        self.move_cursor(rows)

    def move_to(self, row: int) -> None:
        """Move the cursor to a line; to the last one means to the end of all."""
        if row >= self.line_count - 1:
            self.go_end()
        else:
            self._go(row)

    def page(self, pages: float) -> None:
        """Move the cursor by a part of what is in view."""
        self.move_cursor(round(self._rows * pages) or (1 if pages > 0 else -1))

    def toggle(self) -> None:
        """Open or close what is under the cursor."""
        self.toggle_section_at_cursor()

    def fold_or_parent(self) -> None:
        """Close what is under the cursor, or go to the title before."""
        if self._is_open():
            self.toggle_section_at_cursor()
        else:
            self.previous_section()

    def unfold_or_child(self) -> None:
        """Open what is under the cursor, or go to the next title."""
        section = self.section_at_cursor
        if section is not None and section.foldable and not self._is_open():
            self.toggle_section_at_cursor()
        else:
            self.next_section()

    def fold_all(self) -> None:
        """Close everything."""
        self.collapse_all()

    def unfold_all(self) -> None:
        """Open everything."""
        self.expand_all()

    # places

    def go_to_section(self, key: str) -> None:
        """Put the cursor on a section's title, at the top of the view."""
        self._follow = False
        self._settle(LinePosition(title_of(key), title_of(key)))

    def follow_end(self) -> None:
        """Go to the end, and stay there."""
        self._follow = True
        self._settle(None)

    # within

    def _is_open(self) -> bool:
        section = self.section_at_cursor
        return section is not None and section.foldable and bool(self._page and self._page.is_open(section))

    def _go(self, line: int) -> None:
        super()._go(line)
        self.moved()
