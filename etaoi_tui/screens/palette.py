"""Finds and runs anything by its name: commands, runs, recordings, themes; a line each."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from etaoi_tui.screens.pick_list import PickList
from etaoi_tui.text import cells, fit, one_line
from etaoi_tui.view.palette import PaletteEntry, matching

_MOST_LINES = 200
"""Entries that are shown; who looks for more types more."""


class Palette(PickList[PaletteEntry]):
    """Answers with the entry that was chosen, or None.

    Args:
        entries: All there are, in the order in which they are offered.
        recent: Ids of entries that were used last, the newest first.
    """

    TITLE_TEXT = "find and run"
    HINT = "↑↓ choose · ⏎ runs · esc closes"
    PLACEHOLDER = "command, run, recording, theme: type any word"
    CSS = """
    Palette Vertical { width: 84; max-height: 80%; margin-top: 2; }
    Palette OptionList, Palette OptionList:focus { max-height: 24; }
    """

    def __init__(self, entries: Sequence[PaletteEntry], recent: Sequence[str]) -> None:
        super().__init__()
        self._entries = entries
        self._recent = recent

    def on_mount(self) -> None:
        """Offer what is offered before anything is typed."""
        self._look_up("")

    def on_resize(self, event: events.Resize) -> None:
        """Put the notes to the right edge of the new width."""
        self.call_after_refresh(lambda: self._draw(self.options.highlighted or 0))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._look_up(event.value)

    def _look_up(self, typed: str) -> None:
        matches = matching(self._entries, typed, self._recent)
        self.choices = matches[:_MOST_LINES]
        rest = len(matches) - len(self.choices)
        self.box.border_subtitle = f"{rest:,} more: type more · ⏎ runs · esc closes" if rest else self.HINT
        self._draw(0)

    def _draw(self, cursor: int) -> None:
        options, width = self.options, self.line_width
        options.clear_options()
        if self.choices:
            options.add_options(Option(_line(entry, width)) for entry in self.choices)
            options.highlighted = cursor
        else:
            options.add_option(Option("  Nothing is called that.", disabled=True))


def _line(entry: PaletteEntry, width: int) -> Content:
    note = one_line(entry.note, width // 2)
    title = fit(one_line(entry.title, width), width - cells(note) - 2)
    return Content.assemble(f" {title}  ", (note, "dim"))
