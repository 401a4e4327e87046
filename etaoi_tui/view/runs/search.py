"""The search in all runs at once: which have hits, found in slices, the shown one and the newest first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from etaoi_collector.projections.trace_names import is_run
from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.view.depth_first import root_of
from etaoi_tui.view.search import Reader, TraceSearch

if TYPE_CHECKING:
    from etaoi_collector.query import Query

_LOOKS = 32
"""Spans that are looked at between two looks at the clock."""


class RunsSearch:
    """The hits of one query in every run.

    Args:
        query: What is looked for.
        text: The query as it was typed.
        reader: Reads recorded events.
        runs: Those there are, in the order in which they are searched.

    Attributes:
        matching_runs: Runs with hits, in the order in which they were found; also those of which a list of
            runs tells that they have some.
    """

    def __init__(self, query: Query, text: str, reader: Reader, runs: Iterable[Trace]) -> None:
        self.text = text
        self.matching_runs: dict[Trace, None] = {}
        self._query = query
        self._reader = reader
        self._ahead = deque(runs)
        self._waiting = set(self._ahead)
        self._all = len(self._ahead)
        self._searches: dict[Trace, TraceSearch] = {}
        self._searched: set[Trace] = set()
        """Runs that were searched to their end."""
        self._arrived: dict[Span, None] = {}
        self._unread_hits: set[Trace] = set()
        """Runs that were not read, and have hits by what a list tells of them."""
        self._unknown: set[Trace] = set()
        """Runs that were not read, and of which a list does not tell enough."""

    @property
    def unknown(self) -> int:
        """How many runs have to be read before anybody can tell whether they have hits."""
        return len(self._unknown)

    @property
    def done(self) -> bool:
        """Whether every run that there was has been searched."""
        return not self._ahead

    @property
    def progress(self) -> float:
        """Share of the runs that were searched, 0 to 1."""
        return 1.0 if self.done else 1 - len(self._ahead) / max(self._all, 1)

    def hits(self) -> int:
        """Count the hits in all runs."""
        return sum(len(self.in_run(trace).hits) for trace in self.matching_runs)

    def in_run(self, trace: Trace) -> TraceSearch:
        """Return the search in one run, as far as it is."""
        search = self._searches.get(trace)
        if search is None:
            done = trace in self._searched
            search = TraceSearch(trace, self._query, self.text, self._reader, done=done)
            self._searches[trace] = search
        return search

    def apply(self, changes: Changes) -> None:
        """Take in what arrived; it is looked at by `work`."""
        for trace in changes.restructured:
            self._searches.pop(trace, None)
            self._searched.discard(trace)
            if trace.roots:
                self._search_later(trace)
        for trace in changes.traces:
            if not trace.spans:
                self._forget(trace)
        self._arrived.update(dict.fromkeys(changes.added))
        self._arrived.update(changes.changed)

    def work(self, budget: float) -> list[Trace]:
        """Search on for at most ``budget`` seconds.

        Returns:
            Runs in which something was found that had nothing before, or the other way round.
        """
        changed: dict[Trace, None] = {}
        deadline = time.perf_counter() + budget
        self._look_at_arrivals(deadline, changed)
        while self._ahead and time.perf_counter() < deadline:
            trace = self._ahead[0]
            if not trace.is_read:
                self._ask_list(trace, changed)
            if trace not in self._searched and trace.spans:
                search = self.in_run(trace)
                search.work(deadline - time.perf_counter())
                if search.done:
                    self._searched.add(trace)
                self._settle(trace, search, changed)
                if not search.done:
                    break
            self._ahead.popleft()
            self._waiting.discard(trace)
        return list(changed)

    def _ask_list(self, trace: Trace, changed: dict[Trace, None]) -> None:
        """Look at what a list tells of a run whose spans are not all there."""
        from etaoi_collector.query.listed import listed_answer  # not for the first screen

        answer = listed_answer(self._query, trace.listed) if trace.listed is not None else None
        if answer:
            self._unread_hits.add(trace)
            if is_run(trace) and trace not in self.matching_runs:
                self.matching_runs[trace] = changed[trace] = None
        elif answer is None and is_run(trace):
            self._unknown.add(trace)

    def _search_later(self, trace: Trace) -> None:
        if trace not in self._waiting:
            self._waiting.add(trace)
            self._ahead.append(trace)

    def _look_at_arrivals(self, deadline: float, changed: dict[Trace, None]) -> None:
        looks = 0
        while self._arrived:
            span = next(iter(self._arrived))
            del self._arrived[span]
            trace = root_of(span).trace
            if not trace.spans:
                continue
            if trace not in self._searched and trace not in self._searches:
                # Nobody has looked at this run: it is new, or waits for its turn.
                if len(trace.spans) <= _LOOKS:
                    self._searched.add(trace)
                    search = self.in_run(trace)
                    for member in trace.spans:
                        if root_of(member).trace is trace:
                            search.look(member)
                    self._settle(trace, search, changed)
                    continue
                self._search_later(trace)
                continue
            search = self.in_run(trace)
            search.look(span)
            self._settle(trace, search, changed)
            looks += 1
            if looks % _LOOKS == 0 and time.perf_counter() >= deadline:
                return

    def _settle(self, trace: Trace, search: TraceSearch, changed: dict[Trace, None]) -> None:
        """Note whether a run has hits; the searches of those without are not kept."""
        if trace.is_read:
            self._unread_hits.discard(trace)
            self._unknown.discard(trace)
        has_hits = (bool(search.hits) or trace in self._unread_hits) and is_run(trace)
        if has_hits != (trace in self.matching_runs):
            changed[trace] = None
            if has_hits:
                self.matching_runs[trace] = None
            else:
                del self.matching_runs[trace]
        if search.done and not search.hits:
            self._searches.pop(trace, None)

    def _forget(self, trace: Trace) -> None:
        self._searches.pop(trace, None)
        self._searched.discard(trace)
        self.matching_runs.pop(trace, None)
        self._unread_hits.discard(trace)
        self._unknown.discard(trace)
        if trace.listed is not None:  # what its list tells stays
            self._search_later(trace)
