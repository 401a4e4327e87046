"""Searching all runs: the one that is shown first, or, in the list, which of them to list."""

from __future__ import annotations

from etaoi_tui.screens.run_filter import filter_runs
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "search.open",
    keys=("slash",),
    label="search",
    help="Search all runs; in the list: list those with hits",
    group="Find",
    footer=6,
    # Done before the next key is looked at: what is typed behind it belongs to the search.
    priority=True,
    words="find grep filter query where text",
)
def open_search(at: Workspace) -> None:
    """Ask what to search."""
    if not at.arrangement.empty:
        at.search.open(in_list=at.pane == "traces")


@command(
    "search.next",
    keys=("n",),
    label="next hit",
    help="Go to the next match in the detail, then to the next hit, and on into the next run",
    group="Find",
    words="find match occurrence",
)
def go_to_next_hit(at: Workspace) -> None:
    """Go to the next occurrence in the detail, or the next hit, in this run or the next one that has any."""
    if not at.search.next():
        at.answer("Nothing is searched: / asks for what.")


@command(
    "search.previous",
    keys=("N",),
    label="previous hit",
    help="Go to the previous match in the detail, then to the hit before, and on into the run before",
    group="Find",
    words="find match occurrence",
)
def go_to_previous_hit(at: Workspace) -> None:
    """Go to the occurrence before in the detail, or the hit before, in this run or the one before."""
    if not at.search.previous():
        at.answer("Nothing is searched: / asks for what.")


@command(
    "filter.facets",
    keys=("F",),
    label="facets",
    help="List runs by what they have: states, agents, models, tools, errors",
    group="Find",
    words="filter facet narrow status agent model tool saved",
)
def offer_facets(at: Workspace) -> None:
    """Offer what runs can be filtered by, with how many have it."""
    from etaoi_tui.screens.facets import FacetPicker
    from etaoi_tui.view.runs.facets import Facets

    if at.arrangement.empty:
        return

    def chosen(query: str | None) -> None:
        if query:
            filter_runs(at, f"{at.search.text} {query}" if at.search.in_list and at.search.text else query)

    facets = Facets(list(at.traces.all.newest_first()))
    at.app.push_screen(FacetPicker(facets, at.arrangement.sizes.filters), chosen)
