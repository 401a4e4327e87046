"""What the reader chose for how details are shown; one for all details of a screen."""

from __future__ import annotations

from dataclasses import dataclass

from etaoi_collector.model import Span


@dataclass(slots=True)
class Reading:
    """A reader's choices.

    Attributes:
        marked: The call that others are compared with, if one is marked.
        against_marked: Compare with the marked call instead of the agent's call before.
        sides: Show edited text side by side.
    """

    marked: Span | None = None
    against_marked: bool = False
    sides: bool = False
    version: int = 0
    """Grows with every choice."""

    def mark(self, call: Span | None) -> None:
        """Mark a call; None forgets the mark."""
        self.marked = call
        self.against_marked = False
        self.version += 1

    def compare_with_marked(self, wanted: bool) -> None:
        """Choose what calls are compared with."""
        self.against_marked = wanted
        self.version += 1

    def toggle_sides(self) -> None:
        """Switch between side by side and below each other."""
        self.sides = not self.sides
        self.version += 1
