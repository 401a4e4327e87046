"""What the person looks at: one trace, one span of it, and the turn of a call when all of one is meant.

There is one selection. List, tree, lanes and detail observe it, and say what the person chose in them; none
of them knows another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from etaoi_collector.store.model import Span, Trace

if TYPE_CHECKING:
    from etaoi_tui.view.voice.turn_group import Group


class SelectionChange(msgspec.Struct, frozen=True):
    """What changed about a selection.

    Attributes:
        trace: Another trace is shown, or the same from its beginning.
        by: The observer that said so.
        by_hand: A person moved there; otherwise the cursor went along with what arrived.
    """

    trace: bool
    by: object
    by_hand: bool


Observer = Callable[[SelectionChange], None]


class Selection:
    """The trace, the span and the turn that are selected."""

    def __init__(self) -> None:
        self.trace: Trace | None = None
        self.span: Span | None = None
        self.turn: Group | None = None
        self._observers: list[Observer] = []
        self._waiting: deque[SelectionChange] = deque()
        self._telling = False

    def watch(self, observer: Observer) -> None:
        """Let an observer know of every change, after those that came before it."""
        self._observers.append(observer)

    def show(self, trace: Trace | None, *, by: object = None, by_hand: bool = True) -> None:
        """Select a trace, with no span as yet: the tree knows which one comes first.

        Args:
            trace: None for nothing at all.
            by: Who says so.
            by_hand: Whether a person moved there.
        """
        self.trace, self.span, self.turn = trace, None, None
        self._tell(SelectionChange(True, by, by_hand))

    def select(
        self, span: Span | None, *, turn: Group | None = None, by: object = None, by_hand: bool = True
    ) -> None:
        """Select a span.

        Args:
            span: Of the trace that is shown, or one that the trace's tree holds.
            turn: The turn that it stands for as a whole.
            by: Who says so; an observer need not follow itself.
            by_hand: Whether a person moved there.
        """
        if span is self.span and turn is self.turn:
            return
        self.span, self.turn = span, turn
        self._tell(SelectionChange(False, by, by_hand))

    def complete(self, turn: Group | None) -> None:
        """Add the turn to the change that is being told: only the lanes know which one the span stands in."""
        self.turn = turn

    def _tell(self, change: SelectionChange) -> None:
        """Tell everybody; a change that an observer makes meanwhile is told when all know of the first."""
        self._waiting.append(change)
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                one = self._waiting.popleft()
                for observer in self._observers:
                    observer(one)
        finally:
            self._telling = False
            self._waiting.clear()
