"""Which model call of its run a call is: the third of thirteen.

Counted are the calls that were asked of a provider, in the order in which they began; one that gave another
one's answer as its own has that one's number.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from operator import attrgetter

from etaoi_collector.lru import Lru
from etaoi_collector.store.model import Span, SpanFlag, Trace

_RUNS_KEPT = 64
_SPANS_LOOKED_AT = 64
"""Spans below a call that are looked at for the one whose answer it gave."""

_STARTED = int(SpanFlag.STARTED)
_order = attrgetter("started_at", "number")


class _Calls:
    """The counted calls of a run, as far as its spans were looked at."""

    __slots__ = ("calls", "looked_at", "made_at", "not_started")

    def __init__(self, spans: int) -> None:
        self.calls: list[Span] = []
        self.looked_at = 0
        self.not_started: list[Span] = []
        """Spans that were looked at before their start came: what they are comes with it."""
        self.made_at = spans
        """How many spans the run had when its calls were last counted from the beginning."""

    def look(self, spans: list[Span]) -> None:
        waiting, self.not_started = self.not_started, []
        for span in [*waiting, *spans]:
            if not span.flags & _STARTED:
                self.not_started.append(span)
            elif span.kind == "llm" and not _wraps(span):
                insort(self.calls, span, key=_order)


class CallNumbers:
    """Numbers the model calls of the runs that are looked at."""

    def __init__(self) -> None:
        self._runs: Lru[Trace, _Calls] = Lru(_RUNS_KEPT)

    def of(self, span: Span) -> tuple[int, int] | None:
        """Return a call's number, counted from 1, and how many there are; None for what is no call."""
        if span.kind != "llm":
            return None
        counted = _answered_by(span)
        calls = self.calls(counted.trace)
        at = bisect_left(calls, _order(counted), key=_order)
        return (at + 1, len(calls)) if at < len(calls) and calls[at] is counted else None

    def calls(self, trace: Trace) -> list[Span]:
        """Return the counted calls of a run in the order in which they began."""
        spans = trace.spans
        numbered = self._runs.get(trace)
        if numbered is not None:
            numbered.look(spans[numbered.looked_at :])
            if len(numbered.calls) > trace.model_calls:
                numbered.calls = [span for span in numbered.calls if not _wraps(span)]
        if numbered is None or (len(numbered.calls) != trace.model_calls and numbered.made_at != len(spans)):
            numbered = _Calls(len(spans))
            numbered.look(spans)
            self._runs.put(trace, numbered)
        numbered.looked_at = len(spans)
        return numbered.calls


CALL_NUMBERS = CallNumbers()
"""The numbers of this process: rows, pages and the palette tell the same ones."""


def _wraps(span: Span) -> bool:
    return span.call is not None and span.call.wraps


def _answered_by(span: Span) -> Span:
    """Return the call inside a call whose answer it gave, or the call itself."""
    if not _wraps(span):
        return span
    stack = list(span.children or ())
    for _ in range(_SPANS_LOOKED_AT):
        if not stack:
            break
        inner = stack.pop()
        if inner.kind == "llm" and not _wraps(inner):
            return inner
        stack.extend(inner.children or ())
    return span
