"""How panes share a screen: what columns the tree has room for, and lines that the mouse moves."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.app.world import World, world


@pytest.mark.parametrize("width", [120, 140, 160, 180, 190, 200, 240])
async def test_the_tree_has_tokens_and_cost_on_every_screen_with_a_list_beside_it(width: int) -> None:
    async with world(size=(width, 45), live=False) as (w, pilot):
        for number in range(3):
            w.scribe.end(w.scribe.start("sub_agent", f"run {number}"))
        await w.tick(pilot)
        layout = w.tree.painter.columns.layout(w.tree.size.width - 1)
        assert {"tokens", "cost"} <= {column.name for column in layout.columns}
        assert layout.names >= 28 and layout.bars >= 16


async def _drag(pilot: Pilot[Any], column: int, row: int, columns: int, rows: int) -> None:
    """Press on a cell of the screen, move by so many cells, and let go."""
    await pilot.mouse_down(offset=(column, row))
    await pilot.hover(offset=(column + columns, row + rows))
    await pilot.mouse_up(offset=(column + columns, row + rows))
    await pilot.pause()


async def _three_runs(w: World, pilot: Pilot[Any]) -> None:
    for number in range(3):
        root = w.scribe.start("sub_agent", f"run {number}")
        for _ in range(30):
            w.scribe.end(w.scribe.start("tool", "search", root))
        w.scribe.end(root)
    await w.tick(pilot)


@pytest.mark.parametrize("width", [160, 200])
@pytest.mark.parametrize("behind", [0, 1])
async def test_either_edge_between_list_and_tree_moves_with_the_mouse(width: int, behind: int) -> None:
    async with world(size=(width, 45), live=False) as (w, pilot):
        await _three_runs(w, pilot)
        traces = w.app.main.traces
        width_before = traces.region.width
        await _drag(pilot, traces.region.right + behind, 9, 7, 0)
        assert traces.region.width == width_before + 7
        await _drag(pilot, traces.region.right + behind, 9, -3, 0)
        assert traces.region.width == width_before + 4
        assert w.app.mouse_captured is None and not w.app.screen.selections


@pytest.mark.parametrize("behind", [0, 1])
async def test_either_edge_between_tree_and_detail_below_it_moves_with_the_mouse(behind: int) -> None:
    async with world(size=(160, 45), live=False) as (w, pilot):
        await _three_runs(w, pilot)
        detail = w.app.main.detail
        top = detail.region.y
        await _drag(pilot, 150, top - 1 + behind, 0, 5)
        assert detail.region.y == top + 5
        assert not w.app.screen.selections


@pytest.mark.parametrize("behind", [0, 1])
async def test_either_edge_between_tree_and_detail_beside_it_moves_with_the_mouse(behind: int) -> None:
    async with world(size=(200, 45), live=False) as (w, pilot):
        await _three_runs(w, pilot)
        detail = w.app.main.detail
        left_edge = detail.region.x
        await _drag(pilot, left_edge - 1 + behind, 20, -9, 0)
        assert abs(detail.region.x - (left_edge - 9)) <= 1


async def test_a_tab_in_the_detail_s_edge_is_still_a_tab() -> None:
    async with world(size=(160, 45), live=False) as (w, pilot):
        await _three_runs(w, pilot)
        detail = w.app.main.detail
        column = detail.render_line(0).text.index("Overview")
        await pilot.click(offset=(detail.region.x + column + 1, detail.region.y))
        await pilot.pause()
        assert detail.tab == "overview"


@pytest.mark.parametrize(("width", "columns"), [(140, 34), (160, 46), (179, 46), (180, 34), (200, 46)])
async def test_the_list_gets_more_of_a_wider_screen(width: int, columns: int) -> None:
    async with world(size=(width, 45)) as (w, pilot):
        await _three_runs(w, pilot)
        assert w.app.main.traces.outer_size.width == columns
