"""The conversation as a mode of the screen: what it shows, where it stands, and how it follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from textual.timer import Timer

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Span, Trace
from etaoi_tui.screens.arrangement import Arrangement
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.conversation_view import ConversationView
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.textual_internals import contained

if TYPE_CHECKING:
    from etaoi_tui.detail.pages.conversation import Conversation
    from etaoi_tui.view.budget import BudgetWatch

_REDRAWN_AFTER = 0.5
"""Seconds between two looks at a conversation that grows."""

_POINTS_AFTER = 0.1
"""Seconds that the cursor rests before list and detail go to the span that it is on."""

_WORK_MS = 8.0

_RUNS_READ = 64
"""Runs of a conversation that are read at once where only listed ones are there."""


class ConversationController:
    """Shows the conversation of the selected run in the tree's place.

    The selection follows the cursor, so that the detail tells of what is read. Whoever goes to a span in
    another way wants to see its row: the tree stands there again.
    """

    def __init__(
        self,
        view: ConversationView,
        selection: Selection,
        tree: SpanTree,
        arrangement: Arrangement,
        store: Store,
        payloads: RecordedPayloads,
        now: Callable[[Trace], float],
        totals: Totals,
        budget_watch: BudgetWatch,
    ) -> None:
        """Watch a selection.

        Args:
            view: Shows the conversation.
            selection: Whose trace's conversation it is.
            tree: Selects the span that the cursor is on.
            arrangement: Puts conversation or tree in their place.
            store: Finds spans.
            payloads: Where events come from.
            now: The present for a trace, in seconds since the epoch.
            totals: What model calls came to.
            budget_watch: Says which budgets were crossed.
        """
        self._view = view
        self._selection = selection
        self._tree = tree
        self._arrangement = arrangement
        self._store = store
        self._payloads = payloads
        self._now = now
        self._totals = totals
        self._budget_watch = budget_watch
        self._teller: Conversation | None = None
        self._drawn_at = 0.0
        self._stale = False
        self._pointing = False
        self._rests: Timer | None = None
        view.moved = self._cursor_moved
        selection.watch(self._selection_changed)

    @property
    def is_shown(self) -> bool:
        """Whether it stands in the tree's place."""
        return self._arrangement.in_conversation

    @property
    def runs(self) -> list[Trace]:
        """The newest runs of the selected run's conversation."""
        trace = self._selection.trace
        if trace is None:
            return []
        return [one for one in trace.session.traces if one.thread == trace.thread][-_RUNS_READ:]

    def show(self, wanted: bool) -> None:
        """Put the conversation in the tree's place, or take it away."""
        if wanted != self.is_shown:
            self._arrangement.show_conversation(wanted)
            if wanted:
                # Only the next layout tells how wide it is.
                self._view.call_after_refresh(self._open)

    @property
    def target(self) -> Span | None:
        """The span of what is under the cursor."""
        section = self._view.section_at_cursor
        return self._store.find_span(section.target) if section is not None and section.target else None

    def apply(self, changes: Changes) -> None:
        """Show what a tick brought, at most twice a second, and lay out more of a long page."""
        trace = self._selection.trace
        if not self.is_shown or trace is None:
            return
        if trace.running or any(one.session is trace.session for one in changes.traces):
            self._stale = True
        if self._stale and monotonic() - self._drawn_at >= _REDRAWN_AFTER:
            self._draw()
        self._view.work(_WORK_MS)

    def _cursor_moved(self) -> None:
        """Let list and detail go to the span under the cursor once it rests."""
        if self._rests is None:
            self._rests = self._view.set_timer(_POINTS_AFTER, self._point)
        else:
            self._rests.reset()

    def _open(self) -> None:
        self._draw()
        self._go_to_selected()

    def _draw(self) -> None:
        from etaoi_tui.detail.pages.conversation import Conversation  # not needed for the first screen

        trace = self._selection.trace
        self._stale = False
        if trace is None:
            self._view.clear()
            return
        if self._teller is None:
            self._teller = Conversation(self._payloads, self._totals, self._budget_watch.crossed)
        try:
            document = self._teller.document(trace.session, self._now(trace), trace.thread)
            self._view.show(replace(document, over=self._budget_watch.crossed_together(trace)))
        except Exception as error:
            if not contained(self._view, error, "The conversation"):
                raise
        self._drawn_at = monotonic()

    def _go_to_selected(self) -> None:
        """Go to the end while that is the selected run, else to where the run or its span stands."""
        trace, selected = self._selection.trace, self._selection.span
        places: list[tuple[str, Span]] = []
        for section in self._view.sections:
            span = self._store.find_span(section.target) if section.target and not section.inside else None
            if span is not None:
                places.append((section.key, span))
        newest = places[-1][1].trace if places else None
        of_span = (key for key, span in places if span is selected and span.parent is not None)
        of_run = (key for key, span in places if span.trace is trace)
        key = next(of_span, None) or next(of_run, None)
        if key is None or (self._view.live and newest is trace):
            self._view.follow_end()
        else:
            self._view.go_to_section(key)

    def _point(self) -> None:
        self._rests = None
        span = self.target
        if not self.is_shown or span is None or span is self._selection.span:
            return
        root = span
        while root.parent is not None:
            root = root.parent
        self._pointing = True
        try:
            if root.trace is not self._selection.trace:
                self._selection.show(root.trace, by=self)
            self._tree.select(span)
        finally:
            self._pointing = False

    def _selection_changed(self, change: SelectionChange) -> None:
        if not self.is_shown or self._pointing:
            return
        if change.trace:
            previous_document = self._view.document
            self._draw()
            document = self._view.document
            if (
                change.by_hand
                or previous_document is None
                or document is None
                or previous_document.key != document.key
            ):
                self._go_to_selected()
        elif change.by_hand:
            self.show(False)
