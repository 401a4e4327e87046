"""Taking a value to another program: the editor, the pager, or a command that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etaoi_tui.screens.requests import ValueOpened
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Document


@command(
    "value.open",
    keys=("V",),
    label="editor",
    help="Open the value in $EDITOR or $PAGER",
    group="Do",
    words="view vim less external whole text",
)
def open_value(at: Workspace) -> None:
    """Open the value under the detail's cursor in the person's editor or pager."""
    target = at.detail.copy_target()
    if target is None:
        at.answer("Select a row first.")
    else:
        at.post_message(ValueOpened(target[1]))


@command(
    "value.pipe",
    keys=("vertical_line",),
    label="pipe",
    help="Pipe the value through a command, such as jq .",
    group="Do",
    words="shell jq grep filter command",
)
def pipe_value(at: Workspace) -> None:
    """Ask for a command and show what it makes of the value under the detail's cursor."""
    from etaoi_tui.screens.pipe import PipePrompt, PipeResult

    def show(result: Document | None) -> None:
        if result is not None:
            at.app.push_screen(PipeResult(result))

    target = at.detail.copy_target()
    if target is None:
        at.answer("Select a row first.")
    else:
        at.app.push_screen(PipePrompt(*target), show)
