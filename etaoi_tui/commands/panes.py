"""Which pane has the keys, and how large it is."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import Pane, command

_NOT_DETAIL: tuple[Pane, ...] = ("traces", "tree")


@command("pane.next", keys=("tab",), label="pane", help="Go to the next pane", group="Panes", footer=11)
def go_to_next_pane(at: Workspace) -> None:
    """Give the keys to the next pane."""
    at.arrangement.step(1)


@command("pane.previous", keys=("shift+tab",), label="pane", help="Go to the previous pane", group="Panes")
def go_to_previous_pane(at: Workspace) -> None:
    """Give the keys to the pane before."""
    at.arrangement.step(-1)


@command(
    "pane.traces",
    keys=("1",),
    label="runs",
    help="Go to the runs",
    group="Panes",
    words="runs list sessions",
)
def go_to_traces(at: Workspace) -> None:
    """Give the keys to the list."""
    at.arrangement.go_to("traces")


@command(
    "pane.tree",
    keys=("2",),
    label="tree",
    help="Go to the span tree",
    group="Panes",
    words="spans waterfall",
)
def go_to_tree(at: Workspace) -> None:
    """Give the keys to the tree."""
    at.arrangement.go_to("tree")


@command(
    "pane.detail",
    keys=("3",),
    label="detail",
    help="Go to the detail",
    group="Panes",
    words="value page",
)
def go_to_detail(at: Workspace) -> None:
    """Give the keys to the detail."""
    at.arrangement.go_to("detail")


@command(
    "tab.next",
    keys=("right_curly_bracket",),
    label="tab",
    help="Next tab of the detail",
    group="Panes",
    panes=_NOT_DETAIL,
)
def open_next_tab(at: Workspace) -> None:
    """Open the tab to the right."""
    at.detail.next_tab()


@command(
    "tab.previous",
    keys=("left_curly_bracket",),
    label="tab",
    help="Previous tab of the detail",
    group="Panes",
    panes=_NOT_DETAIL,
)
def open_previous_tab(at: Workspace) -> None:
    """Open the tab to the left."""
    at.detail.previous_tab()


@command(
    "pane.zoom",
    keys=("z",),
    label="zoom",
    help="Give the pane the whole screen, or take it back",
    group="Panes",
    footer=9,
    words="maximise fullscreen large",
)
def zoom(at: Workspace) -> None:
    """Give the pane the whole screen, or take it back."""
    at.arrangement.zoom()


@command("pane.grow", keys=("plus",), label="grow", help="Make the pane larger", group="Panes")
def grow(at: Workspace) -> None:
    """Make the pane larger."""
    at.arrangement.grow(1)


@command("pane.shrink", keys=("underscore",), label="shrink", help="Make the pane smaller", group="Panes")
def shrink(at: Workspace) -> None:
    """Make the pane smaller."""
    at.arrangement.grow(-1)
