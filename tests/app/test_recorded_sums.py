"""What the screen says of a recording's tokens and dollars, against sums of its bytes alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store.model import Trace
from etaoi_tui.app import ViewerApp
from etaoi_tui.view import format as fmt
from etaoi_tui.view.runs.groups import Group
from tests.store.test_recorded_totals import RECORDINGS, Call, hanging_in, own_prices, walk

__all__ = ["own_prices"]


def shown_cost(calls: list[Call]) -> str:
    """Return how a sum of dollars is written."""
    dollars = [call.dollars for call in calls if call.dollars is not None]
    return fmt.cost(float(sum(dollars)) if dollars else None, len(calls) - len(dollars))


def words(pieces: list[Any]) -> list[str]:
    """Return the words of a drawn line."""
    return "".join(piece[0] for piece in pieces).split()


async def read_all(app: ViewerApp, pilot: Pilot[Any]) -> None:
    """Show the whole recording."""
    app.main.traces.figures.load_prices()
    while not app.feed.ended:
        await asyncio.to_thread(app.feed.work, 0.0, 0.0)
        app.show()
    app.tick()
    await pilot.pause()


@pytest.fixture
def source(path: Path) -> Iterator[ReplaySource]:
    recording = ReplaySource(path)
    yield recording
    recording.close()


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
async def test_rows_and_titles_say_what_the_bytes_say(path: Path, source: ReplaySource) -> None:
    facts = walk(path)
    app = ViewerApp(source, clock=lambda: 2e9, automatic=False)
    async with app.run_test(size=(200, 60)) as pilot:
        await read_all(app, pilot)
        traces = app.main.traces
        cost_above = ""
        for row in range(len(traces.rows)):
            item = traces.rows.at(row)
            runs = item.runs if isinstance(item, Group) else [item]
            calls = {call.span_id: call for run in runs for call in hanging_in(facts, run)}
            cost, tokens = shown_cost(list(calls.values())), sum(map(tokens_of, calls.values()))
            drawn = words(traces.draw_row(row, 0, 120))
            assert [word for word in drawn if "$" in word] == [cost] * bool(cost)
            assert not tokens or fmt.tokens(tokens) in drawn
            if isinstance(item, Trace):
                app.main.show_trace(item)
                await pilot.pause()
                if app.main.span_tree.display:
                    assert dollars_in(app.main.span_tree) == [cost] * bool(cost)
                if row and isinstance(traces.rows.at(row - 1), Group):
                    await pilot.press("c")
                    await pilot.pause()
                    assert dollars_in(app.main.talk) == [cost_above] * bool(cost_above)
                    await pilot.press("c")
            cost_above = cost


def dollars_in(pane: Any) -> list[str]:
    """Return the dollars in a pane's title."""
    return [word for word in pane.render_line(0).text.split() if "$" in word]


def tokens_of(call: Call) -> int:
    return call.input + call.output
