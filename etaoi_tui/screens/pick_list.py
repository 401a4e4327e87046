"""A dialog with a line to type in and a list below it, which answers with what was chosen from the list."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

from etaoi_tui.screens.one_answer import OneAnswer

Answer = TypeVar("Answer")

_FIRST_WIDTH = 80
"""Cells, until the list has a size."""

_PADDING = 2


class PickList(OneAnswer, ModalScreen[Answer | None], Generic[Answer]):
    """Answers with the choice, or None. The line has the keys; those that move go to the list.

    A subclass fills `choices` and the lines of the list alike, and handles `Input.Changed`.
    """

    TITLE_TEXT: ClassVar[str] = ""
    HINT: ClassVar[str] = "⏎ chooses · esc closes"
    PLACEHOLDER: ClassVar[str] = ""

    DEFAULT_CSS = """
    PickList { align: center top; }
    PickList Vertical { max-width: 96%; height: auto; background: $surface; border: round $primary; }
    PickList Input, PickList Input:focus { border: none; height: 1; padding: 0 1; background: $surface; }
    PickList OptionList, PickList OptionList:focus {
        height: auto; border: none; padding: 0; background: $surface; scrollbar-size-vertical: 1;
    }
    PickList:ansi OptionList > .option-list--option-highlighted {
        background: ansi_blue; color: ansi_bright_white; text-style: bold;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
        Binding("down,ctrl+n", "list('cursor_down')", "down", show=False),
        Binding("up,ctrl+p", "list('cursor_up')", "up", show=False),
        Binding("pagedown", "list('page_down')", "page", show=False),
        Binding("pageup", "list('page_up')", "page", show=False),
    ]

    def __init__(self, text: str = "") -> None:
        """Make the dialog.

        Args:
            text: What stands in the line at first.
        """
        super().__init__()
        self.text = text
        self.choices: list[Answer] = []
        """What each line of the list stands for."""

    def compose(self) -> ComposeResult:
        """Make the line to type in, and the list below it."""
        with Vertical() as box:
            box.border_title = self.TITLE_TEXT
            box.border_subtitle = self.HINT
            yield Input(self.text, placeholder=self.PLACEHOLDER, select_on_focus=bool(self.text))
            options = OptionList(markup=False)
            options.can_focus = False
            yield options

    @property
    def box(self) -> Vertical:
        """The frame, which has a title and a hint."""
        return self.query_one(Vertical)

    @property
    def options(self) -> OptionList:
        """The list."""
        return self.query_one(OptionList)

    @property
    def line_width(self) -> int:
        """Cells that a line of the list has."""
        return (self.options.scrollable_content_region.width or _FIRST_WIDTH) - _PADDING

    def action_list(self, name: str) -> None:
        """Move the cursor of the list."""
        getattr(self.options, f"action_{name}")()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._choose(self.options.highlighted)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_index)

    def _choose(self, row: int | None) -> None:
        if row is not None and row < len(self.choices):
            self.dismiss(self.choices[row])
