"""Moving the cursor of the pane that has the keys."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "cursor.down",
    keys=("down", "j"),
    label="move",
    help="Move down",
    group="Move",
    footer=1,
    key_label="↑↓",
)
def move_down(at: Workspace) -> None:
    """Move the cursor one row down."""
    _move(at, 1)


@command("cursor.up", keys=("up", "k"), label="up", help="Move up", group="Move", key_label="↑ k")
def move_up(at: Workspace) -> None:
    """Move the cursor one row up."""
    _move(at, -1)


@command(
    "cursor.page_down", keys=("pagedown", "ctrl+d"), label="page", help="Half a screen down", group="Move"
)
def page_down(at: Workspace) -> None:
    """Move the cursor half a screen down."""
    _page(at, 0.5)


@command("cursor.page_up", keys=("pageup", "ctrl+u"), label="page", help="Half a screen up", group="Move")
def page_up(at: Workspace) -> None:
    """Move the cursor half a screen up."""
    _page(at, -0.5)


@command("cursor.first", keys=("home", "g"), label="first", help="Go to the first row", group="Move")
def go_to_first(at: Workspace) -> None:
    """Go to the first row."""
    if at.pane == "detail":
        at.detail.go_home()
    else:
        _let_go(at)
        at.arrangement.rows.move_to(0)


@command("cursor.last", keys=("end", "G"), label="last", help="Go to the last row", group="Move")
def go_to_last(at: Workspace) -> None:
    """Go to the last row."""
    if at.pane == "detail":
        at.detail.go_end()
    else:
        rows = at.arrangement.rows
        rows.move_to(rows.row_count - 1)


def _move(at: Workspace, rows: int) -> None:
    if at.pane == "detail" and not at.arrangement.empty:
        at.detail.move_cursor(rows)
    else:
        _let_go(at)
        at.arrangement.rows.move_by(rows)


def _page(at: Workspace, pages: float) -> None:
    if at.pane == "detail":
        (at.detail.page_down if pages > 0 else at.detail.page_up)()
    else:
        _let_go(at)
        at.arrangement.rows.page(pages)


def _let_go(at: Workspace) -> None:
    if at.pane == "tree":
        at.release_follow()
