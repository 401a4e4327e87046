"""A recording whose runs are listed before they are read: what is looked at is read, keys go on into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from etaoi_collector.pricing import book
from etaoi_collector.pricing.book import OwnPrice, PriceBook
from etaoi_collector.sources.catalogued import CataloguedSource, open_catalogued
from etaoi_collector.store.model import Trace
from etaoi_tui.app import ViewerApp
from etaoi_tui.screens.run_filter import filter_runs
from etaoi_tui.view.error_navigation import has_problem, is_origin_of_error
from tests.catalogue.making import read, write_run
from tests.catalogue.test_catalogued import read_plainly
from tests.catalogue.test_growing import Growing, of_clients


class Opened:
    """An app over such a recording; it reads as little as it can at a time."""

    def __init__(self, source: CataloguedSource, max_spans: int) -> None:
        self.app = ViewerApp(source, clock=lambda: 2e9, automatic=False, max_spans=max_spans)

    async def step(self, pilot: Pilot[Any]) -> None:
        """Read a little, and show it."""
        await asyncio.to_thread(self.app.feed.work, 0.0, 0.0)
        self.app.show()
        await pilot.pause()

    @property
    def shown_run(self) -> Trace:
        """The run whose tree is on the screen."""
        trace = self.app.main.selection.trace
        assert trace is not None
        return trace


@pytest.fixture
def source(tmp_path: Path) -> Iterator[CataloguedSource]:
    path = write_run(tmp_path, events=8_000)
    read(tmp_path, path)
    listed = open_catalogued(path, tmp_path)
    assert listed is not None
    yield listed
    listed.close()


@asynccontextmanager
async def opened(
    source: CataloguedSource, *, max_spans: int = 10_000
) -> AsyncIterator[tuple[Opened, Pilot[Any]]]:
    viewer = Opened(source, max_spans)
    async with viewer.app.run_test(size=(160, 45)) as pilot:
        await viewer.step(pilot)
        yield viewer, pilot


async def test_all_runs_are_listed_and_the_newest_is_read_first(source: CataloguedSource) -> None:
    async with opened(source) as (viewer, pilot):
        store, traces = viewer.app.store, viewer.app.main.traces
        assert traces.rows.runs == len(store.traces) > 100
        assert sum(trace.events > 0 for trace in store.traces.values()) < 10
        assert traces.rows.totals.figures.tokens > 100_000
        assert viewer.shown_run is traces.newest()
        for _ in range(3):
            await viewer.step(pilot)
        assert viewer.shown_run.is_read
        assert viewer.app.main.span_tree.row_count > 1
        assert not viewer.app.feed.ended


async def test_a_run_that_was_not_read_costs_what_its_spans_say(
    source: CataloguedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = PriceBook(own={"fake-gpt-5": OwnPrice(input=1.25, output=10.0)})
    monkeypatch.setattr(book, "_book", [prices])
    prices.load()
    async with opened(source) as (viewer, pilot):
        figures, runs = viewer.app.main.traces.figures, viewer.app.store.traces
        figures.load_prices()
        listed = {trace_id: figures.of(trace) for trace_id, trace in runs.items() if trace.unread is not None}
        assert len(listed) > 50 and sum(one.dollars for one in listed.values()) > 0
        while not viewer.app.feed.ended:
            await viewer.step(pilot)
        for trace_id, one in listed.items():
            read_figures = figures.of(runs[trace_id])
            assert runs[trace_id].unread is None
            assert (one.tokens, one.priced, one.unpriced) == read_figures[:1] + read_figures[2:4]
            assert one.dollars == pytest.approx(read_figures.dollars, abs=1e-9)


async def test_e_goes_to_the_error_of_a_run_that_was_not_read(source: CataloguedSource) -> None:
    async with opened(source) as (viewer, pilot):
        await viewer.step(pilot)
        first_run = viewer.shown_run
        await pilot.press("e")
        if viewer.shown_run is first_run:
            await pilot.press("e")
        target = viewer.shown_run
        assert not target.is_read
        for _ in range(6):
            await viewer.step(pilot)
        assert viewer.shown_run is target
        assert target.is_read
        cursor = viewer.app.main.selection.span
        assert cursor is not None
        assert is_origin_of_error(cursor)
        assert not viewer.app.feed.ended


async def test_an_evicted_run_is_read_again_when_it_is_shown(source: CataloguedSource) -> None:
    async with opened(source, max_spans=500) as (viewer, pilot):
        while not viewer.app.feed.ended:
            await viewer.step(pilot)
        assert viewer.app.store.span_count <= 1_000
        evicted = next(trace for trace in viewer.app.store.traces.values() if trace.unread is not None)
        assert evicted in viewer.app.main.traces.all
        viewer.app.main.navigator.go_to_run(evicted)
        for _ in range(4):
            await viewer.step(pilot)
        assert evicted.unread is None
        assert viewer.shown_run is evicted
        assert viewer.app.main.span_tree.row_count > 1


async def test_a_filter_covers_runs_that_were_not_read(source: CataloguedSource) -> None:
    async with opened(source) as (viewer, pilot):
        app = viewer.app
        failed = {trace for trace in app.main.traces.all.newest_first() if has_problem(trace)}
        assert len(failed) > 5
        filter_runs(app.main, "err:")
        for _ in range(3):
            await viewer.step(pilot)
        assert set(app.main.traces.rows.newest_first()) == failed
        assert not app.feed.ended
        await pilot.press("enter")
        while not viewer.shown_run.is_read:
            await viewer.step(pilot)
        await viewer.step(pilot)
        assert viewer.shown_run in failed
        cursor = app.main.selection.span
        assert cursor is not None
        assert cursor.error
        assert not app.feed.ended


@pytest.fixture
def growing(tmp_path: Path) -> Growing:
    recording = Growing(tmp_path, of_clients(tmp_path, 3_000, 3_000))
    recording.write(0.6)
    recording.tell()
    return recording


async def test_a_recording_that_grows_is_listed_and_followed(growing: Growing) -> None:
    source = await asyncio.to_thread(growing.open)
    size = source.reader.size
    async with opened(source) as (viewer, pilot):
        traces = viewer.app.main.traces
        run_count = traces.rows.runs
        assert run_count > 20
        assert source.reader.position < size / 4
        assert viewer.shown_run is traces.newest()
        await asyncio.to_thread(growing.write, 0.8)
        while traces.rows.runs == run_count:
            await viewer.step(pilot)
        assert source.reader.position < size / 2
        run_count = traces.rows.runs
        await asyncio.to_thread(growing.write, 0.9)
        while traces.rows.runs == run_count:
            await viewer.step(pilot)
        assert source.live
        await asyncio.to_thread(growing.finish)
        while not viewer.app.feed.ended:
            await viewer.step(pilot)
        assert not source.live
        plain = await asyncio.to_thread(read_plainly, growing.path)
        assert len(viewer.app.store.traces) == len(plain[0].traces)
    source.close()
