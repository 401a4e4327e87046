"""Dialogs that answer once: what is typed behind the answer is for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual import events
from textual.await_complete import AwaitComplete
from textual.errors import NoWidget
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList

_ANSWERS = (events.InputEvent, OptionList.OptionSelected, Input.Submitted, Button.Pressed)

if TYPE_CHECKING:
    _Base = Screen[Any]
else:  # Textual looks for styles along the first bases that are nodes
    _Base = object


class OneAnswer(_Base):
    """A screen that can be dismissed once, and is deaf from then on; stands before `Screen` among the bases.

    Keys that came with the same read as the answer are on their way to the dialog when it closes. Textual
    would close the screen below it for them.
    """

    answered = False
    """The dialog has been answered and is about to go."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close the dialog with an answer; only the first one counts."""
        if self.answered or self.app.screen is not self:
            return AwaitComplete()
        self.answered = True
        return super().dismiss(result)

    def get_style_at(self, x: int, y: int) -> Style:
        """Return what is drawn in a cell, but nothing beside the dialog.

        Textual would draw the whole screen below for each move of the mouse there.
        """
        try:
            beside = self.get_widget_at(x, y)[0] is self
        except NoWidget:
            beside = True
        return Style.null() if beside else super().get_style_at(x, y)

    async def _on_message(self, message: Message) -> None:
        if not (self.answered and isinstance(message, _ANSWERS)):
            await super()._on_message(message)
