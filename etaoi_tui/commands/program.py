"""What concerns the viewer as a whole."""

from __future__ import annotations

from etaoi_tui.screens.requests import ThemeAsked
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "problems.show",
    keys=("exclamation_mark",),
    label="problems",
    help="Show what was rejected, lost or repeated",
    group="Why did it fail?",
    words="lost rejected dropped missing warnings log",
)
def show_problems(at: Workspace) -> None:
    """Show what did not go well."""
    from etaoi_tui.screens.problems import Problems

    at.app.push_screen(Problems(at.store, at.source.notices, at.faults.faults, at.settings_problems))


@command(
    "view.clear",
    keys=("ctrl+l",),
    label="clear",
    help="Clear the list (the recording stays)",
    group="Do",
    words="reset empty remove",
)
def clear(at: Workspace) -> None:
    """List only what comes from now on."""
    at.traces.clear()
    at.selection.show(None)
    at.arrangement.show_welcome(at.is_live)


@command(
    "theme.next",
    keys=("t",),
    label="theme",
    help="Change the theme: dark, light, the terminal's own, yours",
    group="Do",
    words="colour color dark light ansi contrast",
)
def change_theme(at: Workspace) -> None:
    """Go on to the next theme."""
    at.post_message(ThemeAsked())


@command(
    "palette.open",
    keys=("colon", "ctrl+p"),
    label="command",
    help="Find and run any command",
    group="Do",
    footer=12,
)
def open_palette(at: Workspace) -> None:
    """Open the palette."""
    at.app.action_command_palette()


@command(
    "help.show",
    keys=("question_mark", "f1"),
    label="help",
    help="Explain the pane and its keys",
    group="Do",
    footer=13,
    words="keys shortcuts manual legend glyphs",
)
def show_help(at: Workspace) -> None:
    """Explain the pane that has the keys."""
    from etaoi_tui.screens.help import Help

    at.app.push_screen(Help(at.arrangement.explained, at.pane, at.commands))


@command(
    "app.suspend",
    keys=("ctrl+z",),
    label="suspend",
    help="Suspend; the shell's fg comes back",
    group="Do",
    words="background shell stop",
)
def suspend(at: Workspace) -> None:
    """Give the terminal back to the shell for a while."""
    at.app.action_suspend_process()


@command(
    "app.quit",
    keys=("q", "ctrl+q"),
    label="quit",
    help="Quit; says where the recording is",
    group="Do",
    footer=14,
    words="exit close leave end",
)
def leave(at: Workspace) -> None:
    """Quit."""
    at.app.exit()
