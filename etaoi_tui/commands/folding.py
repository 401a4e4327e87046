"""Folding rows of the tree, turns of the lanes, and sections of the detail."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import Pane, command

_TREE: tuple[Pane, ...] = ("tree",)
_FOLDING: tuple[Pane, ...] = ("tree", "detail")


@command(
    "fold.in",
    keys=("left", "h"),
    label="fold",
    help="Fold, or go to the parent",
    group="Fold",
    panes=_TREE,
    footer=2,
    key_label="←→",
)
def fold_or_parent(at: Workspace) -> None:
    """Fold the row, or go to its parent."""
    at.release_follow()
    at.arrangement.work_view.fold_or_parent()


@command(
    "fold.out",
    keys=("right", "l"),
    label="unfold",
    help="Unfold, or go to the first child",
    group="Fold",
    panes=_TREE,
)
def unfold_or_child(at: Workspace) -> None:
    """Unfold the row, or go to its first child."""
    at.release_follow()
    at.arrangement.work_view.unfold_or_child()


@command("fold.toggle", keys=("space",), label="fold", help="Fold or unfold", group="Fold", panes=_FOLDING)
def toggle(at: Workspace) -> None:
    """Fold or unfold what is under the cursor."""
    if at.pane == "detail":
        at.detail.toggle_section_at_cursor()
    else:
        at.release_follow()
        at.arrangement.work_view.toggle()


@command(
    "fold.all",
    keys=("left_square_bracket",),
    label="fold all",
    help="Fold everything",
    group="Fold",
    panes=_FOLDING,
)
def fold_all(at: Workspace) -> None:
    """Fold everything."""
    if at.pane == "detail":
        at.detail.collapse_all()
    else:
        at.arrangement.work_view.fold_all()


@command(
    "fold.none",
    keys=("right_square_bracket",),
    label="unfold all",
    help="Unfold everything",
    group="Fold",
    panes=_FOLDING,
)
def unfold_all(at: Workspace) -> None:
    """Unfold everything."""
    if at.pane == "detail":
        at.detail.expand_all()
    else:
        at.arrangement.work_view.unfold_all()


@command("fold.less", keys=("o",), label="one level", help="Unfold one level more", group="Fold", panes=_TREE)
def unfold_one_level(at: Workspace) -> None:
    """Unfold one level more."""
    at.span_tree.rows.unfold_one_level()
    at.span_tree.rows_changed()


@command("fold.more", keys=("O",), label="one level", help="Fold one level more", group="Fold", panes=_TREE)
def fold_one_level(at: Workspace) -> None:
    """Fold one level more."""
    at.span_tree.rows.fold_one_level()
    at.span_tree.rows_changed()


@command(
    "plumbing.toggle",
    keys=("x",),
    label="inner steps",
    help="Show everything, inner and short steps too, or fold it again",
    group="Fold",
    words="internals hooks middleware hidden infrastructure langchain",
)
def toggle_inner_steps(at: Workspace) -> None:
    """Show everything that has a row at all, or fold what was folded."""
    rows = at.span_tree.rows
    rows.set_plumbing(not rows.show_internal)
    at.span_tree.rows_changed()
    at.answer(f"The framework's inner steps are {'shown' if rows.show_internal else 'hidden'}.")
