"""The screen: traces, tree and detail, arranged for the terminal's size."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from etaoi_collector.store.model import Changes, Span, Status, Trace
from etaoi_tui.commands.registry import ACTIONS, BY_ID
from etaoi_tui.screens.navigation import Navigation
from etaoi_tui.screens.panes import ScreenContext
from etaoi_tui.view.status import StatusLine
from etaoi_tui.widgets.footer import KeyFooter
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.status_bar import StatusBar

_SNAPSHOTS_SHOWN = 8


class MainScreen(Navigation):
    """Shows a store through panes; changes views, never the store."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(action.keys),
            f"run('{action.id}')",
            action.label,
            show=False,
            id=action.id,
            tooltip=action.help,
            # Done before the next key is looked at: what is typed behind it belongs to the search.
            priority=action.id == "search.open",
        )
        for action in ACTIONS
    ]

    def __init__(self, shown: ScreenContext) -> None:
        """Make the screen.

        Args:
            shown: What it shows.
        """
        super().__init__(shown)
        self._shown_contexts: tuple[str, ...] = ()

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
        newest = self.traces.rows.newest()
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

    # actions

    def action_run(self, action_id: str) -> None:
        """Run an action of the registry."""
        getattr(self, "do_" + action_id.replace(".", "_"))()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Actions of another pane do not apply."""
        if action != "run" or not parameters:
            return True
        if parameters[0] == "search.open" and self.search_bar.has_keys:
            return False
        known = BY_ID.get(str(parameters[0]))
        return known is None or self.pane in known.panes

    @on(KeyFooter.ActionClicked)
    def _footer_clicked(self, event: KeyFooter.ActionClicked) -> None:
        self.action_run(event.action_id)

    @on(StatusBar.ProblemsAsked)
    def _status_clicked(self) -> None:
        self.do_problems_show()

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

    def do_follow_toggle(self) -> None:
        self.span_tree.follow(not self.span_tree.following)
        newest = self.traces.rows.newest()
        if self.span_tree.following and newest is not None and newest is not self.span_tree.rows.trace:
            self.show_trace(newest)
        self._tell_place()

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
