"""The dialog that finds in all recordings, with the real search in its own process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from etaoi_collector.recording.directory import STATE_DIR_VARIABLE
from etaoi_tui.screens.find_everywhere import FindEverywhere
from etaoi_tui.viewer_options import ChosenRecording
from tests.catalogue.making import write_run
from tests.catalogue.test_find import write
from tests.generate import Scribe

from .world import World, world

SPAN = "af1ec905-f0bf-4456-ab80-75c46fd3f7d5"
"""The span that holds what is searched."""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with recordings; one holds what is searched."""
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path))
    scribe = Scribe(4)
    agent = scribe.start("sub_agent", "shop", payload={"inputs": '{"input": "Where is my parcel?"}'})
    tool = scribe.start(
        "tool", "lookup", parent=agent, payload={"input": "A-1007 [bold]needle[/bold] \x1b[31m"}
    )
    assert tool.span_id == SPAN
    scribe.end(tool, {"output": "locked"})
    scribe.end(agent, {"outputs": "{}"})
    write(tmp_path, scribe)
    write_run(tmp_path, "run-20260101-030405-abcd", events=100)
    return tmp_path


def lines(w: World) -> list[str]:
    """What the list says."""
    options = w.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(row).prompt) for row in range(options.option_count)]


def status_text(w: World) -> str:
    """What stands below the list."""
    return str(w.app.screen.query_one("Vertical").border_subtitle)


async def search_for(w: World, pilot: Pilot[Any], text: str, words: str) -> None:
    """Search something, and wait for the words of the status."""
    await pilot.press("ctrl+f")
    await pilot.pause()
    assert isinstance(w.app.screen, FindEverywhere)
    for letter in text:
        await pilot.press("space" if letter == " " else letter)
    for _ in range(1200):
        if words in status_text(w):
            return
        await asyncio.sleep(0.05)
        await pilot.pause()
    raise TimeoutError(status_text(w))


async def test_a_hit_in_another_recording_opens_it_at_the_span(state: Path) -> None:
    async with world(live=False) as (w, pilot):
        await search_for(w, pilot, "needle", "1 run ·")
        assert [line.split()[0] for line in lines(w)] == ["✓", "⚒"]
        assert "Where is my parcel?" in lines(w)[0]
        assert "needle" in lines(w)[1] and "\x1b" not in lines(w)[1]
        await pilot.press("down", "enter")
        await pilot.pause()
    chosen = w.app.return_value
    assert isinstance(chosen, ChosenRecording)
    assert Path(chosen.path).name == "run-20260102-030405-abcd.msgpack"
    assert chosen.span_id == SPAN


async def test_a_hit_in_the_open_recording_is_selected(state: Path) -> None:
    async with world() as (w, pilot):
        agent = w.scribe.start("sub_agent", "shop")
        tool = w.scribe.start("tool", "other", parent=agent)
        w.scribe.end(tool)
        w.scribe.end(agent)
        scribe, w.scribe = w.scribe, Scribe(4)
        again = w.scribe.start("sub_agent", "shop")
        second = w.scribe.start("tool", "lookup", parent=again, payload={"input": "needle"})
        w.scribe.end(second, {"output": "locked"})
        w.scribe.end(again)
        await w.tick(pilot)
        w.scribe = scribe
        await search_for(w, pilot, "needle", "1 run ·")
        assert "stops listening" in status_text(w)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert w.app.is_running and w.app.return_value is None
        assert w.app.main.selection.span is not None
        assert w.app.main.selection.span.name == "lookup"
        await pilot.press("ctrl+f")
        await pilot.pause()
        assert w.app.screen.text == "needle"


async def test_an_invalid_query_shows_its_error_and_searches_nothing(state: Path) -> None:
    async with world() as (w, pilot):
        await search_for(w, pilot, "dur>x", "dur takes a time")
        await pilot.press("enter")
        assert isinstance(w.app.screen, FindEverywhere)
        await pilot.press("escape")
        await pilot.pause()
        assert w.app.screen is w.app.main


async def test_a_search_without_hits_is_reported(state: Path) -> None:
    async with world() as (w, pilot):
        await search_for(w, pilot, "zzznowhere", "nothing found")
        assert lines(w) == []


async def test_typing_on_gives_a_running_search_up(state: Path) -> None:
    async with world() as (w, pilot):
        await search_for(w, pilot, "need", "run")
        await pilot.press(*"le")
        await pilot.pause()
        for _ in range(1200):
            if status_text(w).startswith("1 run ·"):
                break
            await asyncio.sleep(0.05)
            await pilot.pause()
        assert len(lines(w)) == 2
