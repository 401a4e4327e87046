"""The peer for rows: Textual's own Tree with that many rows, as an app of its own.

    python -m benchmarks.peer_tree ROWS

``j`` moves the cursor down, ``t`` appends 20 rows to the newest branch as one tick would.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Tree

GROUP = 100
PER_TICK = 20


class PeerTree(App[None]):
    """A Tree with every branch open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "down", "Down", priority=True),
        Binding("t", "tick", "Tick", priority=True),
    ]

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.row_count = 0

    def compose(self) -> ComposeResult:
        """One tree and nothing else."""
        tree: Tree[None] = Tree("big")
        tree.root.expand()
        self.stock = tree
        self.branch = tree.root
        while self.row_count < self.rows:
            self.add_row()
        yield tree

    def add_row(self) -> None:
        """Append one row; every hundredth opens a new branch."""
        if self.row_count % GROUP == 0:
            self.branch = self.stock.root.add(f"group-{self.row_count:07d}", expand=True)
        else:
            self.branch.add_leaf(f"row-{self.row_count:07d}  12.4s  ok")
        self.row_count += 1

    def action_down(self) -> None:
        """Move the cursor."""
        self.stock.action_cursor_down()

    def action_tick(self) -> None:
        """Append what 10 ticks a second bring at 200 spans a second."""
        for _ in range(PER_TICK):
            self.add_row()


if __name__ == "__main__":
    PeerTree(int(sys.argv[1])).run()
