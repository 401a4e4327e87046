"""The last line: the keys that matter in the pane that has them, and what the viewer has to say."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from etaoi_tui.text import crop
from etaoi_tui.view.command import Command
from etaoi_tui.view.footer_messages import FooterMessage, FooterMessages
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable

_GLYPHS = {"information": "›", "warning": "!", "error": "✗"}
_ALWAYS = ("help.show", "app.quit")


class KeyFooter(LineWidget):
    """Shows as many commands as fit, in their order of importance; help and quit always."""

    DEFAULT_CSS = """
    KeyFooter { height: 1; background: $panel; color: $text-muted; }
    """
    LOOKS: ClassVar[StyleTable] = {
        "key-footer--key": "color: $kind-llm; text-style: bold",
        "key-footer--note": "color: $ink",
        "key-footer--information": "color: $ink; text-style: bold",
        "key-footer--warning": "color: $attention; text-style: bold",
        "key-footer--error": "color: $failure; text-style: bold",
    }

    class CommandClicked(Message):
        """The person clicked on a key."""

        def __init__(self, command_id: str) -> None:
            super().__init__()
            self.command_id = command_id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._commands: list[Command] = []
        self._note = ""
        self._spots: list[tuple[int, int, str]] = []
        self._messages = FooterMessages()

    @property
    def message(self) -> FooterMessage | None:
        """What is said at the moment."""
        return self._messages.current(time.monotonic())

    def say(self, message: FooterMessage) -> None:
        """Say a sentence in the keys' place for a while."""
        self._messages.add(message, time.monotonic())
        self._draw_message()

    def say_nothing(self) -> None:
        """Give the line back to the keys."""
        self._messages.clear()
        self.refresh()

    def _draw_message(self) -> None:
        self.refresh()
        if self.message is not None:
            self.set_timer(self._messages.seconds_left(time.monotonic()) + 0.01, self._draw_message)

    def show(self, commands: list[Command], note: str = "") -> None:
        """Show other keys.

        Args:
            commands: The most important first.
            note: A word in front of them, such as where the person is.
        """
        if commands != self._commands or note != self._note:
            self._commands, self._note = commands, note
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line and remember what stands where."""
        width = self.size.width
        base = self.look("")
        message = self.message
        if message is not None:
            self._spots = []
            text = crop(f" {_GLYPHS[message.severity]} {message.text}", width)
            return Strip(
                [Segment(text, base + self.look(f"key-footer--{message.severity}"))]
            ).adjust_cell_length(width, base)
        key_style = base + self.look("key-footer--key")
        note_style = base + self.look("key-footer--note")
        segments = [Segment(f" {self._note}", note_style)] if self._note else []
        at = cell_len(self._note) + 1 if self._note else 0
        spots = []
        for command in self._fitting(width - at):
            text = f" {command.shown_key} "
            end = at + cell_len(text) + cell_len(command.label) + 1
            segments += [Segment(text, key_style), Segment(command.label + " ", base)]
            spots.append((at, end, command.id))
            at = end
        self._spots = spots
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Run what was clicked on."""
        for first, last, command_id in self._spots:
            if first <= event.x < last:
                self.post_message(self.CommandClicked(command_id))

    def _fitting(self, width: int) -> list[Command]:
        always = [command for command in self._commands if command.id in _ALWAYS]
        room = width - sum(map(_cells, always))
        chosen = []
        for command in self._commands:
            if command in always:
                continue
            room -= _cells(command)
            if room < 0:
                break
            chosen.append(command)
        return chosen + always


def _cells(command: Command) -> int:
    return cell_len(command.shown_key) + cell_len(command.label) + 3
