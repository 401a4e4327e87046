"""A page in which words are looked for: they are marked and walked, and closed sections that hold one open.

A line is marked when it is drawn. The rest is looked through in slices, as far as time is given.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from etaoi_tui.widgets.document_painter import Mark
from etaoi_tui.widgets.foldable_page import FoldablePage
from etaoi_tui.widgets.page_view import SLICE

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Document
    from etaoi_tui.detail.layout.occurrences import Occurrence, Occurrences
    from etaoi_tui.detail.layout.page import PageLayout


class SearchedPage(FoldablePage):
    """Goes to the first occurrence in each document that is shown, in another tab if this one has none."""

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.words: tuple[str, ...] = ()
        """What is looked for, in lower case."""
        self._unfolded: dict[str, bool] = {}
        self._shown_folds = ChainMap(self._unfolded, self._folds)
        """What is open: over what the reader opened and closed stands what the search opened."""
        self._document: Document | None = None
        self._tab = ""
        self._occurrences: Occurrences | None = None
        self._looked_into: set[str] = set()
        self._tabs_left: list[str] = []
        self._searched_key = ""
        self._landing = 0
        self._next_landing = 1
        self._steps_on = False
        """A step waits for an occurrence further on to be found."""
        self._column = -1

    def look_for(self, words: Sequence[str], *, landing: int = 1) -> None:
        """Look for words from now on.

        Args:
            words: In lower case; none to end the search and close what it opened.
            landing: Where to go in the next document: 1 to the first occurrence, -1 to the last.
        """
        if landing < 0:
            self._next_landing = landing
        if tuple(words) == self.words:
            return
        self.words = tuple(words)
        self._searched_key = ""
        self._column = -1
        if not words:
            self._occurrences = None
            self._landing, self._next_landing = 0, 1
        if self._unfolded:
            self._unfolded.clear()
            if self._page is not None:
                self._lay_out_again(self._page)
        self._marks_changed()

    @property
    def occurrence_count(self) -> tuple[int | None, int, bool]:
        """At which occurrence the reader is, how many there are so far, and whether these are all."""
        occurrences = self._occurrences
        if occurrences is None or not self.words:
            return None, 0, not self.words
        return (
            occurrences.number_at(self._cursor, self._column),
            len(occurrences.occurrences),
            self._all_found,
        )

    def step_occurrence(self, step: int, budget_ms: float) -> bool:
        """Go to the next occurrence (1) or the one before (-1).

        Returns:
            False if there is none further on. What was not looked through in time is, and gone to, later.
        """
        landing = self._landing or self._begins_anew
        self.search_on(budget_ms)
        occurrences = self._occurrences
        if occurrences is None:
            return bool(self._landing)
        if landing and occurrences.occurrences:
            return True  # this was the step to the first one
        if step > 0:
            occurrence = occurrences.below(self._cursor, self._column)
        else:
            occurrence = occurrences.above(self._cursor, max(self._column, 0))
        if occurrence is None:
            self._steps_on = step > 0 and not self._all_found
            return self._steps_on
        self._land(occurrence)
        return True

    def search_on(self, budget_ms: float) -> None:
        """Look through more of the page for about ``budget_ms``, and go to where the reader should land."""
        page, document = self._page, self._document
        if not self.words or page is None or document is None:
            return
        if self._begins_anew:
            self._begin(document)
        deadline = perf_counter() + budget_ms / 1000
        self._open_sections(page, deadline)
        while perf_counter() < deadline and self._find_more():
            pass
        self._land_if_found()

    def marks_of(self, line: int) -> list[Mark]:
        """Return what is marked in a line: starts and ends in characters, and the look of each."""
        page = self._page
        if not self.words or page is None:
            return []
        from etaoi_tui.detail.layout.occurrences import marks_in  # not needed for the first screen

        here = self._column if line == self._cursor else -1
        return [
            (start, stop, "match-here" if start == here else "match")
            for start, stop in marks_in(page, line, self.words)
        ]

    # within

    @property
    def _begins_anew(self) -> bool:
        return self._document is not None and self._document.key != self._searched_key

    @property
    def _all_found(self) -> bool:
        occurrences = self._occurrences
        if self._landing and self._tabs_left:
            return False
        return occurrences is not None and occurrences.page is self._page and occurrences.done

    def _begin(self, document: Document) -> None:
        self._searched_key = document.key
        self._landing, self._next_landing = self._next_landing, 1
        self._column = -1
        self._looked_into = set()
        self._occurrences = None
        self._tabs_left = [tab.key for tab in document.tabs if tab.key != self._tab]

    def _open_sections(self, page: PageLayout, deadline: float) -> None:
        """Open closed sections in which a word stands, all that are found in time at once."""
        from etaoi_tui.detail.layout.occurrences import has_word

        opened = False
        if self._occurrences is not None and self._occurrences.page is page:
            return  # it had no sections that were not looked into
        groups = {section.key: page.is_open(section) for section in page.sections if section.group}
        for section in page.sections:
            if section.key in self._looked_into or not section.foldable or section.group:
                continue
            if perf_counter() >= deadline:
                break
            self._looked_into.add(section.key)
            is_shown = page.is_open(section) and groups.get(section.inside, True)
            if not is_shown and has_word(section, self.words):
                opened = True
                self._unfolded[section.key] = True
                if section.inside:
                    self._unfolded[section.inside] = True
        if opened:
            self._lay_out_again(page)

    def _find_more(self) -> bool:
        """Look through some lines, or lay some out; False if there is nothing to do at present."""
        page = self._page
        if page is None:
            return False
        if self._occurrences is None or self._occurrences.page is not page:
            from etaoi_tui.detail.layout.occurrences import Occurrences

            self._occurrences = Occurrences(page, self.words)
        if self._occurrences.work():
            return True
        if not page.done:
            return self._work(page, SLICE)
        if self._landing and not self._occurrences.occurrences and self._tabs_left:
            self._turn_if_found(self._tabs_left.pop(0))
            return self._page is page
        return False

    def _fold(self, key: str, is_open: bool) -> None:
        self._unfolded.pop(key, None)
        super()._fold(key, is_open)

    def _turn_if_found(self, key: str) -> None:
        """Open a tab if a word stands in it; the reader's own choice of tab stays what it was."""
        from etaoi_tui.detail.layout.occurrences import has_word

        document = self._document
        tab = document.tab(key) if document is not None else None
        if tab is not None and any(has_word(section, self.words) for section in tab.sections):
            self._tabs_left = []
            self._looked_into = set()
            self._show_tab(key)

    def _show_tab(self, key: str) -> None:
        """Show another tab of the document."""
        raise NotImplementedError

    def _land_if_found(self) -> None:
        occurrences = self._occurrences
        if occurrences is None or occurrences.page is not self._page:
            return
        if self._steps_on and (further := occurrences.below(self._cursor, self._column)) is not None:
            self._land(further)
        if not self._landing:
            return
        if self._landing > 0 and occurrences.occurrences:
            self._land(occurrences.occurrences[0])
        elif occurrences.done and occurrences.occurrences:
            self._land(occurrences.occurrences[-1])

    def _land(self, occurrence: Occurrence) -> None:
        self._landing = 0
        self._steps_on = False
        top, rows = self.scroll_offset.y, self._rows
        self._go(occurrence.line)
        self._column = occurrence.start
        if not top <= occurrence.line < top + rows:
            self._scroll(min(max(0, occurrence.line - rows // 3), self.max_scroll_y))
        self._marks_changed()

    def _go(self, line: int) -> None:
        self._column = -1
        self._landing = 0  # the reader goes somewhere else
        self._steps_on = False
        super()._go(line)

    def _marks_changed(self) -> None:
        """Draw the lines again; subclasses forget what they have drawn."""
        self.refresh()
