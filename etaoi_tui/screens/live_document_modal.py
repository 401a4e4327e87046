"""A page that is made anew while what it shows goes on: the agent card."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from etaoi_tui.detail.document.model import Document
from etaoi_tui.screens.document_modal import DocumentScreen
from etaoi_tui.widgets.detail_pane import DetailPane

REFRESH_SECONDS = 0.5


class LiveDocumentModal(DocumentScreen[str]):
    """Shows a document over the screen, and its newest state while it is live.

    Closes with the id of the span that the reader wants to go to; empty for none.
    """

    DEFAULT_CSS = """
    /* Opaque: to draw the screen below in dimmed colours takes longer than the page itself. */
    LiveDocumentModal { align: center middle; background: $background; }
    LiveDocumentModal:ansi { background: ansi_default; }
    LiveDocumentModal Vertical { width: 100%; max-width: 140; height: 100%; border: round $primary; }
    LiveDocumentModal DetailPane { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close", show=False),
        Binding("p,enter", "follow", "go to", show=False),
        Binding("a", "other", "next", show=False),
        Binding("full_stop", "pane('next_section')", "section", show=False),
        Binding("comma", "pane('previous_section')", "section", show=False),
    ]

    def __init__(self, make: Callable[[int, int], Document], title: str, several: int) -> None:
        """Make a page.

        Args:
            make: Makes the document, given which of several things to show and the cells of a line.
            title: Title of the box; not from outside.
            several: How many things there are to go through with ``a``.
        """
        super().__init__()
        self._make = make
        self._title = title
        self._several = several
        self._number = 0

    def compose(self) -> ComposeResult:
        """Make the page."""
        with Vertical() as box:
            box.border_title = self._title
            yield DetailPane()

    def on_mount(self) -> None:
        """Fill the page once it has a size."""
        self.call_after_refresh(self._draw)
        self.set_interval(REFRESH_SECONDS, self._draw_if_live)

    def action_close(self) -> None:
        """Close the page."""
        self.dismiss("")

    def action_other(self) -> None:
        """Show the next of several things."""
        self._number = (self._number + 1) % max(self._several, 1)
        self._draw()

    def action_follow(self) -> None:
        """Go to the span of the section under the cursor, or fold the section if it has none."""
        pane = self.pane
        section = pane.section_at_cursor
        if section is not None and section.target:
            self.dismiss(section.target)
        else:
            pane.toggle_section_at_cursor()

    def _draw(self) -> None:
        document = self._make(self._number, max(self.pane.size.width - 6, 20))
        self.pane.show(document)
        pages = "{ } pages · " if len(document.tabs) > 1 else ""
        more = f"a: next of {self._several} · " if self._several > 1 else ""
        keys = f"{pages}space fold · p go to · {more}esc closes"
        self.query_one(Vertical).border_subtitle = keys

    def _draw_if_live(self) -> None:
        if self.pane.live:
            self._draw()
