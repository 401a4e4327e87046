"""The door for a column of the tree: what stands left of the names, a file of `etaoi_tui.view.columns` each.

A file of the folder holds a `COLUMN`; a distribution of somebody else names one under the entry point group
``etaoi_tui.columns``. One that cannot be loaded is skipped, one that raises is left out from then on;
`ColumnTable.failures` says which and why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable

import msgspec

from etaoi_collector.pricing.total import Total
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store.model import Span
from etaoi_tui.kinds.appearance import RowReader
from etaoi_tui.plugins import load_entry_points, load_folder
from etaoi_tui.text import cells, fit, one_line

FOLDER = "etaoi_tui.view.columns"
ENTRY_POINT_GROUP = "etaoi_tui.columns"

NAME_CELLS = 16
"""Cells that the names keep, however many columns there are."""

BARS_FROM = 56
"""Cells of a line from which bars stand beside the names."""

LOOKS = frozenset({"", "number", "muted", "slow", "dim", "name", "ok", "running", "error", "warning"})
"""How a cell can be drawn: names of the tree's looks. ``error`` is for failures and nothing else."""

_STAND_FOR = ("sub_agent", "voice_session", "voice_turn")

_log = logging.getLogger(__name__)


class RowContext:
    """What a column knows beside the span.

    Attributes:
        rows: Reads a span's recorded events, for columns that show something of a payload.
        now: The trace's present, in seconds since the epoch.
        frame: Which picture of a moving sign is shown.
        folded: Whether the spans below a row are folded into it.
        totals: What spans, and all that lies below them, took in tokens and dollars.
    """

    __slots__ = ("folded", "frame", "now", "rows", "totals")

    def __init__(self, rows: RowReader, folded: Callable[[Span], bool], totals: Totals) -> None:
        self.rows = rows
        self.totals = totals
        self.now = 0.0
        self.frame = 0
        self.folded = folded

    def sum_below(self, span: Span) -> Total | None:
        """Return what all calls below a row took that stands for them; None for other rows.

        An agent, a root and a folded row stand for what is below; steps between would only repeat it.
        """
        if span.children is None:
            return None
        stands_for = span.kind in _STAND_FOR or span.parent is None or self.folded(span)
        return self.totals.below(span) if stands_for else None


Cell = tuple[str, str]
"""Text, and how it is drawn: one of `LOOKS`."""


