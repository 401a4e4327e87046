"""Search in one trace: finds in slices, keeps hits in the tree's order, takes in what arrives meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from etaoi_collector.projections.recorded_content import EventBytes as Reader
from etaoi_collector.projections.recorded_content import RecordedContent
from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.view.depth_first import Path, position, root_of
from etaoi_tui.view.snippets import Snippets

__all__ = ["Reader", "TraceSearch"]

if TYPE_CHECKING:
    from etaoi_collector.query import Query


class TraceSearch:
    """The hits of one query in one trace's tree.

    Attributes:
        text: The query as it was typed.
        hits: Matching spans in the tree's order, whether or not they have a row.
        done: Every span that had arrived when the search began has been looked at.
        snippets: The words around the matches in hits.
    """

    def __init__(self, trace: Trace, query: Query, text: str, reader: Reader, *, done: bool = False) -> None:
        self.trace = trace
        self.text = text
        self.hits: list[Span] = []
        self.done = done
        self._query = query
        self._content = RecordedContent(reader)
        self.snippets = Snippets(query, reader)
        self._members: set[Span] = set()
        self._ahead = self._walk()
        self._looked_at = 0

    def __contains__(self, span: Span) -> bool:
        return span in self._members

    @property
    def progress(self) -> float:
        """Share of the trace looked at so far, 0 to 1."""
        return 1.0 if self.done else min(self._looked_at / max(len(self.trace.spans), 1), 0.99)

    def work(self, budget: float) -> bool:
        """Look further for at most ``budget`` seconds; return True when hits were found."""
        if self.done:
            return False
        changed = False
        deadline = time.perf_counter() + budget
        for span in self._ahead:
            self._looked_at += 1
            changed |= self._look(span, fresh=True)
            if self._looked_at % 16 == 0 and time.perf_counter() >= deadline:
                return changed
        self.done = True
        return changed

    def apply(self, changes: Changes) -> None:
        """Look at what arrived or changed since."""
        if changes.restructured:
            self.hits = [hit for hit in self.hits if root_of(hit).trace is self.trace]
            self.hits.sort(key=_Ordered)
            self._members = set(self.hits)
        for spans in (changes.added, changes.changed):
            for span in spans:
                if root_of(span).trace is self.trace:
                    self._look(span, fresh=False)

    def look(self, span: Span) -> None:
        """Look at one span that arrived or changed."""
        self._look(span, fresh=False)

    def below(self, span: Span | None) -> Span | None:
        """Return the next hit below a span, the first of all for None; None behind the last."""
        at = position(self.hits, span) if span is not None else 0
        if at < len(self.hits) and self.hits[at] is span:
            at += 1
        return self.hits[at] if at < len(self.hits) else None

    def above(self, span: Span | None) -> Span | None:
        """Return the next hit above a span, the last of all for None; None in front of the first."""
        at = position(self.hits, span) if span is not None else len(self.hits)
        return self.hits[at - 1] if at else None

    def after(self, span: Span | None) -> Span | None:
        """Return the next hit below a span, from the top again behind the last."""
        if not self.hits:
            return None
        at = position(self.hits, span) if span is not None else 0
        if at < len(self.hits) and self.hits[at] is span:
            at += 1
        return self.hits[at % len(self.hits)]

    def before(self, span: Span | None) -> Span | None:
        """Return the next hit above a span, from the bottom again in front of the first."""
        if not self.hits:
            return None
        return self.hits[(position(self.hits, span) if span is not None else 0) - 1]

    def first_from(self, span: Span | None) -> Span | None:
        """Return the first hit that is a span or below it, from the top again; None until that is known."""
        at = position(self.hits, span) if span is not None else 0
        if at < len(self.hits):
            return self.hits[at]
        return self.hits[0] if self.hits and self.done else None

    def number_of(self, span: Span | None) -> int | None:
        """Return which hit a span is, counted from 1."""
        if span is None or span not in self._members:
            return None
        return position(self.hits, span) + 1

    def _look(self, span: Span, *, fresh: bool) -> bool:
        matches = self._query.matches(span, self._content)
        if matches == (span in self._members):
            return False
        at = position(self.hits, span)
        if matches:
            self.hits.insert(at, span)
            self._members.add(span)
        else:
            del self.hits[at]
            self._members.discard(span)
        return matches or not fresh

    def _walk(self) -> Iterator[Span]:
        stack = list(reversed(self.trace.roots))
        while stack:
            span = stack.pop()
            yield span
            if span.children:
                stack.extend(reversed(span.children))


class _Ordered:
    """Sort key for the tree's order."""

    __slots__ = ("span",)

    def __init__(self, span: Span) -> None:
        self.span = span

    def __lt__(self, other: _Ordered) -> bool:
        return Path(other.span).follows(self.span)
