"""The spans of one turn."""

from __future__ import annotations

from dataclasses import dataclass, field

from etaoi_collector.store.model import Span
from etaoi_tui.view.voice.model import Turn


@dataclass(eq=False, slots=True)
class Group:
    """The spans of one turn, and the turn as it was when they were last folded."""

    key: str
    leaders: list[Span] = field(default_factory=list)
    turn: Turn | None = None
    version: int = 0
    """Grows with every fold."""
    dirty: bool = True
    order: tuple[float, int] = (0.0, 0)
    """Where it stands in the call: when it began, and the number of its first span."""
    earliest: Span | None = None
    """The leader that began first."""
    folded_at: float = 0.0
    number_counted: int = 0
    """The number under which its gap is counted."""
