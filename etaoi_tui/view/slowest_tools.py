"""The slowest tool calls of each conversation, kept as they end."""

from __future__ import annotations

from bisect import insort
from itertools import chain

from etaoi_collector.store.model import Changes, Session, Span, SpanFlag, Trace

MOST_TOOLS = 9
"""Tool calls of one conversation that are remembered."""

_ENDED = int(SpanFlag.ENDED)


class SlowestTools:
    """Remembers the slowest tool calls of each conversation: a thread of a session, or one that names none.

    Attributes:
        last_shown: The call that was shown last; going on from it leads to the next slowest.
    """

    def __init__(self) -> None:
        self.last_shown: Span | None = None
        self._calls: dict[tuple[Session, str | None], list[Span]] = {}

    def apply(self, changes: Changes) -> None:
        """Take in what a tick changed."""
        for span in chain(changes.added, changes.changed):
            if span.kind == "tool" and span.flags & _ENDED and not span.is_folded_away:
                self._take(span)
        if self._calls:
            for trace in changes.restructured:
                if not trace.spans:
                    self._forget(trace)

    def of(self, trace: Trace) -> list[Span]:
        """Return the slowest calls that have ended of a run's conversation, the slowest first."""
        return list(self._calls.get((trace.session, trace.thread), ()))

    def _take(self, span: Span) -> None:
        calls = self._calls.setdefault((span.trace.session, span.trace.thread), [])
        if span in calls:
            calls.remove(span)
        elif len(calls) == MOST_TOOLS and _slowness(calls[-1]) <= _slowness(span):
            return
        insort(calls, span, key=_slowness)
        del calls[MOST_TOOLS:]

    def _forget(self, trace: Trace) -> None:
        """Drop the calls of a run that left memory."""
        key = (trace.session, trace.thread)
        calls = [call for call in self._calls.get(key, ()) if call.trace is not trace]
        if calls:
            self._calls[key] = calls
        else:
            self._calls.pop(key, None)


def _slowness(span: Span) -> tuple[float, int]:
    ended = span.ended_at if span.ended_at is not None else span.started_at
    return -(ended - span.started_at), span.number
