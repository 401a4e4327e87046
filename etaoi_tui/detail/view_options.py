"""What the reader chose for how details are shown; one for all details of a screen."""

from __future__ import annotations

from typing import Literal

import msgspec

from etaoi_collector.store.model import Span

Base = Literal["before", "step", "marked"]
"""What a call is compared with: the agent's call before, the same step of its run before, the marked call."""

BASES: tuple[Base, ...] = ("before", "step", "marked")


class ViewOptions(msgspec.Struct):
    """A reader's choices.

    Attributes:
        marked: The call that others are compared with, if one is marked.
        base: What calls are compared with.
        sides: Show edited text side by side.
    """

    marked: Span | None = None
    base: Base = "before"
    sides: bool = False
    version: int = 0
    """Grows with every choice."""

    def mark(self, call: Span | None) -> None:
        """Mark a call; None forgets the mark."""
        self.marked = call
        if self.base == "marked":
            self.base = "before"
        self.version += 1

    def compare_with(self, base: Base) -> None:
        """Choose what calls are compared with."""
        self.base = base
        self.version += 1

    def next_base(self) -> Base:
        """Compare with the next thing there is, after the last with the first; return which it is."""
        there = [base for base in BASES if base != "marked" or self.marked is not None]
        at = there.index(self.base) if self.base in there else -1
        self.compare_with(there[(at + 1) % len(there)])
        return self.base

    def toggle_sides(self) -> None:
        """Switch between side by side and below each other."""
        self.sides = not self.sides
        self.version += 1
