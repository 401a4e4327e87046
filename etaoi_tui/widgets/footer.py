"""The last line: the keys that matter in the pane that has them."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from etaoi_tui.commands.registry import Action
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable

_ALWAYS = ("help.show", "app.quit")


class KeyFooter(LineWidget):
    """Shows as many actions as fit, in their order of importance; help and quit always."""

    DEFAULT_CSS = """
    KeyFooter { height: 1; background: $panel; color: $text-muted; }
    """
    LOOKS: ClassVar[StyleTable] = {
        "key-footer--key": "color: $text-primary; text-style: bold",
        "key-footer--note": "color: $text-accent",
    }

    class ActionClicked(Message):
        """The person clicked on a key."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._actions: list[Action] = []
        self._note = ""
        self._spots: list[tuple[int, int, str]] = []

    def show(self, actions: list[Action], note: str = "") -> None:
        """Show other keys.

        Args:
            actions: The most important first.
            note: A word in front of them, such as where the person is.
        """
        if actions != self._actions or note != self._note:
            self._actions, self._note = actions, note
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line and remember what stands where."""
        width = self.size.width
        base = self.look("")
        key_style = base + self.look("key-footer--key")
        note_style = base + self.look("key-footer--note")
        segments = [Segment(f" {self._note}", note_style)] if self._note else []
        at = cell_len(self._note) + 1 if self._note else 0
        spots = []
        for action in self._fitting(width - at):
            text = f" {action.shown_key} "
            end = at + cell_len(text) + cell_len(action.label) + 1
            segments += [Segment(text, key_style), Segment(action.label + " ", base)]
            spots.append((at, end, action.id))
            at = end
        self._spots = spots
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Run what was clicked on."""
        for first, last, action_id in self._spots:
            if first <= event.x < last:
                self.post_message(self.ActionClicked(action_id))

    def _fitting(self, width: int) -> list[Action]:
        always = [action for action in self._actions if action.id in _ALWAYS]
        room = width - sum(map(_cells, always))
        chosen = []
        for action in self._actions:
            if action in always:
                continue
            room -= _cells(action)
            if room < 0:
                break
            chosen.append(action)
        return chosen + always


def _cells(action: Action) -> int:
    return cell_len(action.shown_key) + cell_len(action.label) + 3
