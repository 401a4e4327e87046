"""The screen: traces, tree and detail, arranged for the terminal's size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.timer import Timer
from textual.widget import Widget

from etaoi_collector.model import Changes, Span, Status, Trace
from etaoi_collector.query import QueryError, parse_query
from etaoi_collector.source import Source
from etaoi_collector.store import Store
from etaoi_tui.actions import ACTIONS, BY_ID, Pane, for_footer
from etaoi_tui.detail.calls import surroundings_version
from etaoi_tui.detail.payloads import EventPayloads
from etaoi_tui.detail.reading import Reading
from etaoi_tui.pricing.book import price_book
from etaoi_tui.screens.voice_actions import VoiceActions
from etaoi_tui.view.glyphs import kind_word
from etaoi_tui.view.layout import Layout, Mode, mode_of
from etaoi_tui.view.search import TraceSearch
from etaoi_tui.view.status import StatusLine
from etaoi_tui.view.summary import Summaries
from etaoi_tui.view.traces import TraceRows, title
from etaoi_tui.view.walk import next_error, previous_error
from etaoi_tui.widgets.breadcrumb import Breadcrumb
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.divider import Divider
from etaoi_tui.widgets.footer import KeyFooter
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.search_bar import SearchBar
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.status_bar import StatusBar
from etaoi_tui.widgets.trace_list import TraceList
from etaoi_tui.widgets.welcome import Welcome

_DETAIL_AFTER = 0.06
"""Seconds that the cursor rests before its detail is drawn: a held key pays for no row it passes."""

_DETAIL_AT_LATEST = 0.4
"""Seconds of uninterrupted moving after which the detail is drawn all the same."""

_SEARCH_BUDGET = 0.03
"""Seconds a tick spends on a running search."""

_DETAIL_BUDGET_MS = 8.0
_SNAPSHOTS_SHOWN = 8


class MainScreen(VoiceActions):
    """Shows a store through panes; changes views, never the store."""

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

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(action.keys),
            f"run('{action.id}')",
            action.label,
            show=False,
            id=action.id,
            tooltip=action.help,
        )
        for action in ACTIONS
    ]

    def __init__(
        self,
        source: Source,
        store: Store,
        layout: Layout,
        now: Callable[[Trace], float],
        endpoint: str,
        token: bool,
        *,
        demo: bool = False,
    ) -> None:
        """Make the screen.

        Args:
            source: For payloads; the feed alone takes events from it.
            store: What has arrived.
            layout: Sizes of the panes; changed in place.
            now: The present for a trace, in seconds since the epoch.
            endpoint: Where a live run listens; empty for a replay.
            token: Whether clients need a token.
            demo: A scripted agent is about to connect.
        """
        super().__init__()
        self.source = source
        self.store = store
        self.sizes = layout
        self.now = now
        self.pane: Pane = "tree"
        self.zoomed = False
        self.searched = ""
        self._rest_timer: Timer | None = None
        self._moving_since = 0.0
        self._shown_detail: tuple[Span | None, int] = (None, -1)
        self._shown_contexts: tuple[str, ...] = ()
        self._payloads = EventPayloads(source)
        self.reading = Reading()
        self._shown_reading = -1
        summaries = Summaries(source)
        self.status_bar = StatusBar(id="status")
        self.breadcrumb = Breadcrumb(id="breadcrumb")
        self.traces = TraceList(TraceRows(store), summaries, now, id="traces")
        self.span_tree = SpanTree(summaries, now, id="tree")
        self.detail = DetailPane(id="detail")
        self.lanes = self.make_lanes(source)
        self.welcome = Welcome(endpoint, token=token, demo=demo, id="welcome")
        self.search_bar = SearchBar(id="search")
        self.footer = KeyFooter(id="footer")
        self.split_traces = Divider(vertical=True, id="split-traces")
        self.split_detail = Divider(vertical=False, id="split-detail")
        self.is_live = self.span_tree.is_live = self.lanes.is_live = bool(endpoint)

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
        self.add_class("-at-tree")
        self._empty_or_not()
        self._arrange()

    # what arrives

    def apply(self, changes: Changes, frame: int) -> None:
        """Show what a tick changed.

        Args:
            changes: From the store.
            frame: Number of the spinner's picture.
        """
        self.traces.apply(changes)
        shown = self.span_tree.rows.trace
        if shown is not None and self.store.traces.get(shown.trace_id) is not shown:
            shown = None
        newest = self.traces.rows.at(0) if len(self.traces.rows) else None
        if newest is not None and (
            shown is None or (self.span_tree.following and self._is_newer(newest, shown))
        ):
            self.show_trace(newest)
        else:
            self.span_tree.apply(changes)
            if shown is not None and shown.context_ids != self._shown_contexts:
                self._load_snapshots(shown)
        self._empty_or_not()
        self.traces.animate_running(frame)
        self.span_tree.animate_running(frame)
        self.apply_to_lanes(changes, frame)
        self._search_on()
        self._grow_detail(changes)
        self._tell_place()

    def _is_newer(self, newest: Trace, shown: Trace) -> bool:
        """Whether following should go on to the newest trace: not while the shown one still runs."""
        return newest is not shown and newest.number > shown.number and shown.status is not Status.RUNNING

    def show_status(self, status: StatusLine) -> None:
        """Draw the first line."""
        self.status_bar.show(status)

    def show_trace(self, trace: Trace) -> None:
        """Show a trace in the tree and put the list's cursor on it."""
        self.traces.select(trace)
        self._shown_contexts = trace.context_ids
        self.span_tree.show_trace(trace, self._snapshots(trace))
        self.show_voice_of(trace)
        self._close_search()
        self._cursor_rests()

    def _snapshots(self, trace: Trace) -> list[Span]:
        found = (self.store.find_span(span_id) for span_id in trace.context_ids[-_SNAPSHOTS_SHOWN:])
        return [span for span in found if span is not None and span.trace is not trace]

    def _load_snapshots(self, trace: Trace) -> None:
        """An agent's snapshot came to be known after the trace was shown: put it on top."""
        self._shown_contexts = trace.context_ids
        self.span_tree.rows.context = self._snapshots(trace)
        self.span_tree.rows.rebuild()
        self.span_tree.rows_changed()

    def _empty_or_not(self) -> None:
        empty = self.is_live and not len(self.traces.rows)
        if empty != self.has_class("-empty"):
            self.set_class(empty, "-empty")
            # What is to have the keys is displayed only after the next layout.
            self.call_after_refresh(self._focus_pane)

    # the detail

    @on(RowView.CursorMoved)
    def _cursor_moved(self, event: RowView.CursorMoved) -> None:
        if event.view is self.traces:
            trace = self.traces.cursor
            if trace is not None and trace is not self.span_tree.rows.trace:
                self.span_tree.following = False
                self.show_trace(trace)
        elif event.view is self.lanes:
            self.lanes_cursor_moved()
        elif event.view is self.span_tree:
            self.tree_cursor_moved()
            self._cursor_rests()
            if self.span_tree.search is not None:
                self._tell_hits()

    @on(RowView.RowOpened)
    def _row_opened(self, event: RowView.RowOpened) -> None:
        self.do_pane_open()

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
        from etaoi_tui.detail.describe import describe

        document = self.describe_turn(span) or describe(
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
        return span.version + surroundings_version(span) + price_book().ready

    def _is_stale(self, span: Span) -> bool:
        return self._version_of(span) != self._shown_detail[1]

    def _grow_detail(self, changes: Changes) -> None:
        span = self.span_tree.cursor
        if span is not None and self._rest_timer is None and self.detail.display:
            if span in changes.changed or self._shown_detail[0] is not span or self._is_stale(span):
                self.draw_detail_now()
        self.detail.work(_DETAIL_BUDGET_MS)

    # search

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

    # actions

    def action_run(self, action_id: str) -> None:
        """Run an action of the registry."""
        getattr(self, "do_" + action_id.replace(".", "_"))()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Actions of another pane do not apply."""
        if action != "run" or not parameters:
            return True
        known = BY_ID.get(str(parameters[0]))
        return known is None or self.pane in known.panes

    @on(KeyFooter.ActionClicked)
    def _footer_clicked(self, event: KeyFooter.ActionClicked) -> None:
        self.action_run(event.action_id)

    @on(StatusBar.ProblemsAsked)
    def _status_clicked(self) -> None:
        self.do_problems_show()

    @property
    def _rows(self) -> RowView:
        if self.has_class("-empty"):
            return self.welcome
        return self.traces if self.pane == "traces" else self.work_view

    def _release_follow(self) -> None:
        if self.span_tree.following and self.pane == "tree":
            self.span_tree.follow(False)
            self._tell_place()

    def do_cursor_down(self) -> None:
        self._move(1)

    def do_cursor_up(self) -> None:
        self._move(-1)

    def _move(self, rows: int) -> None:
        if self.pane == "detail" and not self.has_class("-empty"):
            self.detail.move_cursor(rows)
        else:
            self._release_follow()
            self._rows.move_by(rows)

    def do_cursor_page_down(self) -> None:
        self._page(0.5)

    def do_cursor_page_up(self) -> None:
        self._page(-0.5)

    def _page(self, pages: float) -> None:
        if self.pane == "detail":
            (self.detail.page_down if pages > 0 else self.detail.page_up)()
        else:
            self._release_follow()
            self._rows.page(pages)

    def do_cursor_first(self) -> None:
        if self.pane == "detail":
            self.detail.go_home()
        else:
            self._release_follow()
            self._rows.move_to(0)

    def do_cursor_last(self) -> None:
        if self.pane == "detail":
            self.detail.go_end()
        else:
            self._rows.move_to(self._rows.row_count - 1)

    def do_fold_in(self) -> None:
        self._release_follow()
        self.work_view.fold_or_parent()

    def do_fold_out(self) -> None:
        self._release_follow()
        self.work_view.unfold_or_child()

    def do_section_next(self) -> None:
        self.detail.next_section()

    def do_section_previous(self) -> None:
        self.detail.previous_section()

    def do_fold_toggle(self) -> None:
        if self.pane == "detail":
            self.detail.toggle_section_at_cursor()
        else:
            self._release_follow()
            self.work_view.toggle()

    def do_fold_all(self) -> None:
        if self.pane == "detail":
            self.detail.collapse_all()
        elif self.in_lanes:
            self.lanes.fold_all()
        else:
            self.span_tree.rows.fold_all()
            self.span_tree.rows_changed()

    def do_fold_none(self) -> None:
        if self.pane == "detail":
            self.detail.expand_all()
        elif self.in_lanes:
            self.lanes.unfold_all()
        else:
            self.span_tree.rows.unfold_all()
            self.span_tree.rows_changed()

    def do_fold_less(self) -> None:
        self.span_tree.rows.unfold_one_level()
        self.span_tree.rows_changed()

    def do_fold_more(self) -> None:
        self.span_tree.rows.fold_one_level()
        self.span_tree.rows_changed()

    def do_plumbing_toggle(self) -> None:
        rows = self.span_tree.rows
        rows.set_plumbing(not rows.show_plumbing)
        self.span_tree.rows_changed()
        shown = "shown" if rows.show_plumbing else "folded away"
        self.app.notify(f"The framework's inner steps are {shown}.", markup=False, timeout=2)

    def do_pane_open(self) -> None:
        if self.has_class("-empty"):
            offer = self.welcome.chosen
            if offer is not None:
                self.app.open_recording(offer.path)  # type: ignore[attr-defined]
            return
        if self.pane == "detail":
            self.detail.toggle_section_at_cursor()
            return
        self.pane = "tree" if self.pane == "traces" else "detail"
        if self.pane == "detail":
            self.draw_detail_now()
        self._focus_pane()

    def do_pane_back(self) -> None:
        if self.span_tree.search is not None or self.search_bar.is_open:
            self._close_search()
        elif self.zoomed:
            self.do_pane_zoom()
            return
        elif self.pane == "detail":
            self.pane = "tree"
        elif self.pane == "tree":
            self.pane = "traces"
        self._focus_pane()

    def do_error_next(self) -> None:
        self._go_to_error(next_error, "No error behind this.", "No errors in this trace.")

    def do_error_previous(self) -> None:
        self._go_to_error(previous_error, "No error before this.", "No errors in this trace.")

    def _go_to_error(
        self, find: Callable[[Trace, Span | None], Span | None], no_more: str, none: str
    ) -> None:
        trace = self.span_tree.rows.trace
        if trace is None:
            return
        found = find(trace, self.span_tree.cursor)
        if found is None:
            found = find(trace, None)
            self.app.notify(no_more if found is not None else none, markup=False, timeout=2)
        if found is not None:
            if self.span_tree.following:
                self.span_tree.follow(False)
            self.span_tree.select(found)

    def do_trace_next(self) -> None:
        self._step_trace(1)

    def do_trace_previous(self) -> None:
        self._step_trace(-1)

    def _step_trace(self, rows: int) -> None:
        self.traces.move_by(rows)

    def do_follow_toggle(self) -> None:
        self.span_tree.follow(not self.span_tree.following)
        if self.span_tree.following and len(self.traces.rows):
            newest = self.traces.rows.at(0)
            if newest is not self.span_tree.rows.trace:
                self.show_trace(newest)
        self._tell_place()

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

    def do_pane_next(self) -> None:
        self._step_pane(1)

    def do_pane_previous(self) -> None:
        self._step_pane(-1)

    def _step_pane(self, step: int) -> None:
        order: Sequence[Pane] = ("traces", "tree", "detail")
        self.pane = order[(order.index(self.pane) + step) % 3]
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

    def do_tab_next(self) -> None:
        self.detail.next_tab()

    def do_tab_previous(self) -> None:
        self.detail.previous_tab()

    do_tab_right = do_tab_next
    do_tab_left = do_tab_previous

    def do_pane_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self._arrange()

    def do_pane_grow(self) -> None:
        self._resize_pane(self.pane, 4 if self._mode == "wide" or self.pane == "traces" else 2)

    def do_pane_shrink(self) -> None:
        self._resize_pane(self.pane, -4 if self._mode == "wide" or self.pane == "traces" else -2)

    def do_copy_open(self) -> None:
        from etaoi_tui.screens.copy_menu import CopyMenu

        span = self.span_tree.cursor
        if span is not None:
            self.app.push_screen(
                CopyMenu(span, self._payloads, self.detail.copy_target(), self.now(span.trace))
            )

    def do_problems_show(self) -> None:
        from etaoi_tui.screens.problems import Problems

        self.app.push_screen(Problems(self.store, self.source.notices))

    def do_view_clear(self) -> None:
        self.traces.rows.clear()
        self.traces.cursor = None
        self.span_tree.show_trace(None, [])
        self.show_voice_of(None)
        self._shown_detail = (None, -1)
        self.detail.clear()
        self._empty_or_not()
        self.traces.refresh()

    def do_theme_next(self) -> None:
        self.app.next_theme()  # type: ignore[attr-defined]

    def do_palette_open(self) -> None:
        self.app.action_command_palette()

    def do_help_show(self) -> None:
        from etaoi_tui.screens.help import Help

        pane: Widget = self.welcome if self.has_class("-empty") else self._widget(self.pane)
        self.app.push_screen(Help(pane, self.pane))

    def do_app_quit(self) -> None:
        self.app.exit()

    # arrangement

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
        for name in ("traces", "tree", "detail"):
            self.set_class(name == self.pane, "-at-" + name)
        widget: Widget = self.welcome if self.has_class("-empty") else self._widget(self.pane)
        if not widget.has_focus:
            self.set_focus(widget, scroll_visible=False)
        self._tell_place()

    def on_click(self, event: events.Click) -> None:
        """A click gives the keys to its pane."""
        for name in ("traces", "tree", "detail"):
            if event.widget is self._widget(name) and self.pane != name:
                self.pane = name
                self._focus_pane()

    def _tell_place(self) -> None:
        trace, span = self.span_tree.rows.trace, self.span_tree.cursor
        steps = ["traces"]
        if self.pane != "traces" and trace is not None:
            steps.append(title(trace))
            if self.pane == "detail" and span is not None:
                steps.append(span.name or kind_word(span.kind))
        self.breadcrumb.show(tuple(steps))
        actions = self.with_voice(for_footer(self.pane))
        if self.has_class("-empty"):
            wanted = {"pane.open", "palette.open", "help.show", "app.quit", "problems.show"}
            actions = [action for action in actions if action.id in wanted]
        self.footer.show(actions)
