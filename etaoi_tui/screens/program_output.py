"""A page with what the program behind the viewer prints, at its end until the reader moves up."""

from __future__ import annotations

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Log

from etaoi_tui.launcher.background import BackgroundCommand
from etaoi_tui.screens.one_answer import OneAnswer
from etaoi_tui.text import printable

LOOK_EVERY = 0.3

_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Control sequences (ECMA-48, 5.4): programs print them for a terminal that they do not have here."""


class ProgramOutput(OneAnswer, ModalScreen[None]):
    """Shows the end of the output over the screen."""

    DEFAULT_CSS = """
    ProgramOutput { align: center middle; }
    ProgramOutput Log { width: 96%; height: 90%; background: $background; border: round $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,P", "dismiss(None)", "close", show=False),
        Binding("j", "log('scroll_down')", "down", show=False),
        Binding("k", "log('scroll_up')", "up", show=False),
        Binding("g", "log('scroll_home')", "first", show=False),
        Binding("G", "log('scroll_end')", "last", show=False),
    ]

    def __init__(self, program: BackgroundCommand) -> None:
        """Make a page.

        Args:
            program: What was started.
        """
        super().__init__()
        self._program = program
        self._drawn_text = ""

    def compose(self) -> ComposeResult:
        """Make the page."""
        log = Log(max_lines=20_000)
        log.border_title = printable(self._program.described)[:80].replace("[", r"\\[")
        yield log

    def on_mount(self) -> None:
        """Show what there is, and look again and again."""
        self._look()
        self.set_interval(LOOK_EVERY, self._look)

    def action_log(self, name: str) -> None:
        """Scroll."""
        getattr(self.query_one(Log), name)()

    def _look(self) -> None:
        log = self.query_one(Log)
        code = self._program.code
        log.border_subtitle = f"{'running' if code is None else f'ended: {code}'} · esc closes"
        text = _COLOURS.sub("", self._program.tail())
        if text == self._drawn_text:
            return
        at_end = log.is_vertical_scroll_end
        if text.startswith(self._drawn_text) and self._drawn_text:
            new = text[len(self._drawn_text) :]
        else:
            log.clear()
            new = text
        self._drawn_text = text
        log.write(printable(new, newline=True), scroll_end=at_end)
