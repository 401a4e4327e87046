"""Where the person was before each jump, so that they can go back, and forward again, across runs."""

from __future__ import annotations

from typing import NamedTuple

from etaoi_collector.store.model import Span, Trace

MOST = 100
"""Places that are remembered."""


class JumpTarget(NamedTuple):
    """A run, and a span in its tree."""

    trace: Trace
    span: Span | None

    @property
    def exists(self) -> bool:
        """Whether it is still in memory."""
        return bool(self.trace.spans)


class JumpHistory:
    """Places that were left by jumps."""

    def __init__(self) -> None:
        self._back: list[JumpTarget] = []
        self._forward: list[JumpTarget] = []
        self._series: object = None

    def leave(self, target: JumpTarget, series: object = None) -> None:
        """Remember the place that a jump leaves.

        Args:
            target: Where the person is.
            series: What the jump is a step of; of steps in a row only the first is remembered.
        """
        same = series is not None and series is self._series
        self._series = series
        if same or (self._back and self._back[-1] == target):
            return
        self._back.append(target)
        del self._back[:-MOST]
        self._forward.clear()

    def back(self, here: JumpTarget | None) -> JumpTarget | None:
        """Return the place before the last jump; None when there is none."""
        return self._go(self._back, self._forward, here)

    def forward(self, here: JumpTarget | None) -> JumpTarget | None:
        """Return the place that was gone back from; None when there is none."""
        return self._go(self._forward, self._back, here)

    def _go(
        self, stack: list[JumpTarget], other_stack: list[JumpTarget], here: JumpTarget | None
    ) -> JumpTarget | None:
        self._series = None
        while stack:
            target = stack.pop()
            if target.exists and target != here:
                if here is not None:
                    other_stack.append(here)
                return target
        return None
