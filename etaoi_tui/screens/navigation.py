"""Moving about on the main screen: rows, folds, errors, traces, and back."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.store.model import Span, Trace
from etaoi_tui.screens.search_actions import SearchActions
from etaoi_tui.view.error_navigation import next_error, previous_error


class Navigation(SearchActions):
    """The part of the main screen that moves the cursor of the pane that has the keys."""

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
