"""Reads the marks that the etaoi SDK sends beside a call as brackets: what is open is around the call."""

from __future__ import annotations

from dataclasses import dataclass, field

from etaoi_collector.store.model import Span


@dataclass(slots=True)
class ProbePair:
    """One wrap hook around a call.

    Attributes:
        down: The span that tells what it was given and sent down.
        up: The span that tells what it returned: the same one under our SDK; None if it is not known.
        nested: True under our SDK.
        placed: How a mark was found that had lost its parent.
        went_down_again: It called the rest of the chain once more after this call: what it returned is told
            with the last one.
        calls_inside: Model calls that ran below it while it called the rest of the chain once.
    """

    down: Span
    up: Span | None
    nested: bool
    placed: str = ""
    went_down_again: bool = False
    calls_inside: int = 1


@dataclass(slots=True)
class _Open:
    """A mark that went down and has not come back."""

    label: str
    down: Span
    placed: str
    calls: list[Span] = field(default_factory=list)
    wraps: list[ProbePair] = field(default_factory=list)
    """The hook in the chain of each call that ran below it."""


class ProbePairing:
    """The marks and calls of one graph node, read in the order in which they happened."""

    def __init__(self) -> None:
        self.chains: dict[int, list[ProbePair]] = {}
        """The hooks around each call, from the outermost, by the call's number."""
        self.asides: dict[int, str] = {}
        """Calls that a hook made for itself, on its way down: its name, by the call's number."""
        self._stack: list[_Open] = []

    def call(self, span: Span) -> None:
        """A model call begins."""
        chain = []
        for entry in self._stack:
            entry.calls.append(span)
            wrap = ProbePair(entry.down, None, False, entry.placed)
            entry.wraps.append(wrap)
            for one in entry.wraps:
                one.calls_inside = len(entry.wraps)
            chain.append(wrap)
        self.chains[span.number] = chain

    def down(self, label: str, span: Span, placed: str = "") -> None:
        """A hook calls the rest of the chain."""
        at = self._find(label)
        if at is not None and self._stack[at].calls:
            for wrap in self._stack[at].wraps:
                wrap.went_down_again = True
            del self._stack[at:]
        elif self._stack and self._stack[-1].calls:
            # The chain goes further down than where these calls were made: they were none of its own.
            for call in self._stack[-1].calls:
                self.asides.setdefault(call.number, label)
            for entry in self._stack:
                entry.calls, entry.wraps = [], []
        self._stack.append(_Open(label, span, placed))

    def up(self, label: str, span: Span, placed: str = "") -> None:
        """A hook has returned."""
        at = self._find(label)
        if at is None:
            return
        for wrap in self._stack[at].wraps:
            wrap.up = span
            wrap.placed = placed or wrap.placed
        del self._stack[at:]

    def may_return(self, label: str, at: float) -> bool:
        """Whether a hook of this name can come back at a moment: its call has."""
        found = self._find(label)
        if found is None:
            return False
        calls = self._stack[found].calls
        return bool(calls) and _over(calls[-1], at)

    def may_go_down(self, at: float) -> bool:
        """Whether a hook can call the rest of the chain at a moment: no call of the chain runs."""
        return all(_over(call, at) for entry in self._stack for call in entry.calls[-1:])

    def _find(self, label: str) -> int | None:
        return next((n for n in range(len(self._stack) - 1, -1, -1) if self._stack[n].label == label), None)


def _over(call: Span, at: float) -> bool:
    return call.ended_at is not None and call.ended_at <= at
