"""Pairs what SDKs record of middleware: which hooks are around which call.

The probe events that the etaoi SDK sends beside a call are read as brackets: what is open is around the call.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

import msgspec

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.middleware.hooks import is_hook, own_seconds, seconds_before

EVENTS_AROUND = 64
"""Siblings on either side that are looked at for the bracket of a probe event."""

_PROBE = int(SpanFlag.PROBE)
_DOWN = int(SpanFlag.INTERNAL)
"""What the store flags probe events with that were sent on the way down."""

_order = attrgetter("started_at", "number")


class ProbePair(msgspec.Struct):
    """One wrap hook around a call.

    Attributes:
        down: The span that tells what it was given and sent down.
        up: The span that tells what it returned: the same one under our SDK; None if it is not known.
        nested: True under our SDK.
        placed: How a probe event was found that had lost its parent.
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

    def own_seconds(self, now: float | None = None) -> float | None:
        """Return what the hook took by itself; None if that is not known.

        Measured where it is nested. Else it is about the time before its two probe events: what ran last
        before an event had ended when the hook went on.
        """
        if self.nested:
            return own_seconds(self.down, now)
        parts = [seconds_before(event) for event in (self.down, self.up) if event is not None]
        times = [seconds for seconds in parts if seconds is not None]
        return sum(times) if times else None


class _Open(msgspec.Struct):
    """A hook that called the rest of the chain and has not returned."""

    label: str
    down: Span
    placed: str
    calls: list[Span] = msgspec.field(default_factory=list)
    wraps: list[ProbePair] = msgspec.field(default_factory=list)
    """The hook in the chain of each call that ran below it."""


class ProbePairing:
    """The probe events and calls of one graph node, read in the order in which they happened."""

    def __init__(self) -> None:
        self.chains: dict[int, list[ProbePair]] = {}
        """The hooks around each call, from the outermost, by the call's number."""
        self.asides: dict[int, str] = {}
        """Calls that a hook made for itself, on its way down: its name, by the call's number."""
        self._stack: list[_Open] = []

    @property
    def is_open(self) -> bool:
        """Whether a hook has called the rest of the chain and not returned."""
        return bool(self._stack)

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

    def up(self, label: str, span: Span, placed: str = "") -> bool:
        """A hook has returned; False if none of its name had gone down."""
        at = self._find(label)
        if at is None:
            return False
        for wrap in self._stack[at].wraps:
            wrap.up = span
            wrap.placed = placed or wrap.placed
        del self._stack[at:]
        return True

    def may_return(self, label: str, at: float) -> bool:
        """Whether a hook of this name can come back at a moment: its call has."""
        at_index = self._find(label)
        if at_index is None:
            return False
        calls = self._stack[at_index].calls
        return bool(calls) and _over(calls[-1], at)

    def may_go_down(self, at: float) -> bool:
        """Whether a hook can call the rest of the chain at a moment: no call of the chain runs."""
        return all(_over(call, at) for entry in self._stack for call in entry.calls[-1:])

    def _find(self, label: str) -> int | None:
        return next((n for n in range(len(self._stack) - 1, -1, -1) if self._stack[n].label == label), None)


def _over(call: Span, at: float) -> bool:
    return call.ended_at is not None and call.ended_at <= at


class Bracket(msgspec.Struct):
    """Probe events in a row that belong together, and the calls between them.

    Attributes:
        spans: All of them, in order; empty if there are none, or too many to look through.
        pairing: The hooks around each of the calls.
    """

    spans: list[Span] = msgspec.field(default_factory=list)
    pairing: ProbePairing = msgspec.field(default_factory=ProbePairing)

    @property
    def calls(self) -> list[Span]:
        """The calls between the events, in order."""
        return [span for span in self.spans if not is_hook(span)]


def bracket_of(event: Span) -> Bracket:
    """Return the bracket that a probe event, or a call between two, belongs to."""
    parent = event.parent
    if parent is None or is_hook(parent):
        return Bracket()
    siblings = parent.children or []
    at = bisect_left(siblings, _order(event), key=_order)
    first = at
    while first > 0 and may_belong(siblings[first - 1]):
        first -= 1
        if at - first > EVENTS_AROUND:
            return Bracket()
    spans: list[Span] = []
    pairing = ProbePairing()
    for n in range(first, min(len(siblings), at + EVENTS_AROUND)):
        span = siblings[n]
        flags = span.flags
        if not flags & _PROBE:
            if span.kind != "llm":
                break
            if pairing.is_open:
                spans.append(span)
            pairing.call(span)
        elif flags & _DOWN:
            if not pairing.is_open:
                if n > at:
                    break
                if spans:
                    spans, pairing = [], ProbePairing()
            pairing.down(span.name, span)
            spans.append(span)
        elif pairing.up(span.name, span):
            spans.append(span)
    return Bracket(spans, pairing) if event in spans else Bracket()


def may_belong(span: Span) -> bool:
    """Whether a span may stand between the probe events of a bracket."""
    return is_hook(span) or span.kind == "llm"
