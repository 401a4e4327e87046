"""A recording whose runs are listed before they are read: what is looked at is read, keys go on into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

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
    def shown(self) -> Trace:
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
    made = Opened(source, max_spans)
    async with made.app.run_test(size=(160, 45)) as pilot:
        await made.step(pilot)
        yield made, pilot


async def test_all_runs_stand_there_and_the_newest_is_read_first(source: CataloguedSource) -> None:
    async with opened(source) as (made, pilot):
        store, traces = made.app.store, made.app.main.traces
        assert traces.rows.runs == len(store.traces) > 100
        assert sum(trace.events > 0 for trace in store.traces.values()) < 10
        assert traces.rows.totals.figures.tokens > 100_000
        assert made.shown is traces.newest()
        for _ in range(3):
            await made.step(pilot)
        assert made.shown.is_read
        assert made.app.main.span_tree.row_count > 1
        assert not made.app.feed.ended


async def test_e_goes_to_the_error_of_a_run_that_was_not_read(source: CataloguedSource) -> None:
    async with opened(source) as (made, pilot):
        await made.step(pilot)
        before = made.shown
        await pilot.press("e")
        if made.shown is before:
            await pilot.press("e")
        target = made.shown
        assert not target.is_read
        for _ in range(6):
            await made.step(pilot)
        assert made.shown is target
        assert target.is_read
        cursor = made.app.main.selection.span
        assert cursor is not None
        assert is_origin_of_error(cursor)
        assert not made.app.feed.ended


async def test_a_run_that_left_memory_is_read_again_when_it_is_shown(source: CataloguedSource) -> None:
    async with opened(source, max_spans=500) as (made, pilot):
        while not made.app.feed.ended:
            await made.step(pilot)
        assert made.app.store.span_count <= 1_000
        gone = next(trace for trace in made.app.store.traces.values() if trace.unread is not None)
        assert gone in made.app.main.traces.all
        made.app.main.navigator.go_to_run(gone)
        for _ in range(4):
            await made.step(pilot)
        assert gone.unread is None
        assert made.shown is gone
        assert made.app.main.span_tree.row_count > 1


async def test_a_filter_covers_runs_that_were_not_read(source: CataloguedSource) -> None:
    async with opened(source) as (made, pilot):
        app = made.app
        failed = {trace for trace in app.main.traces.all.newest_first() if has_problem(trace)}
        assert len(failed) > 5
        filter_runs(app.main, "err:")
        for _ in range(3):
            await made.step(pilot)
        assert set(app.main.traces.rows.newest_first()) == failed
        assert not app.feed.ended
        await pilot.press("enter")
        while not made.shown.is_read:
            await made.step(pilot)
        await made.step(pilot)
        assert made.shown in failed
        cursor = app.main.selection.span
        assert cursor is not None
        assert cursor.error
        assert not app.feed.ended


@pytest.fixture
def growing(tmp_path: Path) -> Growing:
    made = Growing(tmp_path, of_clients(tmp_path, 3_000, 3_000))
    made.write(0.6)
    made.tell()
    return made


async def test_a_recording_that_grows_is_listed_and_followed(growing: Growing) -> None:
    source = await asyncio.to_thread(growing.open)
    size = source.reader.size
    async with opened(source) as (made, pilot):
        traces = made.app.main.traces
        known = traces.rows.runs
        assert known > 20
        assert source.reader.position < size / 4
        assert made.shown is traces.newest()
        await asyncio.to_thread(growing.write, 0.8)
        while traces.rows.runs == known:
            await made.step(pilot)
        assert source.reader.position < size / 2
        seen = traces.rows.runs
        await asyncio.to_thread(growing.write, 0.9)
        while traces.rows.runs == seen:
            await made.step(pilot)
        assert source.live
        await asyncio.to_thread(growing.finish)
        while not made.app.feed.ended:
            await made.step(pilot)
        assert not source.live
        plain = await asyncio.to_thread(read_plainly, growing.path)
        assert len(made.app.store.traces) == len(plain[0].traces)
    source.close()
