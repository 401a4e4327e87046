"""Explains the pane that had the keys: what it shows, and every key that works in it."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Markdown

from etaoi_tui.actions import _READABLE, Pane, in_pane


class Help(ModalScreen[None]):
    """A page over the screen; any of its keys closes it."""

    CSS = """
    Help { align: center middle; }
    Help VerticalScroll {
        width: 84; max-width: 96%; height: auto; max-height: 90%; background: $surface;
        border: round $primary; padding: 0 1;
    }
    Help Markdown { margin: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss(None)", "close", show=False),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, explained: Widget, pane: Pane) -> None:
        """Make a page.

        Args:
            explained: The widget whose ``HELP`` says what it shows.
            pane: Its pane, for the keys.
        """
        super().__init__()
        self._text = f"{explained.HELP or ''}\n{keys_in_markdown(pane)}\n\n`esc` closes this page."

    def compose(self) -> ComposeResult:
        """Make the page."""
        with VerticalScroll() as scroll:
            scroll.border_title = "help"
            yield Markdown(self._text, open_links=False)

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one(VerticalScroll).focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def keys_in_markdown(pane: Pane) -> str:
    """List a pane's keys by group, as a Markdown table."""
    lines = ["| keys | |", "|---|---|"]
    for group, actions in groupby(in_pane(pane), key=lambda action: action.group):
        lines.append(f"| | **{group}** |")
        for action in actions:
            keys = " ".join(f"`{_READABLE.get(key, key)}`" for key in action.keys)
            lines.append(f"| {keys} | {action.help} |")
    return "\n".join(lines)
