"""Searching the trace that is shown."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "search.open",
    keys=("slash",),
    label="search",
    help="Search in this trace",
    group="Find",
    footer=4,
    # Done before the next key is looked at: what is typed behind it belongs to the search.
    priority=True,
    words="find grep filter query where text",
)
def open_search(at: Workspace) -> None:
    """Ask what to search."""
    if not at.arrangement.empty:
        at.search.open()


@command(
    "search.next",
    keys=("n",),
    label="next hit",
    help="Go to the next hit",
    group="Find",
    words="find match occurrence",
)
def go_to_next_hit(at: Workspace) -> None:
    """Go to the next hit."""
    at.search.next()


@command(
    "search.previous",
    keys=("N",),
    label="previous hit",
    help="Go to the previous hit",
    group="Find",
    words="find match occurrence",
)
def go_to_previous_hit(at: Workspace) -> None:
    """Go to the hit before."""
    at.search.previous()
