"""Going to what runs: the agents of the first line, by their number."""

from __future__ import annotations

from etaoi_collector.store.model import Trace
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.activity import SLOTS
from etaoi_tui.view.command import Run, command


def _go_to(number: int) -> Run:
    def go(at: Workspace) -> None:
        target = at.now_line.target(number)
        if target is None:
            at.answer(f"No agent has the number {number} now.")
        elif isinstance(target, Trace):
            at.navigator.go_to_run(target)
        else:
            at.go_to_span(target)

    go.__name__ = f"go_to_agent_{number}"
    go.__module__ = __name__
    return go


for _number in range(1, SLOTS + 1):
    globals()[f"go_to_agent_{_number}"] = command(
        f"now.go_{_number}",
        keys=(f"alt+{_number}",),
        label=f"agent {_number}",
        help=f"Go to running agent {_number} of the first line",
        group="Go",
        words="now live running chip",
    )(_go_to(_number))
