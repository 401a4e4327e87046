"""The search: the bar, what is looked for in all runs, the list that shows those with hits, and going on."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from etaoi_collector.sources.base import Source
from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.screens.detail_controller import DetailController
from etaoi_tui.view import format as fmt
from etaoi_tui.view.runs.saved_filters import NamedFilter, read_filter
from etaoi_tui.view.runs.search import RunsSearch
from etaoi_tui.view.search import TraceSearch
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.search_bar import SearchBar
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.trace_list import TraceList

_SEARCH_BUDGET = 0.03
"""Seconds a tick spends on a running search."""


class SearchController:
    """Searches as the person types, a slice a tick: the run that is shown first, then all others."""

    def __init__(
        self,
        selection: Selection,
        tree: SpanTree,
        runs: TraceList,
        bar: SearchBar,
        source: Source,
        saved: MutableMapping[str, str],
        go_to: Callable[[Span], None],
        read: Callable[[Trace, Callable[[Trace], None]], None],
        detail: DetailController,
    ) -> None:
        """Watch a selection.

        Args:
            selection: Whose run is searched first.
            tree: Lights the hits in it.
            runs: Knows all runs, and lists those with hits.
            bar: Where the query is typed.
            source: Reads payloads.
            saved: Filters by name; changed in place.
            go_to: Shows a span, in whichever run it is.
            read: Shows a run that was not read, and tells when it is.
            detail: Marks what is looked for in the span that is shown.
        """
        self.text = ""
        """What was searched last."""
        self.in_list = False
        """The list shows the runs with hits alone."""
        self._selection = selection
        self._tree = tree
        self._list = runs
        self._bar = bar
        self._source = source
        self._saved = saved
        self._go_to_span = go_to
        self._read = read
        self._search: RunsSearch | None = None
        self._named = NamedFilter("")
        self._detail = detail
        self._origin: tuple[Trace | None, Span | None] = (None, None)
        """Where the person was when the bar opened."""
        self._was_following = False
        self._landing = 1
        selection.watch(self._selection_changed)

    @property
    def active(self) -> bool:
        """Whether there is a search to leave."""
        return self._search is not None or self._bar.is_open

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace:
            self._light()
        if self._search is not None:
            self._mark()
            self._show_count()

    def open(self, text: str | None = None, *, in_list: bool) -> None:
        """Ask what to search.

        Args:
            text: What to begin with; None for what was searched last.
            in_list: List only runs in which something is found.
        """
        self.in_list = in_list
        text = self.text if text is None else text
        self._origin = (self._selection.trace, self._selection.span)
        self._was_following = self._tree.following
        self._bar.open(text)
        self.change(text)

    def change(self, text: str) -> None:
        """Search another text."""
        from etaoi_collector.query import QueryError, parse_query  # not needed for the first screen

        self.text = text
        self._search = None
        self._named = NamedFilter("")
        try:
            self._named = read_filter(text, self._saved)
            query = parse_query(self._named.query)
        except QueryError as error:
            self._bar.note(str(error), error=True)
        else:
            self._bar.note("")
            if query is not None:
                self._search = RunsSearch(query, text, self._source, self._runs())
                self.work()
        self._light()
        self._filter()
        self._to_hit_from_origin()
        self._mark()
        self._tree.refresh()

    def _to_hit_from_origin(self) -> None:
        """While one types: go to the first hit from where the person was, or back there without one."""
        trace, span = self._origin
        if not self._bar.is_open or not self._bar.has_keys or self.in_list:
            return
        if trace is None or trace is not self._selection.trace:
            return
        here = self._here
        target = here.first_from(span) if here is not None else None
        if target is None and (here is None or here.done):
            target = span
        if target is not None and target is not self._selection.span:
            # No jump to come back from: that is one when the search is kept.
            self._tree.follow(False)
            self._tree.select(target)

    def _mark(self) -> None:
        """Mark the words in the detail of a hit."""
        here, span = self._here, self._selection.span
        is_hit = here is not None and span is not None and span in here
        words = here.snippets.marked if here is not None and is_hit else ()
        self._detail.look_for(words, landing=self._landing)

    def _runs(self) -> list[Trace]:
        """Return all runs, the one that is shown first."""
        shown_trace = self._selection.trace
        runs = [] if shown_trace is None else [shown_trace]
        return runs + [trace for trace in self._list.all.newest_first() if trace is not shown_trace]

    def _light(self) -> None:
        """Light the hits of the run that is shown."""
        trace = self._selection.trace
        lit = self._search is not None and trace is not None
        self._tree.search = self._search.in_run(trace) if lit and self._search and trace else None
        self._tree.refresh()

    def _filter(self) -> None:
        search = self._search if self.in_list else None
        self._list.note = self.text if search is not None else ""
        self._list.show_only(None if search is None else search.matching_runs)

    def keep(self) -> None:
        """Go to a hit once typing is done, and keep the filter if it was given a name."""
        search = self._search
        if search is None:
            self.close()
            return
        if self._named.name:
            self._saved[self._named.name] = self._named.body
            self._bar.note(f"Kept as @{self._named.name}.")
        here = self._here
        trace, origin = self._origin
        hit = self._selection.span
        if trace is self._selection.trace and origin is not None and hit is not None and not self.in_list:
            self._tree.select(origin)
            self._go_to(hit)
        if here is not None and here.hits:
            if here.number_of(self._selection.span) is None:
                self._go_to(here.after(self._selection.span))
        else:
            self._to_other_run(1)

    def close(self) -> None:
        """End the search."""
        self._search = None
        self.in_list = False
        self._tree.search = None
        self._detail.look_for(())
        self._bar.close()
        self._filter()
        self._tree.refresh()

    def give_up(self) -> None:
        """End the search and go back to where the person was when it began."""
        trace, span = self._origin
        in_list = self.in_list
        self.close()
        if in_list or trace is None or trace is not self._selection.trace:
            return
        if span is not None:
            self._tree.select(span)
        if self._was_following:
            self._tree.follow(True)

    def next(self) -> bool:
        """Go to the next occurrence, hit, or run with hits behind the last; False if nothing is searched."""
        return self._step(1)

    def previous(self) -> bool:
        """Go to the occurrence, hit, or run with hits before; False if nothing is searched."""
        return self._step(-1)

    def apply(self, changes: Changes) -> None:
        """Take in what a tick changed, and search on."""
        if self._search is not None:
            self._search.apply(changes)
            self.work()

    def work(self) -> None:
        """Search on for a slice of time."""
        search = self._search
        if search is None:
            return
        here = self._here
        had = 0 if here is None else len(here.hits)
        matched = search.work(_SEARCH_BUDGET)
        if matched and self.in_list:
            self._list.look_again(matched)
        here = self._here
        if here is not None and len(here.hits) != had:
            self._tree.refresh()
            self._to_hit_from_origin()
            self._mark()
        self._show_count()

    @property
    def _here(self) -> TraceSearch | None:
        """The search in the run that is shown."""
        trace = self._selection.trace
        return self._search.in_run(trace) if self._search is not None and trace is not None else None

    def _step(self, runs: int) -> bool:
        search, here = self._search, self._here
        if search is None:
            return False
        span = self._selection.span
        if here is not None and span is not None and span in here and self._detail.step_occurrence(runs):
            self._show_count()
            return True
        self._landing = runs
        try:
            self._to_other_hit(here, span, runs)
        finally:
            self._landing = 1
        return True

    def _to_other_hit(self, here: TraceSearch | None, span: Span | None, runs: int) -> None:
        """Go to the next hit (1) or the one before (-1), in another run if there is none in this one."""
        if here is not None:
            hit = here.below(span) if runs > 0 else here.above(span)
            if hit is not None:
                self._go_to(hit)
                return
        if not self._to_other_run(runs) and here is not None:
            self._go_to(here.after(span) if runs > 0 else here.before(span))

    def _to_other_run(self, runs: int) -> bool:
        """Go to the first hit of the next run that has one, or the last of the one before."""
        search = self._search
        if search is None:
            return False
        other = next((one for one in self._list.runs_from_cursor(runs) if one in search.matching_runs), None)
        if other is None:
            return False
        if search.in_run(other).hits:
            self._to_hit_in(other, runs)
        else:  # its list tells that there are some
            self._read(other, lambda run: self._to_hit_in(run, runs))
        return True

    def _to_hit_in(self, run: Trace, runs: int) -> None:
        """Go to the first hit of a run (1) or to its last (-1)."""
        self.work()
        hits = self._search.in_run(run).hits if self._search is not None else ()
        if hits:
            self._go_to(hits[0] if runs > 0 else hits[-1])

    def _go_to(self, span: Span | None) -> None:
        if span is not None:
            self._go_to_span(span)
            self._show_count()

    def _show_count(self) -> None:
        search, here = self._search, self._here
        if search is None:
            return
        more = "" if search.done else f", {search.progress * 100:.0f}% searched"
        if search.unknown:
            more += f", {search.unknown:,} not read"
        hits = here.hits if here is not None else []
        number = here.number_of(self._selection.span) if here is not None else None
        at = f"{number:,} of " if number is not None else ""
        runs = len(search.matching_runs)
        text = f"{at}{fmt.count(len(hits), 'hit')}"
        trace = self._selection.trace
        others = runs - (trace in search.matching_runs)
        if self.in_list:
            text = f"{runs:,} of {fmt.count(self._list.all.runs, 'run')}, {text} in this one"
        elif others:
            text += f" here, more in {fmt.count(others, 'other run')} (n)"
        if number is not None and (match := self._detail.occurrences):
            text = f"match {match}, {text}"
        self._bar.note(text + more)
