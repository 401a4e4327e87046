"""The list of runs: how each is doing, what it was asked, and what it came to, by conversation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import ClassVar

from rich.cells import cell_len

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Status, Trace
from etaoi_tui.text import fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.command import PANE_KEYS
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.runs import columns as cols
from etaoi_tui.view.runs.figures import Figures, RunFigures
from etaoi_tui.view.runs.grouped_rows import GroupedRuns
from etaoi_tui.view.runs.groups import Earlier, Group, Row
from etaoi_tui.view.runs.sorted_rows import ORDERS, Order, make_rows
from etaoi_tui.view.selection import Selection
from etaoi_tui.widgets.row_view import Piece, RowView
from etaoi_tui.widgets.run_cursor import RunCursor
from etaoi_tui.widgets.run_painter import LOOKS, RunPainter
from etaoi_tui.widgets.styles import StyleTable

_FLOOD = 8
"""New runs in one tick that are a flood: more than an eye could follow."""

_HOLD_BACK = 3
"""Ticks of a flood that are not drawn before one is."""

_BESIDE = 3
"""Rows above and below in which a run is looked for: lines of conversations may lie between two runs."""

_ORDER_WORDS: dict[Order, str] = {
    "time": "newest first",
    "duration": "longest first",
    "cost": "most expensive first",
    "tokens": "most tokens first",
    "errors": "most errors first",
}


class TraceList(RunCursor):
    """A line a run, under its conversation; the cursor is a run, or stands on a conversation's own line."""

    BINDING_GROUP_TITLE = "Runs"
    HELP = """\
Every run that arrived: its state, how many events its agent had to drop (⚠ lost), what it was asked, who was
asked, failures by cause behind ✗ (in brackets: it handled all of them and ended well), tokens,
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
        totals: Totals,
        *,
        id: str | None = None,
    ) -> None:
        """Make a list.

        Args:
            selection: Its trace is the cursor.
            store: Where the runs are.
            summaries: Tells what a run was asked.
            now: The present for a run, in seconds since the epoch.
            totals: What model calls came to, kept up to date by whoever made it.
            id: Textual id.
        """
        super().__init__(selection, GroupedRuns(store, RunFigures(totals)), id=id)
        self.figures = self.all.figures
        self.order: Order = "time"
        self.note = ""
        """Said in the header: what is looked for."""
        self.painter = RunPainter(summaries, self.figures, now)
        self._store = store
        self._only_runs: Collection[Trace] | None = None
        self._newest = -1
        self._held_back = 0
        self._drawn: dict[Group | Earlier, int] = {}

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
        if row is not None:
            self.show_line_above(row)

    def _changed(self, item: Row, changes: Changes) -> bool:
        if isinstance(item, Trace):
            return item in changes.traces
        group = item.group if isinstance(item, Earlier) else item
        return self._drawn.get(item) != group.totals.version

    def _draw_news(self) -> None:
        """Draw the list with its new rows, but in a flood only now and then: nobody could read more."""
        run = self.all.newest()
        newest = -1 if run is None else run.number
        new_rows, self._newest = newest - self._newest, newest
        if new_rows > _FLOOD and self._held_back < _HOLD_BACK:
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

    @property
    def hidden_words(self) -> str:
        """What to say of the list where it is not on the screen."""
        return cols.hidden_runs(self.all.totals.figures, self.all.runs)

    def conversation_figures(self, trace: Trace) -> Figures | None:
        """Return what the runs of a run's conversation came to; None if it has no other."""
        group = self.all.group_of(trace)
        return group.totals.figures if group is not None and len(group.runs) > 1 else None

    def clear(self) -> None:
        """List only what comes from now on."""
        self.all.clear()
        self.rows = self.all
        self.on_line = None
        self._only_runs = None
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

    def show_only(self, only_runs: Collection[Trace] | None) -> None:
        """List only some runs; None for all.

        Args:
            only_runs: Those that are listed; when others are in it, `look_again` must be told of them.
        """
        if only_runs is not self._only_runs:
            self._only_runs = only_runs
            self._list()

    def _list(self) -> None:
        only_runs = self._only_runs
        if only_runs is None and self.order == "time":
            self.rows = self.all
        else:
            only = None if only_runs is None else only_runs.__contains__
            self.rows = make_rows(self._store, self.figures, self.order, only=only, after=self.all.after)
            self.rows.fill(list(self._store.traces.values() if only_runs is None else only_runs))
        self.on_line = None
        self.top = 0
        self.show_cursor()
        self.refresh()

    # drawing

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw the list's title, its order and its sums."""
        sums = cols.sums(self.rows.totals.figures, self.rows.runs) if self.rows.runs else ""
        strays = len(self.rows.strays)
        if strays and width >= cell_len(sums) + 30:
            sums = f"+{fmt.count(strays, 'stray mark')}  {sums}"
        left = f"{PANE_KEYS['traces']} runs"
        if self.order != "time":
            left += f" {_ORDER_WORDS[self.order]}"
        if self.note:
            left += f" /{self.note}"
        while " · " in sums and cell_len(left + sums) + 2 > width:
            sums = sums.split(" · ", 1)[1]  # how many there are can be counted
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
            self._drawn[item] = item.group.totals.version
            return ("earlier", item.group.hidden, item.group.hidden_failures)
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
            *(run.number for run in self._beside(row)),
        )

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a run, or a conversation."""
        item = self.rows.at(row)
        if isinstance(item, Earlier):
            return self.painter.draw_earlier(item, width)
        if isinstance(item, Group):
            return self.painter.draw_group(item, width)
        return self.painter.draw_run(item, width, inside=self._inside(item), beside=self._beside(row))

    def _beside(self, row: int) -> list[Trace]:
        """Return the nearest runs above and below a row."""
        runs = []
        for step in (-1, 1):
            for other in range(row + step, row + (_BESIDE + 1) * step, step):
                item = self.rows.at(other) if 0 <= other < len(self.rows) else None
                if isinstance(item, Trace):
                    runs.append(item)
                    break
        return runs

    def draw_empty(self, line: int, width: int) -> list[Piece]:
        """Say that there is nothing yet, or nothing of what is looked for."""
        text = "none yet" if self._only_runs is None else "none"
        return [(f"   {text}", "trace-list--muted")] if line == 1 else []

    def _inside(self, trace: Trace) -> bool:
        group = self.rows.group_of(trace)
        return group is not None and len(group.runs) > 1
