"""Dialogs that answer once: what is typed behind the answer is for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
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
        if self.answered or self not in self.app.screen_stack:
            return AwaitComplete()
        self.answered = True
        return super().dismiss(result)

    async def _on_message(self, message: Message) -> None:
        if not (self.answered and isinstance(message, _ANSWERS)):
            await super()._on_message(message)


class Palette(OneAnswer, CommandPalette):
    """Textual's command palette, which answers once."""
