"""The list of runs: folding conversations, and the order."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import Pane, command

_LIST: tuple[Pane, ...] = ("traces",)


@command(
    "runs.fold",
    keys=("left", "h"),
    label="fold",
    help="Fold the conversation, or go to it",
    group="Fold",
    panes=_LIST,
    footer=2,
    key_label="←→",
)
def fold_conversation(at: Workspace) -> None:
    """Fold the conversation, or go to its own line first."""
    at.traces.fold_or_head()


@command(
    "runs.unfold",
    keys=("right", "l"),
    label="unfold",
    help="Unfold the conversation, or its earlier runs",
    group="Fold",
    panes=_LIST,
)
def unfold_conversation(at: Workspace) -> None:
    """Unfold the conversation, then its earlier runs."""
    at.traces.unfold_or_enter()


@command(
    "runs.toggle",
    keys=("space",),
    label="fold",
    help="Fold or unfold the conversation",
    group="Fold",
    panes=_LIST,
)
def toggle_conversation(at: Workspace) -> None:
    """Fold or unfold the conversation."""
    at.traces.toggle()


@command(
    "runs.fold_all",
    keys=("left_square_bracket",),
    label="fold all",
    help="Fold every conversation",
    group="Fold",
    panes=_LIST,
)
def fold_conversations(at: Workspace) -> None:
    """Fold every conversation."""
    at.traces.fold_all(True)


@command(
    "runs.unfold_all",
    keys=("right_square_bracket",),
    label="unfold all",
    help="Show every run of every conversation",
    group="Fold",
    panes=_LIST,
)
def unfold_conversations(at: Workspace) -> None:
    """Give every run a row."""
    at.traces.fold_all(False)


@command(
    "runs.sort",
    keys=("S",),
    label="sort",
    help="Sort runs: by time, duration, cost, tokens, errors",
    group="Find",
)
def sort_runs(at: Workspace) -> None:
    """List runs in the next order."""
    at.answer(f"Runs: {at.traces.sort_next()}.")
