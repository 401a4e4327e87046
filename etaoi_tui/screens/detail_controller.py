"""The detail of the selected span: drawn when the cursor rests, and again when something changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.screen import Screen
from textual.timer import Timer

from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.store.model import Changes, Span, Status, Trace
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.view.neighbouring_calls import surroundings_version
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.page_view import FIRST_PAINT_MS

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Document
from etaoi_tui.widgets.textual_internals import contained

_DETAIL_AFTER = 0.06
"""Seconds that the cursor rests before its detail is drawn: a held key pays for no row it passes."""

_DETAIL_AT_LATEST = 0.4
"""Seconds of uninterrupted moving after which the detail is drawn all the same."""

_DETAIL_BUDGET_MS = 8.0


class DetailController:
    """Fills the detail pane."""

    def __init__(
        self,
        screen: Screen[Any],
        pane: DetailPane,
        selection: Selection,
        payloads: RecordedPayloads,
        now: Callable[[Trace], float],
        describe_turn: Callable[[Span], Document | None],
    ) -> None:
        """Watch a selection.

        Args:
            screen: Whose timer waits for the cursor to rest.
            pane: What is filled.
            selection: Whose span is described.
            payloads: Reads the span's events.
            now: The present for a trace, in seconds since the epoch.
            describe_turn: Describes a span in another way than its kind asks for, or returns None.
        """
        self.options = ViewOptions()
        self.payloads = payloads
        self._screen = screen
        self._pane = pane
        self._selection = selection
        self._now = now
        self._describe_turn = describe_turn
        self._rest_timer: Timer | None = None
        self._moving_since = 0.0
        self._drawn: tuple[Span | None, int] = (None, -1)
        self._shown_options = -1
        selection.watch(self._selection_changed)

    def _selection_changed(self, change: SelectionChange) -> None:
        if self._selection.trace is None:
            self._drawn = (None, -1)
            self._pane.clear()
        else:
            self.wait_for_rest()

    def wait_for_rest(self) -> None:
        """Draw the detail once the cursor has come to rest, or now and then while it does not."""
        timer = self._rest_timer
        if timer is None:
            self._moving_since = monotonic()
            self._rest_timer = self._screen.set_timer(_DETAIL_AFTER, self._rested)
        elif monotonic() - self._moving_since < _DETAIL_AT_LATEST:
            timer.reset()

    def _rested(self) -> None:
        self._rest_timer = None
        self.draw_now()

    def describe_again(self) -> None:
        """Describe what is shown anew: more is known of it than its own events tell."""
        self._drawn = (self._drawn[0], -1)
        self.wait_for_rest()

    def draw_now(self) -> None:
        """Describe the selected span, if that is not on the screen already."""
        span = self._selection.span
        version = -1 if span is None else self._version_of(span)
        drawn_span, before_version = self._drawn
        if (span, version) == (drawn_span, before_version) and self._shown_options == self.options.version:
            return
        self._drawn = (span, version)
        self._shown_options = self.options.version
        if span is None:
            self._pane.clear()
            return
        try:
            document = self._describe(span)
        except Exception as error:
            if not contained(self._pane, error, f"The detail of {span.name or span.kind!r}"):
                raise
            from etaoi_tui.detail.document.failure import failed_document

            document = failed_document(span.span_id, span.name, error)
        if span is drawn_span:
            self._pane.refresh_document(document)
        else:
            self._pane.show(document)

    def apply(self, changes: Changes) -> None:
        """Draw again what a tick changed, and lay out more of a long page."""
        span = self._selection.span
        if span is not None and self._rest_timer is None and self._pane.display:
            drawn_span, version = self._drawn
            if span in changes.changed or drawn_span is not span or self._version_of(span) != version:
                self.draw_now()
        self._pane.work(_DETAIL_BUDGET_MS)
        if self._rest_timer is None and self._pane.display:
            self._pane.search_on(_DETAIL_BUDGET_MS)

    def look_for(self, words: Sequence[str], *, landing: int = 1) -> None:
        """Mark words in the detail, and go to the first (1) or the last (-1) in the next one shown."""
        self._pane.look_for(words, landing=landing)

    def step_occurrence(self, step: int) -> bool:
        """Go to the next occurrence in the detail (1) or the one before (-1); False without one."""
        if not self._pane.display:
            return False
        self.draw_now()
        return self._pane.step_occurrence(step, FIRST_PAINT_MS)

    @property
    def occurrences(self) -> str:
        """Where the reader is among the occurrences of the words, such as ``2 of 5``; empty without any."""
        number, count, is_all = self._pane.occurrence_count
        if not count or not self._pane.display:
            return ""
        at = f"{number:,} of " if number is not None else ""
        return f"{at}{count:,}{'' if is_all else '+'}"

    def _describe(self, span: Span) -> Document:
        # A tenth of a second of imports that the first screen need not wait for.
        from etaoi_tui.detail.span_document import describe_span

        return self._describe_turn(span) or describe_span(
            span, self.payloads, self._now(span.trace), self.options
        )

    def _version_of(self, span: Span) -> int:
        """Number what the detail can show: it changes with events, and twice a second while the span runs."""
        if span.status is Status.RUNNING:
            return -int(self._now(span.trace) * 2) - 2 - span.version
        from etaoi_collector.pricing.book import price_book  # not needed for the first screen

        return span.version + surroundings_version(span) + price_book().ready
