"""The demo's tour, and the questions of the README with exactly the keys that it names for them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from etaoi_collector.collector import Collector, CollectorOptions
from etaoi_collector.pricing.book import price_book
from etaoi_collector.wire.trace_records import FRAME, read_header, records_in
from etaoi_tui.app import ViewerApp
from etaoi_tui.screens.live_document_modal import LiveDocumentModal
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.tour import STEPS
from etaoi_tui.widgets.tour import TourLine
from tests.app.world import FedSource
from tests.headless.running import send

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The frames of the whole demo."""
    path = tmp_path_factory.mktemp("demo") / "demo.msgpack"
    collector = Collector(CollectorOptions(port=0, record=path, watched=False)).bind()
    collector.start()
    try:
        send(collector.endpoint)
    finally:
        collector.stop(60)
        collector.close_recording()
    data = path.read_bytes()
    header = read_header(data)
    assert header is not None
    records = records_in(data[header[1] :])
    return [bytes(body) for _, kind, _, _, body in records if kind == FRAME]


@pytest.fixture
def source(demo: list[bytes]) -> FedSource:
    """A recording of the demo, in memory."""
    fed = FedSource(live=False)
    fed.connect()
    for data in demo:
        fed.send_bytes(data)
    return fed


@asynccontextmanager
async def played(
    source: FedSource, size: tuple[int, int] = (120, 35), *, demo: bool = False
) -> AsyncIterator[tuple[ViewerApp, Pilot[Any]]]:
    """The viewer with all of the demo."""
    app = ViewerApp(source, demo=demo, automatic=False)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot


async def settled(app: ViewerApp, pilot: Pilot[Any]) -> None:
    """Draw what a key asked for."""
    for _ in range(2):
        await pilot.pause()
        app.main.draw_detail_now()
        app.tick()
    await pilot.pause()


def line(app: ViewerApp) -> str:
    """What the tour says."""
    return app.main.query_one(TourLine).render_line(0).text


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 60)])
async def test_the_tour_fits_and_covers_nothing(source: FedSource, size: tuple[int, int]) -> None:
    """One line between the panes and the footer, with every key in it."""
    async with played(source, size, demo=True) as (app, _):
        tour, footer, body = (app.main.query_one(one) for one in ("#tour", "#footer", "#body"))
        assert (tour.region.y, tour.region.height) == (footer.region.y - 1, 1)
        assert body.region.bottom <= tour.region.y
        tour_line = line(app)
        assert all(f" {app.commands[step.command].shown_key} " in tour_line for step in STEPS)
        assert tour_line.rstrip().endswith("esc end")


async def test_keys_light_up_and_the_last_one_ends_the_tour(source: FedSource) -> None:
    """Each key that was pressed is ticked, also when pressed twice; then the line is gone."""
    async with played(source, demo=True) as (app, pilot):
        for number, step in enumerate(STEPS):
            assert line(app).count("✓") == number
            key = app.commands[step.command].keys[0]
            await pilot.press(key)
            await settled(app, pilot)
            if isinstance(app.screen, LiveDocumentModal):
                await pilot.press("escape")
                await settled(app, pilot)
            if step.command == "voice.toggle":  # the run that failed has none
                assert app.main.in_lanes
            if step is not STEPS[-1]:
                assert f"✓{key} " in line(app)
        assert not app.main.query(TourLine)


async def test_escape_steps_back_and_then_ends_the_tour(source: FedSource) -> None:
    """In a detail escape goes back, as ever; in the tree it ends the tour, and then goes back again."""
    async with played(source, demo=True) as (app, pilot):
        await pilot.press("3", "escape")
        await settled(app, pilot)
        assert (app.main.pane, len(app.main.query(TourLine))) == ("tree", 1)
        await pilot.press("escape")
        await settled(app, pilot)
        assert (app.main.pane, len(app.main.query(TourLine))) == ("tree", 0)
        await pilot.press("escape")
        assert app.main.pane == "traces"


async def test_only_the_demo_has_a_tour(source: FedSource) -> None:
    """The same runs, as anybody's recording."""
    async with played(source) as (app, _):
        assert not app.main.query(TourLine)


def _failed_tool(at: Workspace) -> bool:
    span = at.selection.span
    return span is not None and span.name == "run_tests" and span.error is not None and "exit 1" in page(at)


def _request_of(number: int) -> Callable[[Workspace], bool]:
    def is_shown(at: Workspace) -> bool:
        span, trace = at.selection.span, at.selection.trace
        calls = [one for one in trace.spans if one.kind == "llm"] if trace is not None else []
        calls.sort(key=lambda one: one.started_at)
        return at.detail.tab == "request" and span is calls[number] and "raw request" in page(at)

    return is_shown


def _diff(at: Workspace) -> bool:
    return at.detail.tab == "diff" and "+2 messages" in page(at)


def _slowest(at: Workspace) -> bool:
    tools = [one for one in at.selection.trace.spans if one.kind == "tool"] if at.selection.trace else []
    return at.selection.span is max(tools, key=lambda one: one.ended_at - one.started_at)


def _cost_in_list(at: Workspace) -> bool:
    rows = "\n".join(at.traces.render_line(y).text for y in range(at.traces.size.height))
    return "$0." in rows


def _agent_card(at: Workspace) -> bool:
    screen = at.app.screen
    return isinstance(screen, LiveDocumentModal) and "System prompt" in text_of(screen)


ANSWERED: dict[str, Callable[[Workspace], bool]] = {
    "which run failed, and why?": _failed_tool,
    "what did this conversation cost?": _cost_in_list,
    "what did the model get, middleware by middleware?": _request_of(3),
    "what did the run's third model call get?": _request_of(2),
    "what changed since the agent's call before?": _diff,
    "which tool was slowest?": _slowest,
    "what is this agent, and which of its tools does it use?": _agent_card,
    "what was said?": lambda at: at.conversation.is_shown,
}


def page(at: Workspace) -> str:
    """What the detail shows."""
    return text_of(at.detail)


def text_of(widget: Any) -> str:
    """The lines of a widget and of those in it."""
    region = widget.region
    strips = widget.screen._compositor.render_strips()
    return "\n".join(strip.text[region.x : region.right] for strip in strips[region.y : region.bottom])


def questions() -> dict[str, list[str]]:
    """The README's questions, and the keys that it names."""
    table = README.partition("| you ask | you press |")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[2:]]
    return {asked: re.findall(r"`([^`]+)`", keys) for asked, keys in rows}


def test_every_question_of_the_readme_is_asked_here() -> None:
    assert list(questions()) and set(questions()) == set(ANSWERED)


@pytest.mark.parametrize("asked", ANSWERED)
async def test_a_question_is_answered_by_the_keys_of_the_readme(asked: str, source: FedSource) -> None:
    """From the phone call to what failed, from the failed tool to its call, else from the run's first row."""
    price_book().load()  # the viewer loads them in the background
    async with played(source, (160, 45)) as (app, pilot):
        at = app.main
        run = next(trace for trace in app.store.traces.values() if trace.tool_calls and trace.errors)
        if "failed" not in asked:
            at.show_trace(run)
            await pilot.press("2", "g")
            if "model get, middleware" in asked or "call before" in asked:
                await pilot.press("e")
            await settled(app, pilot)
        assert not ANSWERED[asked](at) or not questions()[asked]
        await pilot.press(*(_KEY_NAMES.get(key, key) for key in questions()[asked]))
        await settled(app, pilot)
        assert ANSWERED[asked](at)


_KEY_NAMES = {")": "right_parenthesis"}
