"""Copying what is under the cursor."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "copy.open",
    keys=("y",),
    label="copy",
    help="Copy ids, the name, the value or the subtree",
    group="Do",
    footer=7,
    words="export clipboard yank json markdown id issue",
)
def open_copy_menu(at: Workspace) -> None:
    """Offer what can be copied."""
    from etaoi_tui.screens.copy_menu import CopyMenu

    span = at.selection.span
    if span is not None:
        at.app.push_screen(CopyMenu(span, at.payloads, at.detail.copy_target(), at.now(span.trace)))