def span_only(span: Span, context: RowContext) -> Hashable:
    """Say that a cell changes with its span and with nothing else."""
    return None


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the tree.

    Attributes:
        name: What it is called where it is spoken of.
        order: The lowest stands leftmost.
        cells: Its width, without the blank behind it.
        cell: Says what a row shows; longer text is cut. Data from outside is made safe where it is drawn.
        from_width: Cells that a line must have for it to be shown.
        left_aligned: Whether text stands at the left edge of its cells.
        depends_on: What a cell says beside its span's own change; a row is drawn anew when it differs.
    """

    name: str
    order: int
    cells: int
    cell: Callable[[Span, RowContext], Cell]
    from_width: int = 0
    left_aligned: bool = False
    depends_on: Callable[[Span, RowContext], Hashable] = span_only


class TreeLayout(msgspec.Struct, frozen=True):
    """How a line of the tree is shared.

    Attributes:
        columns: The columns that have room, from left to right.
        left_cells: Cells of all columns, blanks included.
        names: Cells of the tree itself.
        bars: Cells of the bars; 0 where there is no room for any.
    """

    columns: tuple[Column, ...]
    left_cells: int
    names: int
    bars: int


def _is_plain(text: str) -> bool:
    """Whether text needs no look at its characters: all are printable, and one cell wide."""
    return text.isprintable() and (text.isascii() or cells(text) == len(text))


def load_plugins() -> list[tuple[str, object]]:
    """Load the columns of third parties. It looks through all distributions: not for an event loop."""
    return list(load_entry_points(ENTRY_POINT_GROUP))


class ColumnTable:
    """All known columns.

    Args:
        folder: The package whose modules hold a column each.

    Attributes:
        failures: What could not be loaded or drawn, and why; one sentence each.
        version: Grows with every column that comes or goes.
    """

    def __init__(self, folder: str = FOLDER) -> None:
        self.failures: list[str] = []
        self.version = 0
        self._folder = folder
        self._folder_read = False
        self._columns: tuple[Column, ...] = ()
        self._layouts: dict[int, TreeLayout] = {}

    def load(self) -> None:
        """Load the columns of this project, once; it reads a folder."""
        if not self._folder_read:
            self._folder_read = True
            self.add(load_folder(self._folder, "COLUMN"))

    def add(self, loaded: Iterable[tuple[str, object]]) -> None:
        """Add columns by the names of what they were loaded from; what is no column is left out, and said."""
        columns = list(self._columns)
        for name, value in loaded:
            if isinstance(value, Column):
                columns.append(value)
                continue
            why = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else "not a Column"
            _log.warning("column %s skipped: %s", name, why)
            self.failures.append(f"The column {name} was skipped: {why}"[:300])
        self._put(columns)

    def layout(self, width: int) -> TreeLayout:
        """Share a line of so many cells."""
        layout = self._layouts.get(width)
        if layout is None:
            layout = self._layouts[width] = _share(self._columns, width)
        return layout

    def cell(self, column: Column, span: Span, context: RowContext) -> Cell:
        """Return what a row shows in a column, exactly as wide as that; a column that raises is left out."""
        try:
            text, look = column.cell(span, context)
            if look not in LOOKS:
                raise ValueError(f"{look!r} is none of {', '.join(sorted(LOOKS))}")
            if not text:
                return " " * (column.cells + 1), look
            if not _is_plain(text) or len(text) > column.cells:
                text = one_line(text, column.cells)
                return fit(text, column.cells, "left" if column.left_aligned else "right") + " ", look
            text = text.ljust(column.cells) if column.left_aligned else text.rjust(column.cells)
            return text + " ", look
        except Exception as error:
            self._leave_out(column, error)
            return " " * (column.cells + 1), ""

    def depends_on(self, span: Span, width: int, context: RowContext) -> Hashable:
        """Return what the cells of a row depend on beside the span itself."""
        dependencies: list[Hashable] = [self.version]
        for column in self.layout(width).columns:
            if column.depends_on is not span_only:
                try:
                    dependencies.append(column.depends_on(span, context))
                except Exception as error:
                    self._leave_out(column, error)
        return tuple(dependencies)

    def _leave_out(self, column: Column, error: Exception) -> None:
        _log.warning("column %s left out", column.name, exc_info=error)
        self.failures.append(f"The column {column.name} was left out: {type(error).__name__}: {error}"[:300])
        self._put(one for one in self._columns if one is not column)

    def _put(self, columns: Iterable[Column]) -> None:
        self._columns = tuple(sorted(columns, key=lambda column: column.order))
        self._layouts = {}
        self.version += 1


def _share(columns: Iterable[Column], width: int) -> TreeLayout:
    """Give columns their cells from left to right, as long as names keep some; then bars, then names."""
    visible: list[Column] = []
    left_cells = 0
    for column in columns:
        left_with_column = left_cells + column.cells + 1
        if width >= column.from_width and width - left_with_column >= NAME_CELLS:
            visible.append(column)
            left_cells = left_with_column
    bars = max(min(int((width - left_cells) * 0.38), 90), 14) if width >= BARS_FROM else 0
    if width - left_cells - bars - 1 < NAME_CELLS:
        bars = 0
    return TreeLayout(
        tuple(visible), left_cells, max(width - left_cells - bars - (1 if bars else 0), 4), bars
    )


COLUMNS = ColumnTable()
"""The columns of this process."""
