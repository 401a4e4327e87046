"""What a program that the viewer was started with has printed."""

from __future__ import annotations

from etaoi_tui.launcher.background import BackgroundCommand
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "program.output",
    keys=("P",),
    label="output",
    help="Show what the program of run --view prints",
    group="Do",
)
def show_output(at: Workspace) -> None:
    """Show the end of what it printed, and follow it."""
    from etaoi_tui.screens.program_output import ProgramOutput

    program = getattr(at.source, "program", None)
    if isinstance(program, BackgroundCommand):
        at.app.push_screen(ProgramOutput(program))
    else:
        at.app.notify("No program was started here: etaoi-tui run --view -- CMD does that.", markup=False)
