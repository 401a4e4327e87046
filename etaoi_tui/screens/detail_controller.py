"""The detail of the span under the cursor: drawn when the cursor rests, and again when something changes."""

from __future__ import annotations

from time import monotonic

from textual.timer import Timer

from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.store.model import Changes, Span, Status
from etaoi_tui.detail.document.model import Document
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.screens.panes import Panes, ScreenContext
from etaoi_tui.view.neighbouring_calls import surroundings_version

_DETAIL_AFTER = 0.06
"""Seconds that the cursor rests before its detail is drawn: a held key pays for no row it passes."""

_DETAIL_AT_LATEST = 0.4
"""Seconds of uninterrupted moving after which the detail is drawn all the same."""

_DETAIL_BUDGET_MS = 8.0


class DetailController(Panes):
    """The part of the main screen that fills the detail pane."""

    def __init__(self, shown: ScreenContext) -> None:
        super().__init__(shown)
        self.reading = ViewOptions()
        self._payloads = RecordedPayloads(shown.source)
        self._rest_timer: Timer | None = None
        self._moving_since = 0.0
        self._shown_detail: tuple[Span | None, int] = (None, -1)
        self._shown_reading = -1

    def describe_turn(self, span: Span) -> Document | None:
        """Describe a span in another way than its kind asks for; None to let the kind decide."""
        return None

    def _cursor_rests(self) -> None:
        """Draw the detail once the cursor has come to rest, or now and then while it does not."""
        timer = self._rest_timer
        if timer is None:
            self._moving_since = monotonic()
            self._rest_timer = self.set_timer(_DETAIL_AFTER, self._draw_detail)
        elif monotonic() - self._moving_since < _DETAIL_AT_LATEST:
            timer.reset()

    def _draw_detail(self) -> None:
        self._rest_timer = None
        self.draw_detail_now()

    def draw_detail_now(self) -> None:
        """Describe the span under the cursor, if that is not on the screen already."""
        span = self.span_tree.cursor
        version = -1 if span is None else self._version_of(span)
        before, before_version = self._shown_detail
        if (span, version) == (before, before_version) and self._shown_reading == self.reading.version:
            return
        self._shown_detail = (span, version)
        self._shown_reading = self.reading.version
        if span is None:
            self.detail.clear()
            return
        # A tenth of a second of imports that the first screen need not wait for.
        from etaoi_tui.detail.span_document import describe_span

        document = self.describe_turn(span) or describe_span(
            span, self._payloads, self.now(span.trace), self.reading
        )
        if span is before:
            self.detail.refresh_document(document)
        else:
            self.detail.show(document)

    def _version_of(self, span: Span) -> int:
        """Number what the detail can show: it changes with events, and twice a second while the span runs."""
        if span.status is Status.RUNNING:
            return -int(self.now(span.trace) * 2) - 2 - span.version
        from etaoi_collector.pricing.book import price_book  # not needed for the first screen

        return span.version + surroundings_version(span) + price_book().ready

    def _is_stale(self, span: Span) -> bool:
        return self._version_of(span) != self._shown_detail[1]

    def _grow_detail(self, changes: Changes) -> None:
        span = self.span_tree.cursor
        if span is not None and self._rest_timer is None and self.detail.display:
            if span in changes.changed or self._shown_detail[0] is not span or self._is_stale(span):
                self.draw_detail_now()
        self.detail.work(_DETAIL_BUDGET_MS)

    def do_tab_next(self) -> None:
        self.detail.next_tab()

    def do_tab_previous(self) -> None:
        self.detail.previous_tab()

    do_tab_right = do_tab_next
    do_tab_left = do_tab_previous
