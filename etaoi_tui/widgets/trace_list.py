"""The list of runs: how each is doing, what it was asked, and what it came to, by conversation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from typing import ClassVar

from rich.cells import cell_len

from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Status, Trace
from etaoi_tui.text import fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.runs import columns as cols
from etaoi_tui.view.runs.figures import RunFigures
from etaoi_tui.view.runs.rows import ORDERS, Earlier, Group, GroupedRuns, Order, Row, RunRows, make_rows
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.widgets.row_view import Piece, RowView
from etaoi_tui.widgets.run_painter import LOOKS, RunPainter
from etaoi_tui.widgets.styles import StyleTable

_FLOOD = 8
"""New runs in one tick that are a flood: more than an eye could follow."""

_HOLD_BACK = 3
"""Ticks of a flood that are not drawn before one is."""

_ORDER_WORDS: dict[Order, str] = {
    "time": "newest first",
    "duration": "longest first",
    "cost": "most expensive first",
    "tokens": "most tokens first",
    "errors": "most errors first",
}


class TraceList(RowView):
    """A line a run, under its conversation; the cursor is a run, or stands on a conversation's own line."""

    BINDING_GROUP_TITLE = "Runs"
    HELP = """\
Every run that arrived: its state, what it was asked, who was asked, failures by cause behind ✗, tokens,
dollars ($?: no price is known, ≥: not of all), how long it took and when it began; as much as the width has
room for. Runs of one conversation (a thread, or a session without threads) stand under it, the newest on top,
with their sums and the course of their context.
"""
    HEADER_HEIGHT = 1
    LOOKS: ClassVar[StyleTable] = {**RowView.LOOKS, **LOOKS}

    def __init__(
        self,
        selection: Selection,
        store: Store,
        summaries: Summaries,
        now: Callable[[Trace], float],
        *,
        id: str | None = None,
    ) -> None:
        """Make a list.

        Args:
            selection: Its trace is the cursor.
            store: Where the runs are.
            summaries: Tells what a run was asked.
            now: The present for a run, in seconds since the epoch.
            id: Textual id.
        """
        super().__init__(id=id)
        self.figures = RunFigures()
        self.all = GroupedRuns(store, self.figures)
        """Every run, by conversation, whatever is shown."""
        self.rows: RunRows = self.all
        """The runs that are shown."""
        self.order: Order = "time"
        self.selection = selection
        selection.watch(self._selection_changed)
        self.note = ""
        """Said in the header: what is looked for."""
        self.painter = RunPainter(summaries, self.figures, now)
        self._store = store
        self._found: Collection[Trace] | None = None
        self._on_line: Group | Earlier | None = None
        """The cursor stands on a conversation's own line, and not on the selected run's."""
        self._hint = 0
        self._newest = -1
        self._held_back = 0
        self._drawn: dict[Group, int] = {}

    # what arrives

    def apply(self, changes: Changes) -> None:
        """Take in a tick's changes; the row under the cursor stays on its line."""
        if self.figures.prices_came():
            for rows in {id(rows): rows for rows in (self.all, self.rows)}.values():
                rows.count_again()
            self.refresh()
        row = self.cursor_row
        line = None if row is None else row - self.top
        moved = self.all.apply(changes)
        if self.rows is not self.all:
            moved = self.rows.apply(changes)
        if moved:
            self._keep_line(line)
            self._draw_news()
        elif self._held_back:
            self._draw_all()
        elif changes.traces:
            self.refresh_rows([row for row in self.shown_rows() if self._changed(self.rows.at(row), changes)])

    def look_again(self, traces: Iterable[Trace]) -> None:
        """The search found something in these runs, or does not any more."""
        row = self.cursor_row
        line = None if row is None else row - self.top
        if any([self.rows.refresh(trace) for trace in traces]):
            self._keep_line(line)
            self.refresh()

    def _keep_line(self, line: int | None) -> None:
        """Put the cursor's row back on its line of the viewport, unless the list stands at its top."""
        row = self.cursor_row
        if row is not None and line is not None and self.top:
            self.top = max(0, row - line)
        self.keep_in_range()

    def _changed(self, item: Row, changes: Changes) -> bool:
        if isinstance(item, Group):
            return self._drawn.get(item) != item.totals.version
        return not isinstance(item, Earlier) and item in changes.traces

    def _draw_news(self) -> None:
        """Draw the list with its new rows, but in a flood only now and then: nobody could read more."""
        run = self.all.newest()
        newest = -1 if run is None else run.number
        came, self._newest = newest - self._newest, newest
        if came > _FLOOD and self._held_back < _HOLD_BACK:
            self._held_back += 1
        else:
            self._draw_all()

    def _draw_all(self) -> None:
        self._held_back = 0
        self._drawn.clear()
        self.refresh()

    def refresh_rows(self, rows: Iterable[int]) -> None:
        """Draw some rows again; all of them while others stand on the screen than are listed."""
        if self._held_back:
            self._draw_all()
        else:
            super().refresh_rows(rows)

    def animate_running(self, frame: int) -> None:
        """Draw the next picture of runs that run."""
        self.painter.frame = frame
        if not self._held_back:
            self.refresh_rows([row for row in self.shown_rows() if self._runs(self.rows.at(row))])

    def _runs(self, item: Row) -> bool:
        return isinstance(item, Trace) and item.status is Status.RUNNING

    # what is listed

    def newest(self) -> Trace | None:
        """Return the newest run, or stray marks where nothing else came."""
        return self.all.newest()

    def clear(self) -> None:
        """List only what comes from now on."""
        self.all.clear()
        self.rows = self.all
        self._on_line = None
        self._found = None
        self.order = "time"
        self.refresh()

    def sort(self, order: Order) -> None:
        """List runs in another order."""
        self.order = order
        self._list()

    def sort_next(self) -> str:
        """List runs in the next order, and return its name in words."""
        self.sort(ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)])
        return _ORDER_WORDS[self.order]

    def show_only(self, found: Collection[Trace] | None) -> None:
        """List only some runs; None for all.

        Args:
            found: Those that are listed; when others are in it, `look_again` must be told of them.
        """
        if found is not self._found:
            self._found = found
            self._list()

    def _list(self) -> None:
        found = self._found
        if found is None and self.order == "time":
            self.rows = self.all
        else:
            only = None if found is None else found.__contains__
            self.rows = make_rows(self._store, self.figures, self.order, only=only, after=self.all.after)
            self.rows.fill(list(self._store.traces.values() if found is None else found))
        self._on_line = None
        self.top = 0
        self._show_cursor()
        self.refresh()

    def step_run(self, runs: int) -> None:
        """Go to the next run (1) or the one before (-1), across conversations and what is folded away."""
        found = self.rows.step(self.selection.trace, runs)
        if found is not None:
            self._on_line = None
            self.rows.reveal(found)
            self.selection.show(found, by=self)
            self._show_cursor()
            self.refresh()
            self.post_message(self.CursorMoved(self))

    def turn_beside(self, trace: Trace, turns: int) -> Trace | None:
        """Return the later (1) or the earlier (-1) run of a run's conversation, listed or not."""
        group = self.all.group_of(trace)
        if group is None:
            return None
        at = group.runs.index(trace) + turns
        return group.runs[at] if 0 <= at < len(group.runs) else None

    def runs_from_cursor(self, runs: int) -> Iterator[Trace]:
        """Yield the other runs below the selected one (1) or above it (-1), then from the other end."""
        trace = self.selection.trace
        yield from self.rows.runs_from(trace, runs)
        if trace is not None and trace in self.rows:
            for other in self.rows.runs_from(None, runs):
                if other is trace:
                    return
                yield other

    # folding

    def fold_or_head(self) -> None:
        """Fold the conversation, or go to its own line first."""
        group = self._group_at_cursor()
        if group is None:
            return
        if isinstance(self._on_line, Group):
            self._fold(group, True)
        else:
            row = self.rows.row(group)
            if row is not None:
                self.move_to(row)

    def unfold_or_enter(self) -> None:
        """Unfold the conversation, then its earlier runs, then go to its first run."""
        group = self._group_at_cursor()
        if group is None or not isinstance(self.rows, GroupedRuns):
            return
        if isinstance(self._on_line, Earlier):
            self._expand(group)
        elif isinstance(self._on_line, Group):
            if group.folded:
                self._fold(group, False)
            else:
                self.move_by(1)

    def toggle(self) -> None:
        """Fold or unfold the conversation under the cursor."""
        group = self._group_at_cursor()
        if group is None:
            return
        if isinstance(self._on_line, Earlier):
            self._expand(group)
        else:
            self._fold(group, not group.folded)

    def fold_all(self, folded: bool) -> None:
        """Fold every conversation, or give every run a row."""
        if isinstance(self.rows, GroupedRuns):
            group = self._group_at_cursor()
            self.rows.fold_all(folded)
            self._on_line = group if folded and group is not None and len(group.runs) > 1 else None
            self._show_cursor()
            self.refresh()

    def open_row(self) -> bool:
        """Unfold earlier runs if the cursor stands on them; True if it did."""
        if not isinstance(self._on_line, Earlier):
            return False
        self._expand(self._on_line.group)
        return True

    def _group_at_cursor(self) -> Group | None:
        if isinstance(self._on_line, Earlier):
            return self._on_line.group
        if self._on_line is not None:
            return self._on_line
        trace = self.selection.trace
        group = self.rows.group_of(trace) if trace is not None else None
        return group if group is not None and len(group.runs) > 1 else None

    def _fold(self, group: Group, folded: bool) -> None:
        if isinstance(self.rows, GroupedRuns) and self.rows.set_folded(group, folded):
            self._on_line = group
            self._show_cursor()
            self.refresh()

    def _expand(self, group: Group) -> None:
        if not isinstance(self.rows, GroupedRuns):
            return
        row = self.cursor_row
        if self.rows.expand(group, True):
            self._on_line = None
            if row is not None:
                self.set_cursor_row(min(row, len(self.rows) - 1))
            self._show_cursor()
            self.refresh()

    # the cursor

    @property
    def cursor(self) -> Trace | None:
        """The selected run."""
        return self.selection.trace

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace and change.by is not self:
            self._on_line = None
            if change.by_hand and self.cursor is not None:
                self.rows.reveal(self.cursor)
            self._show_cursor()
            self.refresh()

    def _show_cursor(self) -> None:
        self.keep_in_range()
        row = self.cursor_row
        if row is not None:
            self.scroll_to_row(row)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @property
    def cursor_row(self) -> int | None:
        """The row of the selected run, or of the conversation's line that the cursor stands on."""
        item: Row | None = self._on_line or self.selection.trace
        if item is None:
            return None
        rows = self.rows
        if self._hint < len(rows) and rows.at(self._hint) is item:
            return self._hint
        row = rows.row(item)
        if row is None and self.selection.trace is not None:
            group = rows.group_of(self.selection.trace)
            row = rows.row(group) if group is not None else None
        if row is not None:
            self._hint = row
        return row

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a row; on a conversation's own line its newest run is selected."""
        item = self.rows.at(row)
        trace = self.selection.trace
        if isinstance(item, Trace):
            self._on_line = None
            if item is not trace:
                self.selection.show(item, by=self)
            return
        self._on_line = item
        group = item if isinstance(item, Group) else item.group
        if trace is None or self.rows.group_of(trace) is not group:
            self.selection.show(group.newest, by=self)

    def clicked(self, row: int, x: int, line: int) -> bool:
        """A click on a triangle folds, one on earlier runs unfolds them."""
        item = self.rows.at(row)
        if isinstance(item, Earlier) or (isinstance(item, Group) and x < cols.GLYPH):
            self.move_to(row)
            self.toggle()
            return True
        return False

    # drawing

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw the list's title, its order and its sums."""
        sums = cols.sums(self.rows.totals.figures, self.rows.runs) if self.rows.runs else ""
        strays = len(self.rows.strays)
        if strays and width >= cell_len(sums) + 30:
            sums = f"+{fmt.count(strays, 'stray mark')}  {sums}"
        left = " RUNS"
        if self.order != "time":
            left += f" {_ORDER_WORDS[self.order]}"
        if self.note:
            left += f" /{self.note}"
        right = f"{sums} " if sums else ""
        room = max(width - cell_len(right) - 1, 0)
        return [(fit(one_line(left.strip(), room).join((" ", "")), room) + " " + right, "trace-list--header")]

    def row_key(self, row: int, line: int) -> Hashable | None:
        """A row looks the same until something of its run arrives; one that runs never does.

        A call's words may come with other traces, so calls are always drawn.
        """
        item = self.rows.at(row)
        priced = self.figures.priced
        if isinstance(item, Earlier):
            return ("earlier", item.group.hidden)
        if isinstance(item, Group):
            totals = item.totals
            self._drawn[item] = totals.version
            of = (item.session.number, item.thread, item.key[2], item.newest.number)
            return (of, totals.version, totals.runs, item.folded, priced)
        status = item.status
        if status is Status.RUNNING or any(r.kind == "voice_session" for r in item.roots[:4]):
            return None
        return (
            item.number,
            item.events,
            item.only_infrastructure,
            status,
            len(item.roots),
            item.ended_at,
            item.usage_version,
            self._inside(item),
            priced,
        )

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a run, or a conversation."""
        item = self.rows.at(row)
        if isinstance(item, Earlier):
            return self.painter.draw_earlier(item, width)
        if isinstance(item, Group):
            return self.painter.draw_group(item, width)
        return self.painter.draw_run(item, width, inside=self._inside(item))

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Say that there is nothing yet, or nothing of what is looked for."""
        said = "none yet" if self._found is None else "none"
        return [(f"   {said}", "trace-list--muted")] if line == 1 else []

    def _inside(self, trace: Trace) -> bool:
        group = self.rows.group_of(trace)
        return group is not None and len(group.runs) > 1
