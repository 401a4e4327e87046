"""A list of runs that has no room says so, and which key brings it."""

from __future__ import annotations

import pytest

from etaoi_collector.pricing.book import price_book
from tests.app.test_budgets import ask
from tests.app.test_now_line import first_line
from tests.app.world import World, world


def _runs(w: World, runs: int) -> None:
    for number in range(runs):
        w.scribe.end(w.scribe.start("sub_agent", f"run {number}"))


async def test_a_hidden_list_of_several_runs_is_announced_and_a_click_opens_it() -> None:
    async with world(size=(120, 35)) as (w, pilot):
        _runs(w, 1)
        await w.tick(pilot)
        assert "lists them" not in first_line(w), "of one run there is no list to look at"
        _runs(w, 16)
        w.scribe.start("sub_agent", "it runs", agent="it runs")
        await w.tick(pilot)
        assert first_line(w).endswith("18 runs · 1 lists them "), "whatever runs"
        await pilot.press("g")
        await w.tick(pilot)
        assert "18 runs · 1 lists them   follow off" in first_line(w)
        column = first_line(w).index("18 runs")
        await pilot.click("#status", offset=(column, 0))
        await w.tick(pilot)
        assert w.app.main.traces.has_focus and "[1] runs" in w.app.main.traces.render_line(0).text
        assert "lists them" not in first_line(w), "it is on the screen"


async def test_one_pane_names_the_list_and_its_key_in_the_way_to_it() -> None:
    async with world(size=(80, 24), live=False) as (w, pilot):
        _runs(w, 17)
        await w.tick(pilot)
        way = w.app.main.breadcrumb
        assert way.render_line(0).text.strip() == "[1] 17 runs › run 16"
        assert "lists them" not in first_line(w)
        await pilot.press("3")
        assert way.render_line(0).text.strip() == "[1] 17 runs › [2] run 16 › run 16"


@pytest.fixture
def prices() -> None:
    """Prices that are there from the beginning."""
    price_book().load()


@pytest.mark.usefixtures("prices")
@pytest.mark.parametrize("size", [(120, 35), (80, 24)])
async def test_the_cost_of_all_runs_is_shown_where_their_list_is_hidden(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        ask(w)
        ask(w)
        await w.tick(pilot)
        line = first_line(w) if size[0] > 80 else w.app.main.breadcrumb.render_line(0).text
        assert "2 runs $0.520" in line


async def test_three_panes_need_no_words_for_it() -> None:
    async with world(size=(160, 45), live=False) as (w, pilot):
        _runs(w, 17)
        await w.tick(pilot)
        assert "lists them" not in first_line(w)
        titles = [
            pane.render_line(0).text.strip("╭─ ") for pane in (w.app.main.traces, w.tree, w.app.main.detail)
        ]
        assert [title[:3] for title in titles] == ["[1]", "[2]", "[3]"]


async def test_a_detail_of_nothing_has_its_key_as_well() -> None:
    async with world(size=(160, 45), live=False) as (w, _):
        assert w.app.main.detail.render_line(0).text.startswith("[3] ")
