"""Going to what runs: the agents of the first line, by their number."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.activity import SLOTS
from etaoi_tui.view.command import command


@command(
    "now.go",
    keys=tuple(f"alt+{number}" for number in range(1, SLOTS + 1)),
    label="agent",
    help="Go to a running agent of the first line, by its number",
    group="Go",
    key_label=f"alt+1…{SLOTS}",
    words="now live running chip what happens",
)
def go_to_running_agent(at: Workspace) -> None:
    """Go to the agent whose number the key ends with; to the first for any other key."""
    last = at.last_key[-1:]
    at.go_to_agent(int(last) if last in map(str, range(1, SLOTS + 1)) else 1)
