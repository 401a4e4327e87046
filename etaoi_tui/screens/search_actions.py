"""Search on the main screen: the bar, the running search, and going from hit to hit."""

from __future__ import annotations

from textual import on

from etaoi_collector.store.model import Span
from etaoi_tui.screens.panes import ScreenContext
from etaoi_tui.screens.voice_actions import VoiceActions
from etaoi_tui.view.search import TraceSearch
from etaoi_tui.widgets.search_bar import SearchBar

_SEARCH_BUDGET = 0.03
"""Seconds a tick spends on a running search."""


class SearchActions(VoiceActions):
    """The part of the main screen that searches the trace that is shown."""

    def __init__(self, shown: ScreenContext) -> None:
        super().__init__(shown)
        self.searched = ""

    def _search_on(self) -> None:
        search = self.span_tree.search
        if search is None:
            return
        had = len(search.hits)
        was_done = search.done
        if search.work(_SEARCH_BUDGET) or search.done != was_done:
            self.span_tree.refresh()
            if not had and search.hits and self.search_bar.is_open:
                self._go_to_hit(search.after(self.span_tree.cursor))
        self._tell_hits()

    @on(SearchBar.Changed)
    def _search_changed(self, event: SearchBar.Changed) -> None:
        from etaoi_collector.query import QueryError, parse_query  # not needed for the first screen

        self.searched = event.text
        self.span_tree.search = None
        trace = self.span_tree.rows.trace
        try:
            query = parse_query(event.text)
        except QueryError as error:
            self.search_bar.note(str(error), error=True)
        else:
            self.search_bar.note("")
            if query is not None and trace is not None:
                self.span_tree.search = TraceSearch(trace, query, event.text, self.source)
                self._search_on()
        self.span_tree.refresh()

    @on(SearchBar.Kept)
    def _search_kept(self) -> None:
        self.pane = "tree"
        self._focus_pane()
        search = self.span_tree.search
        if search is None:
            self._close_search()
        elif search.hits and search.number_of(self.span_tree.cursor) is None:
            self._go_to_hit(search.after(self.span_tree.cursor))

    @on(SearchBar.Left)
    def _search_left(self) -> None:
        self._close_search()
        self._focus_pane()

    def _close_search(self) -> None:
        self.span_tree.search = None
        self.search_bar.close()
        self.span_tree.refresh()

    def _go_to_hit(self, span: Span | None) -> None:
        if span is not None:
            self._release_follow()
            self.span_tree.select(span)
            self._tell_hits()

    def _tell_hits(self) -> None:
        search = self.span_tree.search
        if search is None:
            return
        number = search.number_of(self.span_tree.cursor)
        at = f"{number:,} of " if number is not None else ""
        more = "" if search.done else f", {search.progress * 100:.0f}% searched"
        plural = "" if len(search.hits) == 1 else "s"
        self.search_bar.note(f"{at}{len(search.hits):,} hit{plural}{more}")

    def do_search_open(self) -> None:
        if not self.has_class("-empty"):
            self.search_bar.open(self.searched)
            self._search_changed(SearchBar.Changed(self.searched))

    def do_search_next(self) -> None:
        if self.span_tree.search is not None:
            self._go_to_hit(self.span_tree.search.after(self.span_tree.cursor))

    def do_search_previous(self) -> None:
        if self.span_tree.search is not None:
            self._go_to_hit(self.span_tree.search.before(self.span_tree.cursor))
