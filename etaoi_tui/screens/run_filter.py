"""Filtering the list of runs, from wherever somebody asks for it."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace


def filter_runs(at: Workspace, query: str) -> None:
    """List only runs in which something is found."""
    at.arrangement.go_to("traces")
    at.search.open(query, in_list=True)
