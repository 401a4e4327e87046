"""Documents on a page over the screen, with the keys of the detail pane."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from etaoi_tui.detail.document.model import Document
from etaoi_tui.screens.one_answer import OneAnswer
from etaoi_tui.widgets.detail_pane import DetailPane

Result = TypeVar("Result")


class DocumentScreen(OneAnswer, ModalScreen[Result]):
    """A detail pane over the screen: its keys, and time to lay out what is long."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "pane('cursor_down')", "down", show=False),
        Binding("up,k", "pane('cursor_up')", "up", show=False),
        Binding("pagedown,ctrl+d", "pane('page_down')", "page", show=False),
        Binding("pageup,ctrl+u", "pane('page_up')", "page", show=False),
        Binding("home,g", "pane('go_home')", "first", show=False),
        Binding("end,G", "pane('go_end')", "last", show=False),
        Binding("right,l,right_curly_bracket,tab", "pane('next_tab')", "tab", show=False),
        Binding("left,h,left_curly_bracket,shift+tab", "pane('previous_tab')", "tab", show=False),
        Binding("space", "pane('toggle_section_at_cursor')", "fold", show=False),
    ]

    @property
    def pane(self) -> DetailPane:
        """Where the document is."""
        return self.query_one(DetailPane)

    def on_mount(self) -> None:
        """Give the pane the keys, and a slice of time again and again."""
        # Textual calls this beside the `on_mount` of a subclass, which does not have to.
        self.pane.focus()
        self.set_interval(0.1, lambda: self.pane.work(8))

    def action_pane(self, name: str) -> None:
        """Do something with the pane."""
        getattr(self.pane, name)()


class DocumentModal(DocumentScreen[None]):
    """Shows a document until a key closes it."""

    DEFAULT_CSS = """
    DocumentModal { align: center middle; }
    DocumentModal Vertical {
        width: 104; max-width: 96%; height: 84%; background: $background; border: round $primary;
    }
    DocumentModal DetailPane { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,exclamation_mark,enter", "dismiss(None)", "close", show=False),
    ]
    TITLE_TEXT: ClassVar[str] = ""

    def __init__(self, document: Document) -> None:
        """Make a page.

        Args:
            document: What it shows.
        """
        super().__init__()
        self._document = document

    def compose(self) -> ComposeResult:
        """Make the page."""
        with Vertical() as box:
            box.border_title = self.TITLE_TEXT
            several = len(self._document.tabs) > 1
            box.border_subtitle = "{ } pages · esc closes" if several else "esc closes"
            yield DetailPane()

    def on_mount(self) -> None:
        """Fill the page."""
        self.pane.show(self._document)
