"""How the panes share a terminal of any size, and which of them has the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from etaoi_collector.store.model import Trace
from etaoi_tui.view.command import Pane
from etaoi_tui.view.layout import (
    ALL,
    DETAIL_HEIGHT,
    STACKED,
    STRIP,
    TRACES,
    DetailNeed,
    Layout,
    Mode,
    has_frames,
    list_columns,
    mode_of,
    tree_lines,
)
from etaoi_tui.widgets.conversation_view import ConversationView
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.divider import Divider
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.trace_list import TraceList
from etaoi_tui.widgets.voice_lanes import VoiceLanes
from etaoi_tui.widgets.welcome import Welcome

_MANY_ROWS = 500
"""Rows that fill any terminal."""

_LINES_AROUND = 3
"""First line, footer, and what parts tree and detail."""

PANES: Sequence[Pane] = ("traces", "tree", "detail")

_PICKER = 0.45
"""Share of the list where it opens to choose a run and pushes the tree aside: enough for what was asked."""


class Arrangement:
    """Sizes, shows and focuses the panes of a screen, by classes that the screen's style knows."""

    def __init__(
        self,
        screen: Screen[Any],
        layout: Layout,
        *,
        traces: TraceList,
        tree: SpanTree,
        lanes: VoiceLanes,
        conversation: ConversationView,
        detail: DetailPane,
        welcome: Welcome,
        changed: Callable[[], None],
    ) -> None:
        """Arrange panes.

        Args:
            screen: Holds them.
            layout: Their sizes; changed in place.
            traces: The list.
            tree: The span tree.
            lanes: What stands in the tree's place for a call.
            conversation: What stands in the place of either when the person wants it.
            detail: The detail.
            welcome: What stands there while there is nothing to see.
            changed: Called when other keys apply than before.
        """
        self.pane: Pane = "tree"
        self.zoomed = False
        self._fitted = 0
        """Lines of the tree above the detail; 0 before they are known."""
        self._fitted_to: tuple[object, ...] | None = None
        """What the sizes were last worked out from."""
        self._detail_need = DetailNeed()
        self._trace: Trace | None = None
        self._single = False
        self.sizes = layout
        self._screen = screen
        self._traces, self._tree, self._lanes = traces, tree, lanes
        self._conversation = conversation
        self._detail, self._welcome = detail, welcome
        self._changed = changed
        self._split_detail = Divider(vertical=False, id="split-detail")
        self._split_traces = Divider(vertical=True, id="split-traces")

    def before_mount(self, size: Size) -> tuple[Divider, Divider]:
        """Set what depends on the terminal's size while there is no widget yet that is to be styled again.

        Returns:
            The line behind the list, and the one before the detail.
        """
        self._set_classes(size)
        return self._split_traces, self._split_detail

    # what stands where

    @property
    def empty(self) -> bool:
        """Whether the welcome stands there instead of panes."""
        return self._screen.has_class("-empty")

    def show_welcome(self, wanted: bool) -> None:
        """Show the welcome instead of panes, or panes again."""
        if wanted != self.empty:
            self.pane = "tree"  # whatever keys were pressed where there is no pane
            self._screen.set_class(wanted, "-empty")
            # What is to have the keys is displayed only after the next layout.
            self._screen.call_after_refresh(self.focus)

    @property
    def in_lanes(self) -> bool:
        """Whether the lanes stand in the tree's place."""
        return self._screen.has_class("-lanes")

    def show_lanes(self, wanted: bool) -> None:
        """Put the lanes in the tree's place, or the tree again."""
        if wanted != self.in_lanes:
            self._screen.set_class(wanted, "-lanes")
            self._screen.call_after_refresh(self.focus)

    @property
    def in_conversation(self) -> bool:
        """Whether the conversation stands in the place of tree and lanes."""
        return self._screen.has_class("-conversation")

    def show_conversation(self, wanted: bool) -> None:
        """Put the conversation in the place of tree and lanes, or those again."""
        if wanted != self.in_conversation:
            self._screen.set_class(wanted, "-conversation")
            self._screen.call_after_refresh(self.focus)

    @property
    def work_view(self) -> SpanTree | VoiceLanes | ConversationView:
        """What stands in the middle: the conversation, the lanes or the tree."""
        if self.in_conversation:
            return self._conversation
        return self._lanes if self.in_lanes else self._tree

    @property
    def hides_list(self) -> bool:
        """Whether the list is hidden where nothing else names it: the breadcrumb of a narrow screen does."""
        return self.mode == "drawer" and self.pane != "traces" and not self.empty

    @property
    def rows(self) -> RowView | ConversationView:
        """The rows that keys move through while the detail does not have them."""
        if self.empty:
            return self._welcome
        return self._traces if self.pane == "traces" else self.work_view

    @property
    def explained(self) -> Widget:
        """The widget that help is about."""
        return self._welcome if self.empty else self.widget(self.pane)

    def widget(self, pane: Pane) -> Widget:
        """Return what stands in a pane."""
        return {"traces": self._traces, "tree": self.work_view, "detail": self._detail}[pane]

    # the keys

    def focus(self) -> None:
        """Give the keys to the pane."""
        pane = "tree" if self.empty else self.pane  # no list slides over the welcome
        for name in PANES:
            self._screen.set_class(name == pane, "-at-" + name)
        self._frame(pane)
        self.fit()
        widget = self.explained
        if not widget.has_focus:
            self._screen.set_focus(widget, scroll_visible=False)
        self._changed()

    def _frame(self, bright: Pane) -> None:
        """Draw the panes' frames, one of them bright, where there is room for them."""
        framed = has_frames(*self._screen.size)
        self._screen.set_class(framed, "-framed")
        panes: Sequence[tuple[Pane, RowView | DetailPane]] = (
            ("traces", self._traces),
            ("tree", self._tree),
            ("tree", self._lanes),
            ("tree", self._conversation),
            ("detail", self._detail),
        )
        for pane, widget in panes:
            state = framed, pane == bright
            if state != (widget.frame.is_shown, widget.frame.lit):
                widget.frame.is_shown, widget.frame.lit = state
                widget.refresh()
        self._split_traces.frame_pane(framed=framed, lit=bright == "traces")
        self._split_detail.frame_pane(framed=framed, lit=bright == "tree")

    def go_to(self, pane: Pane) -> None:
        """Give the keys to another pane."""
        self.pane = pane
        self.focus()

    def go_to_after_layout(self, pane: Pane) -> None:
        """Give the keys to a pane that stands there only after the next layout."""
        self.pane = pane
        self._screen.call_after_refresh(self.focus)

    def step(self, panes: int) -> None:
        """Give the keys to the next pane, or the one before."""
        self.go_to(PANES[(PANES.index(self.pane) + panes) % len(PANES)])

    def clicked(self, widget: Widget | None) -> None:
        """Give the keys to the pane that was clicked on."""
        for name in PANES:
            if widget is self.widget(name) and self.pane != name:
                self.go_to(name)

    # sizes

    @property
    def mode(self) -> Mode:
        """How the panes share the screen."""
        return "narrow" if self.zoomed else mode_of(*self._screen.size)

    def arrange(self) -> None:
        """Arrange the panes for the terminal's size."""
        self._set_classes(self._screen.size)
        self._fit_list()
        self._split_detail.turn(vertical=self.mode == "wide")
        self._detail.styles.height = "1fr"
        self._fitted = 0
        self._fitted_to = None
        self.focus()

    def _set_classes(self, size: Size) -> None:
        """Set the classes that depend on the terminal's size, in columns and lines."""
        mode, screen = "narrow" if self.zoomed else mode_of(*size), self._screen
        for name in ("wide", "medium", "drawer", "narrow"):
            screen.set_class(name == mode, "-" + name)
        screen.set_class(mode == "narrow" and not self.zoomed and size.height >= STACKED, "-stacked")
        screen.set_class(has_frames(*size), "-framed")

    def _fit_list(self) -> None:
        """Give the list its columns; with one run in it, a strip."""
        mode, listed = self.mode, self.sizes.traces
        self._single = self._traces.row_count == 1
        if mode == "drawer":
            listed = max(listed, round(self._screen.size.width * _PICKER))
        elif self._single and listed == TRACES:
            listed = min(listed, STRIP)
        elif mode != "narrow" and listed == TRACES:
            listed = list_columns(mode, self._screen.size.width)
        width = max(self._screen.size.width - 20, 10)
        self._traces.styles.width = "1fr" if mode == "narrow" else min(listed, width)
        share = self.sizes.detail_width
        left = self._screen.size.width - listed
        self._detail.styles.width = round(left * share) if mode == "wide" else "1fr"

    def fit(self) -> None:
        """Give the tree the lines that its rows need, up to its share, and the detail below it the rest."""
        view = self.work_view
        rows = min(view.row_count, _MANY_ROWS)
        trace, need = self._tree.rows.trace, self._measure_detail()
        state = view, rows, trace, self._traces.row_count == 1, self.pane, self.empty, need
        if self._fitted_to == state:
            return
        self._fitted_to = state
        if self._single is not (self._traces.row_count == 1):
            self._fit_list()
        mode = self.mode
        stacked = mode == "narrow" and self._screen.has_class("-stacked") and self.pane == "tree"
        if mode == "wide" or self.empty or (mode == "narrow" and not stacked):
            if mode == "narrow" and self._fitted:
                self._fitted = 0
                self._detail.styles.height = "1fr"
            return
        lines = self._screen.size.height - _LINES_AROUND - stacked
        most = min(1 - self.sizes.detail_height, 0.5) if stacked else 1 - self.sizes.detail_height
        chosen = self.sizes.detail_height != DETAIL_HEIGHT
        fitted = (
            round(lines * most)
            if chosen
            else tree_lines(rows * view.ROW_HEIGHT + view.HEADER_HEIGHT, lines, most, self._fitted, need)
        )
        if fitted != self._fitted:
            self._fitted = fitted
            self._detail.styles.height = max(lines - fitted, 1)

    def _measure_detail(self) -> int:
        """Return the lines that the detail has needed in this run."""
        trace, document, cursor = self._tree.rows.trace, self._detail.document, self._tree.cursor
        if self._trace is not trace:
            self._trace = trace
            if trace is None or not trace.running:
                self._fitted = 0  # one run after the other that is followed moves no pane
            self._detail_need.forget()
        # What stands there until the cursor has come to rest tells nothing of this row.
        if document is not None and cursor is not None and document.key.endswith(cursor.span_id):
            grows = trace is None or trace.running or not self._detail.laid_out
            self._detail_need.saw(ALL if grows else self._detail.line_count + self._detail.gutter.height + 1)
        return self._detail_need.lines

    def zoom(self) -> None:
        """Give the pane the whole screen, or take it back."""
        self.zoomed = not self.zoomed
        self.arrange()

    def grow(self, steps: int) -> None:
        """Make the pane that has the keys larger, or smaller."""
        self._resize(self.pane, steps * (4 if self.mode == "wide" or self.pane == "traces" else 2))

    def dragged(self, divider: Divider, cells: int) -> None:
        """Move a line between two panes."""
        if divider is self._split_traces:
            self._resize("traces", cells)
        else:
            self._resize("detail", -cells)

    def _resize(self, pane: Pane, cells: int) -> None:
        if self.mode != "wide" and self._fitted and pane != "traces":
            # From where it stands, which is not where its share would put it.
            self.sizes.detail_height = self._detail.outer_size.height / (self._screen.size.height - 3)
        elif pane == "traces" and self.mode != "narrow":
            self.sizes.traces = self._traces.outer_size.width
        self.sizes.resize(pane, self.mode, cells, *self._screen.size)
        self.arrange()
