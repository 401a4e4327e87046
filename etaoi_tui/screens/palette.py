"""Finds and runs anything by its name: commands, runs, recordings, themes; a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from etaoi_tui.screens.one_answer import OneAnswer
from etaoi_tui.text import cells, fit, one_line
from etaoi_tui.view.palette import PaletteEntry, matching

_MOST_LINES = 200
"""Entries that are shown; who looks for more types more."""

_FIRST_WIDTH = 80
"""Cells, until the list has a size."""

_PADDING = 2


class Palette(OneAnswer, ModalScreen[PaletteEntry | None]):
    """Answers with the entry that was chosen, or None.

    Args:
        entries: All there are, in the order in which they are offered.
        recent: Ids of entries that were used last, the newest first.
    """

    CSS = """
    Palette { align: center top; }
    Palette Vertical {
        width: 84; max-width: 96%; height: auto; max-height: 80%; margin-top: 2;
        background: $surface; border: round $primary;
    }
    Palette Input, Palette Input:focus { border: none; height: 1; padding: 0 1; background: $surface; }
    Palette OptionList, Palette OptionList:focus {
        height: auto; max-height: 24; border: none; padding: 0; background: $surface;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
        Binding("down,ctrl+n", "list('cursor_down')", "down", show=False),
        Binding("up,ctrl+p", "list('cursor_up')", "up", show=False),
        Binding("pagedown", "list('page_down')", "page", show=False),
        Binding("pageup", "list('page_up')", "page", show=False),
    ]

    def __init__(self, entries: Sequence[PaletteEntry], recent: Sequence[str]) -> None:
        super().__init__()
        self._entries = entries
        self._recent = recent
        self._shown: list[PaletteEntry] = []

    def compose(self) -> ComposeResult:
        """Make the line to type in, and the list below it."""
        with Vertical() as box:
            box.border_title = "find and run"
            box.border_subtitle = "↑↓ choose · ⏎ runs · esc closes"
            yield Input(placeholder="command, run, recording, theme: type any word", select_on_focus=False)
            found = OptionList(markup=False)
            found.can_focus = False
            yield found

    def on_mount(self) -> None:
        """Offer what is offered before anything is typed."""
        self._look_up("")

    def on_resize(self, event: events.Resize) -> None:
        """Put the notes to the right edge of the new width."""
        self.call_after_refresh(lambda: self._draw(self.query_one(OptionList).highlighted or 0))

    def action_list(self, name: str) -> None:
        """Move the cursor of the list."""
        getattr(self.query_one(OptionList), f"action_{name}")()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._look_up(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            self.dismiss(self._shown[at])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_index < len(self._shown):
            self.dismiss(self._shown[event.option_index])

    def _look_up(self, typed: str) -> None:
        found = matching(self._entries, typed, self._recent)
        self._shown = found[:_MOST_LINES]
        rest = len(found) - len(self._shown)
        box = self.query_one(Vertical)
        box.border_subtitle = (
            f"{rest:,} more: type more · ⏎ runs · esc closes" if rest else "↑↓ choose · ⏎ runs · esc closes"
        )
        self._draw(0)

    def _draw(self, cursor: int) -> None:
        options = self.query_one(OptionList)
        width = (options.scrollable_content_region.width or _FIRST_WIDTH) - _PADDING
        options.clear_options()
        if self._shown:
            options.add_options(Option(_line(entry, width)) for entry in self._shown)
            options.highlighted = cursor
        else:
            options.add_option(Option("  Nothing is called that.", disabled=True))


def _line(entry: PaletteEntry, width: int) -> Content:
    note = one_line(entry.note, width // 2)
    title = fit(one_line(entry.title, width), width - cells(note) - 2)
    return Content.assemble(f" {title}  ", (note, "dim"))
