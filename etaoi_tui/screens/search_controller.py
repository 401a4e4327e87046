"""The search in the trace that is shown: the bar, the running search, and going from hit to hit."""

from __future__ import annotations

from etaoi_collector.sources.base import Source
from etaoi_collector.store.model import Span
from etaoi_tui.view.search import TraceSearch
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.search_bar import SearchBar
from etaoi_tui.widgets.span_tree import SpanTree

_SEARCH_BUDGET = 0.03
"""Seconds a tick spends on a running search."""


class SearchController:
    """Searches as the person types, a slice a tick."""

    def __init__(self, selection: Selection, tree: SpanTree, bar: SearchBar, source: Source) -> None:
        """Watch a selection.

        Args:
            selection: Whose trace is searched, and where going to a hit leads.
            tree: Lights the hits.
            bar: Where the query is typed.
            source: Reads payloads.
        """
        self.text = ""
        """What was searched last."""
        self._selection = selection
        self._tree = tree
        self._bar = bar
        self._source = source
        selection.watch(self._selection_changed)

    @property
    def active(self) -> bool:
        """Whether there is a search to leave."""
        return self._tree.search is not None or self._bar.is_open

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace:
            self.close()
        elif self._tree.search is not None:
            self._show_count()

    def open(self) -> None:
        """Ask what to search."""
        self._bar.open(self.text)
        self.change(self.text)

    def change(self, text: str) -> None:
        """Search another text."""
        from etaoi_collector.query import QueryError, parse_query  # not needed for the first screen

        self.text = text
        self._tree.search = None
        trace = self._selection.trace
        try:
            query = parse_query(text)
        except QueryError as error:
            self._bar.note(str(error), error=True)
        else:
            self._bar.note("")
            if query is not None and trace is not None:
                self._tree.search = TraceSearch(trace, query, text, self._source)
                self.work()
        self._tree.refresh()

    def keep(self) -> None:
        """Go to a hit once typing is done; without a query the search ends."""
        search = self._tree.search
        if search is None:
            self.close()
        elif search.hits and search.number_of(self._selection.span) is None:
            self._go_to(search.after(self._selection.span))

    def close(self) -> None:
        """End the search."""
        self._tree.search = None
        self._bar.close()
        self._tree.refresh()

    def next(self) -> None:
        """Go to the next hit."""
        if self._tree.search is not None:
            self._go_to(self._tree.search.after(self._selection.span))

    def previous(self) -> None:
        """Go to the hit before."""
        if self._tree.search is not None:
            self._go_to(self._tree.search.before(self._selection.span))

    def work(self) -> None:
        """Search on for a slice of time."""
        search = self._tree.search
        if search is None:
            return
        had, was_done = len(search.hits), search.done
        if search.work(_SEARCH_BUDGET) or search.done != was_done:
            self._tree.refresh()
            if not had and search.hits and self._bar.is_open:
                self._go_to(search.after(self._selection.span))
        self._show_count()

    def _go_to(self, span: Span | None) -> None:
        if span is not None:
            if self._tree.following:
                self._tree.follow(False)
            self._tree.select(span)
            self._show_count()

    def _show_count(self) -> None:
        search = self._tree.search
        if search is None:
            return
        number = search.number_of(self._selection.span)
        at = f"{number:,} of " if number is not None else ""
        more = "" if search.done else f", {search.progress * 100:.0f}% searched"
        plural = "" if len(search.hits) == 1 else "s"
        self._bar.note(f"{at}{len(search.hits):,} hit{plural}{more}")
