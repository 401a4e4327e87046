"""One line to type a search into; says how many hits there are, or what is wrong with the query."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from etaoi_tui.text import printable


class SearchBar(Horizontal):
    """Shown while searching; the tree narrows as one types."""

    DEFAULT_CSS = """
    SearchBar { height: 1; display: none; background: $panel; }
    SearchBar.-open { display: block; }
    SearchBar Static { width: auto; min-width: 3; padding: 0 1; color: $text-primary; text-style: bold; }
    SearchBar #search-note { color: $text-muted; text-style: none; max-width: 70%; }
    SearchBar #search-note.-error { color: $text-error; }
    SearchBar Input { border: none; height: 1; padding: 0; width: 1fr; background: $panel; }
    SearchBar Input:focus { border: none; }
    """
    BINDINGS = [  # noqa: RUF012 - Textual's form
        Binding("escape", "leave", "close the search", show=False),
        Binding("down", "keep", "to the hits", show=False),
    ]

    class Changed(Message):
        """Another text was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Submitted(Message):
        """The person is done typing and wants the hits."""

    class Cancelled(Message):
        """The person gave the search up."""

    def compose(self) -> ComposeResult:
        """Make the line."""
        yield Static(Content("/"))
        yield Input(placeholder='words, kind:tool, err:, dur>2s, "in a row"', id="search-input", compact=True)
        yield Static(Content(""), id="search-note")

    @property
    def is_open(self) -> bool:
        """Whether it is on the screen."""
        return self.has_class("-open")

    @property
    def has_keys(self) -> bool:
        """Whether what is typed goes into it."""
        return self.screen.focused is self.query_one(Input)

    def open(self, text: str) -> None:
        """Show it with a text to change."""
        self.add_class("-open")
        field = self.query_one(Input)
        field.value = text
        self.screen.set_focus(field)  # at once: the next key may be here already
        field.action_select_all()

    def close(self) -> None:
        """Take it away."""
        self.remove_class("-open")

    def note(self, text: str, *, error: bool = False) -> None:
        """Say something at its right end."""
        label = self.query_one("#search-note", Static)
        label.set_class(error, "-error")
        content = Content(printable(text))
        if label.content != content:  # a new text lays the whole screen out anew
            label.update(content)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as one types."""
        event.stop()
        if self.is_open:
            self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the hits."""
        event.stop()
        self.post_message(self.Submitted())

    def action_leave(self) -> None:
        """Give up."""
        self.post_message(self.Cancelled())

    def action_keep(self) -> None:
        """Go to the hits."""
        self.post_message(self.Submitted())
