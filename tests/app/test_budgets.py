"""Budgets: read from the user's file, coloured where a sum stands, notified once while it happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.pricing.book import price_book
from etaoi_collector.store.model import Trace
from etaoi_tui.app import ViewerApp
from etaoi_tui.commands import load_commands
from etaoi_tui.view.budget import Budgets
from etaoi_tui.view.settings import Settings, load_settings
from etaoi_tui.widgets.textual_internals import key_name
from tests.app.world import World, world

CALL = {"response": {"role": "ai", "text": "So"}, "usage": {"input_tokens": 100_000, "output_tokens": 1_000}}
"""What `gpt-4o` takes 26 cents for."""


def ask(w: World, calls: int = 1, **agent: Any) -> None:
    """Run an agent that calls its model."""
    run = w.scribe.start("sub_agent", "planner", **agent)
    for _ in range(calls):
        call = w.scribe.start(
            "llm", "gpt-4o", run, metadata={"ls_model_name": "gpt-4o", "ls_provider": "openai"}
        )
        w.scribe.end(call, CALL)
    w.scribe.end(run)


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the app says, in order."""
    price_book().load()
    messages: list[str] = []
    notify = ViewerApp.notify

    def listening(self: ViewerApp, message: str, **more: Any) -> None:
        messages.append(message)
        notify(self, message, **more)

    monkeypatch.setattr(ViewerApp, "notify", listening)
    return messages


def header(w: World) -> str:
    return str(w.tree.render_line(0).text)


def test_a_table_of_the_settings_names_them(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "[budget]\nrun_dollars = 0.5\nrun_tokens = 200_000\n"
        "session_dollars = true\nday_dollars = 3\nrun_time = 1\n"
    )
    settings = load_settings(file, load_commands(), key_name)
    assert settings.budgets == Budgets(run_dollars=0.5, run_tokens=200_000)
    assert [problem.partition("config.toml:")[2][:2] for problem in settings.problems] == ["4:", "5:", "6:"]
    assert "a budget is a number of dollars or tokens" in settings.problems[0]
    assert '"day_dollars" is no budget' in settings.problems[1]
    file.write_text("budget = 3\n")
    assert "[budget] is a table" in load_settings(file, load_commands(), key_name).problems[0]


async def test_a_run_that_crosses_its_budget_is_coloured_and_notified_once(notifications: list[str]) -> None:
    async with world(settings=Settings(budgets=Budgets(run_dollars=0.5))) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        ask(w)
        await w.tick(pilot)
        assert not notifications and "over" not in header(w)
        ask(w, 3)
        await w.tick(pilot)
        assert notifications == ["planner took 303k tokens, $0.780: over $0.500"]
        await w.tick(pilot)
        assert len(notifications) == 1
        runs = w.app.main.traces
        row = runs.rows.row(runs.newest())
        over = runs.look("trace-list--over").color
        lit = [one.text for one in runs.render_line(runs.HEADER_HEIGHT + row) if one.style.color == over]
        assert "".join(lit).strip() in ("$0.780", "$!")


async def test_a_header_names_the_crossed_budget(notifications: list[str]) -> None:
    async with world(settings=Settings(budgets=Budgets(run_tokens=150_000))) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        ask(w, 2)
        await w.tick(pilot)
        assert "202k tok  $0.520" in header(w) and "over 150k tokens" in header(w)


async def test_a_conversation_is_counted_together(notifications: list[str]) -> None:
    async with world(settings=Settings(budgets=Budgets(session_dollars=0.7))) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        for _ in range(4):
            ask(w)
            await w.tick(pilot)
        assert len(notifications) == 1 and "3 runs took 303k tokens, $0.780: over $0.700" in notifications[0]


async def test_a_header_names_the_crossed_budget_of_its_conversation(notifications: list[str]) -> None:
    async with world(settings=Settings(budgets=Budgets(session_dollars=0.7))) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        for runs in range(4):
            assert ("conversation over $0.700" in header(w)) is (runs > 2), runs
            ask(w)
            await w.tick(pilot)
            await w.tick(pilot)


async def test_a_conversation_s_title_says_what_it_crossed(notifications: list[str]) -> None:
    async with world(settings=Settings(budgets=Budgets(session_dollars=0.7))) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        ask(w, 2)
        await w.tick(pilot)
        await pilot.press("c")
        for _ in range(3):
            await w.tick(pilot)
        title = w.app.main.talk.render_line(0)
        assert "1 turn" in title.text and "over" not in title.text
        ask(w, 2)
        w.app.main.conversation._drawn_at = 0.0
        for _ in range(3):
            await w.tick(pilot)
        title = w.app.main.talk.render_line(0)
        assert "over $0.700" in title.text and "$1.04" in title.text
        over = w.app.main.talk._painter.style("over", own=True).color
        assert [one.text.strip() for one in title if one.style and one.style.color == over] == ["over $0.700"]


async def test_a_turn_of_a_conversation_says_what_it_crossed(notifications: list[str]) -> None:
    async with world(settings=Settings(budgets=Budgets(run_dollars=0.3))) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        for calls in (1, 2, 1):
            ask(w, calls)
        await w.tick(pilot)
        await pilot.press("c")
        for _ in range(3):
            await w.tick(pilot)
        talk = w.app.main.talk
        lines = [talk.render_line(y) for y in range(1, talk.size.height)]
        (turn,) = [line for line in lines if "over" in line.text]
        assert "over $0.300 · 2 calls" in turn.text and "$0.520" in turn.text
        over = talk._painter.style("warning").color
        assert [one.text for one in turn if one.style and one.style.color == over] == ["over $0.300 · "]


@pytest.mark.parametrize("size", [(120, 35), (160, 45), (200, 60)])
async def test_rows_align_whether_or_not_they_crossed_a_budget(
    notifications: list[str], size: tuple[int, int]
) -> None:
    async with world(settings=Settings(budgets=Budgets(run_dollars=0.3)), size=size) as (w, pilot):
        w.app.main.traces.figures.load_prices()
        for calls in (1, 2, 1):
            ask(w, calls)
        await w.tick(pilot)
        await pilot.press("1")
        runs = w.app.main.traces
        rows = [
            runs.render_line(runs.HEADER_HEIGHT + y).text.rstrip(" │┃▐█")
            for y in range(len(runs.rows))
            if isinstance(runs.rows.at(y), Trace)
        ]
        assert sum("$!" in row or "$0.520" in row for row in rows) == 1
        assert len({len(row) for row in rows}) == 1, rows
