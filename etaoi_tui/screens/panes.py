"""The panes of the main screen: which there are, and how they share a terminal of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.widget import Widget

from etaoi_collector.projections.trace_names import title
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.commands.registry import Action, Pane, for_footer
from etaoi_tui.view.glyphs import kind_word
from etaoi_tui.view.layout import Layout, Mode, mode_of
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.trace_rows import TraceRows
from etaoi_tui.view.voice import thresholds
from etaoi_tui.widgets.breadcrumb import Breadcrumb
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.divider import Divider
from etaoi_tui.widgets.footer import KeyFooter
from etaoi_tui.widgets.partial_compositor import install_partial_compositor
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.search_bar import SearchBar
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.status_bar import StatusBar
from etaoi_tui.widgets.trace_list import TraceList
from etaoi_tui.widgets.voice_lanes import VoiceLanes
from etaoi_tui.widgets.welcome import Welcome

PANES: Sequence[Pane] = ("traces", "tree", "detail")
OF_CALLS = {"call.request", "call.diff"}
"""Actions that the footer names only where there is a model call."""

_ON_EMPTY = {"pane.open", "palette.open", "help.show", "app.quit", "problems.show"}


@dataclass(frozen=True, slots=True)
class ScreenContext:
    """What a main screen shows.

    Attributes:
        source: For payloads; the feed alone takes events from it.
        store: What has arrived.
        layout: Sizes of the panes; changed in place.
        now: The present for a trace, in seconds since the epoch.
        endpoint: Where a live run listens; empty for a replay.
        token: Whether clients need a token.
        demo: A scripted agent is about to connect.
    """

    source: Source
    store: Store
    layout: Layout
    now: Callable[[Trace], float]
    endpoint: str
    token: bool
    demo: bool


class Panes(Screen[None]):
    """Makes the widgets, arranges them, and knows which of them has the keys."""

    AUTO_FOCUS = None

    ARRANGEMENT = """
    MainScreen { layout: vertical; }
    #body { height: 1fr; }
    #work { width: 1fr; height: 1fr; layout: vertical; }
    #traces { width: 34; height: 1fr; }
    #tree { width: 1fr; height: 1fr; }
    #lanes { width: 1fr; height: 1fr; display: none; }
    MainScreen.-lanes #tree { display: none; }
    MainScreen.-lanes #lanes { display: block; }
    #detail { width: 1fr; height: 1fr; }
    #welcome { width: 1fr; height: 1fr; display: none; }
    MainScreen.-empty #welcome { display: block; }
    MainScreen.-empty #tree, MainScreen.-empty #detail, MainScreen.-empty #split-detail { display: none; }
    MainScreen.-empty #traces, MainScreen.-empty #split-traces, MainScreen.-empty #lanes { display: none; }
    MainScreen.-wide #work { layout: horizontal; }
    MainScreen.-drawer #body, MainScreen.-narrow #body { layers: base drawer; }
    MainScreen.-drawer #traces { dock: left; layer: drawer; display: none; border-right: outer $primary; }
    MainScreen.-drawer.-at-traces #traces { display: block; }
    MainScreen.-drawer #split-traces { display: none; }
    MainScreen.-narrow #split-traces, MainScreen.-narrow #split-detail { display: none; }
    MainScreen.-narrow Breadcrumb { display: block; }
    MainScreen.-narrow #traces, MainScreen.-narrow #tree, MainScreen.-narrow #detail,
    MainScreen.-narrow #lanes, MainScreen.-narrow #work { display: none; }
    MainScreen.-narrow.-at-traces #traces { display: block; width: 1fr; }
    MainScreen.-narrow.-at-tree #work, MainScreen.-narrow.-at-detail #work { display: block; }
    MainScreen.-narrow.-at-tree #tree, MainScreen.-narrow.-at-detail #detail { display: block; }
    MainScreen.-narrow.-at-tree.-lanes #tree { display: none; }
    MainScreen.-narrow.-at-tree.-lanes #lanes { display: block; }
    MainScreen.-narrow.-empty #work, MainScreen.-narrow.-empty #welcome { display: block; }
    MainScreen.-narrow.-empty #traces, MainScreen.-narrow.-empty #tree,
    MainScreen.-narrow.-empty #detail { display: none; }
    """
    """The app's CSS: Textual reads a screen's own only for screens that are pushed."""

    def __init__(self, shown: ScreenContext) -> None:
        """Make the panes.

        Args:
            shown: What they show.
        """
        super().__init__()
        install_partial_compositor(self)
        self.source = shown.source
        self.store = shown.store
        self.sizes = shown.layout
        self.now = shown.now
        self.pane: Pane = "tree"
        self.zoomed = False
        self.limits, self.limits_problem = thresholds.load()
        summaries = Summaries(shown.source)
        self.status_bar = StatusBar(id="status")
        self.breadcrumb = Breadcrumb(id="breadcrumb")
        self.traces = TraceList(TraceRows(shown.store), summaries, shown.now, id="traces")
        self.span_tree = SpanTree(summaries, shown.now, id="tree")
        self.detail = DetailPane(id="detail")
        self.lanes = VoiceLanes(shown.now, self.limits, id="lanes")
        self.welcome = Welcome(shown.endpoint, token=shown.token, demo=shown.demo, id="welcome")
        self.search_bar = SearchBar(id="search")
        self.footer = KeyFooter(id="footer")
        self.split_traces = Divider(vertical=True, id="split-traces")
        self.split_detail = Divider(vertical=False, id="split-detail")
        self.is_live = self.span_tree.is_live = self.lanes.is_live = bool(shown.endpoint)
        # Each class that is set later makes Textual style every widget again.
        self.add_class("-at-tree", *(["-empty"] if self.is_live else []))

    def compose(self) -> ComposeResult:
        """Put the panes together."""
        yield self.status_bar
        yield self.breadcrumb
        with Horizontal(id="body"):
            yield self.traces
            yield self.split_traces
            with Container(id="work"):
                yield self.welcome
                yield self.span_tree
                yield self.lanes
                yield self.split_detail
                yield self.detail
        yield self.search_bar
        yield self.footer

    def on_mount(self) -> None:
        """Begin with the tree, or with the welcome while there is nothing to see."""
        self._arrange()

    def _empty_or_not(self) -> None:
        empty = self.is_live and not len(self.traces.rows)
        if empty != self.has_class("-empty"):
            self.set_class(empty, "-empty")
            # What is to have the keys is displayed only after the next layout.
            self.call_after_refresh(self._focus_pane)

    @property
    def in_lanes(self) -> bool:
        """Whether the lanes stand in the tree's place."""
        return self.has_class("-lanes")

    @property
    def work_view(self) -> SpanTree | VoiceLanes:
        """What stands in the middle: the lanes or the tree."""
        return self.lanes if self.in_lanes else self.span_tree

    @property
    def _rows(self) -> RowView:
        if self.has_class("-empty"):
            return self.welcome
        return self.traces if self.pane == "traces" else self.work_view

    def _release_follow(self) -> None:
        if self.span_tree.following and self.pane == "tree":
            self.span_tree.follow(False)
            self._tell_place()

    @property
    def _mode(self) -> Mode:
        mode = mode_of(self.size.width, self.size.height)
        return "narrow" if self.zoomed else mode

    def _widget(self, pane: Pane) -> Widget:
        return {"traces": self.traces, "tree": self.work_view, "detail": self.detail}[pane]

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self._arrange()

    def _arrange(self) -> None:
        mode = self._mode
        for name in ("wide", "medium", "drawer", "narrow"):
            self.set_class(name == mode, "-" + name)
        sizes = self.sizes
        width, height = self.size
        self.traces.styles.width = "1fr" if mode == "narrow" else min(sizes.traces, max(width - 20, 10))
        self.split_detail.turn(vertical=mode == "wide")
        if mode == "wide":
            self.detail.styles.width = round((width - sizes.traces) * sizes.detail_width)
            self.detail.styles.height = "1fr"
        else:
            self.detail.styles.width = "1fr"
            one = mode == "narrow"
            self.detail.styles.height = "1fr" if one else max(round((height - 3) * sizes.detail_height), 4)
        self._focus_pane()

    def _resize_pane(self, pane: str, cells: int) -> None:
        self.sizes.resize(pane, self._mode, cells, self.size.width, self.size.height)
        self._arrange()

    @on(Divider.Dragged)
    def _dragged(self, event: Divider.Dragged) -> None:
        if event.divider is self.split_traces:
            self._resize_pane("traces", event.cells)
        else:
            self._resize_pane("detail", -event.cells)

    def _focus_pane(self) -> None:
        for name in PANES:
            self.set_class(name == self.pane, "-at-" + name)
        widget: Widget = self.welcome if self.has_class("-empty") else self._widget(self.pane)
        if not widget.has_focus:
            self.set_focus(widget, scroll_visible=False)
        self._tell_place()

    def on_click(self, event: events.Click) -> None:
        """A click gives the keys to its pane."""
        for name in PANES:
            if event.widget is self._widget(name) and self.pane != name:
                self.pane = name
                self._focus_pane()

    # what a person does with them

    def do_pane_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self._arrange()

    def do_pane_grow(self) -> None:
        self._resize_pane(self.pane, 4 if self._mode == "wide" or self.pane == "traces" else 2)

    def do_pane_shrink(self) -> None:
        self._resize_pane(self.pane, -4 if self._mode == "wide" or self.pane == "traces" else -2)

    def do_pane_next(self) -> None:
        self._step_pane(1)

    def do_pane_previous(self) -> None:
        self._step_pane(-1)

    def _step_pane(self, step: int) -> None:
        self.pane = PANES[(PANES.index(self.pane) + step) % len(PANES)]
        self._focus_pane()

    def do_pane_traces(self) -> None:
        self.pane = "traces"
        self._focus_pane()

    def do_pane_tree(self) -> None:
        self.pane = "tree"
        self._focus_pane()

    def do_pane_detail(self) -> None:
        self.pane = "detail"
        self._focus_pane()

    # where one is

    def footer_actions(self) -> list[Action]:
        """Return the actions of the pane that has the keys, the most important first."""
        span = self.span_tree.cursor
        about_a_call = span is not None and span.kind in ("llm", "middleware")
        return [action for action in for_footer(self.pane) if about_a_call or action.id not in OF_CALLS]

    def _tell_place(self) -> None:
        trace, span = self.span_tree.rows.trace, self.span_tree.cursor
        steps = ["traces"]
        if self.pane != "traces" and trace is not None:
            steps.append(title(trace))
            if self.pane == "detail" and span is not None:
                steps.append(span.name or kind_word(span.kind))
        self.breadcrumb.show(tuple(steps))
        actions = self.footer_actions()
        if self.has_class("-empty"):
            useful = _ON_EMPTY if self.welcome.chosen is not None else _ON_EMPTY - {"pane.open"}
            actions = [action for action in actions if action.id in useful]
        self.footer.show(actions)
