"""The columns of the tree: who has room, who is added, and what one costs that cannot be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from etaoi_collector.store.model import Span
from etaoi_tui.view import column as column_module
from etaoi_tui.view.column import NAME_CELLS, Cell, Column, ColumnTable, RowContext
from tests.app.world import world

GRADE = """
from etaoi_tui.view.column import Column

COLUMN = Column(name="grade", order=5, cells=4, cell=lambda span, context: ("A日本plus", "muted"))
"""


@pytest.fixture(autouse=True)
def fresh_columns(monkeypatch: pytest.MonkeyPatch) -> Iterator[ColumnTable]:
    """Let each test have a table of its own."""
    table = ColumnTable()
    monkeypatch.setattr(column_module, "COLUMNS", table)
    monkeypatch.setattr("etaoi_tui.widgets.span_painter.COLUMNS", table)
    monkeypatch.setattr("etaoi_tui.screens.problems.COLUMNS", table)
    yield table


def grade(span: Span, context: RowContext) -> Cell:
    raise LookupError("no grade")


def test_columns_get_room_from_left_to_right_and_names_keep_theirs(fresh_columns: ColumnTable) -> None:
    fresh_columns.load()
    for width in range(10, 300):
        layout = fresh_columns.layout(width)
        assert layout.left_cells == sum(one.cells + 1 for one in layout.columns)
        assert layout.left_cells + layout.names + layout.bars + bool(layout.bars) == width
        assert layout.names >= NAME_CELLS or not layout.columns
        orders = [one.order for one in layout.columns]
        assert orders == sorted(orders)
    assert [one.name for one in fresh_columns.layout(40).columns] == ["state", "duration"]
    assert {"state", "duration", "tokens"} <= {one.name for one in fresh_columns.layout(120).columns}


async def test_another_distribution_names_a_column_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "grades.py").write_text(GRADE)
    info = tmp_path / "grades-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grades\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{column_module.ENTRY_POINT_GROUP}]\ngrade = grades:COLUMN\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    async with world() as (w, pilot):
        w.scribe.end(w.scribe.start("tool", "dig"))
        await w.tick(pilot)
        await w.app.workers.wait_for_complete()
        await w.tick(pilot)
        line = w.lines()[w.line_of("dig")]
        # Exactly its four cells, between the state and the duration, whatever characters it brings.
        assert line.startswith(" ✓ A日… "), line


async def test_a_column_that_raises_is_omitted_and_reported(
    fresh_columns: ColumnTable,
) -> None:
    fresh_columns.load()
    fresh_columns.add([("grades", Column(name="grade", order=5, cells=4, cell=grade)), ("odd", 7)])
    async with world() as (w, pilot):
        w.scribe.end(w.scribe.start("tool", "dig"))
        await w.tick(pilot)
        w.lines()
        assert w.lines()[w.line_of("dig")].startswith(" ✓ ")
    assert "grade" not in {one.name for one in fresh_columns.layout(120).columns}
    assert len(fresh_columns.failures) == 2
    assert "The column odd was skipped: not a Column" in fresh_columns.failures
    assert "The column grade was left out: LookupError: no grade" in fresh_columns.failures
