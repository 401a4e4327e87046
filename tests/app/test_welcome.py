"""The first screen: every command on it can be read and copied whole."""

from __future__ import annotations

import shlex

import pytest

from etaoi_tui.launcher.recipes import recipes
from etaoi_tui.widgets.welcome import RecentRecording, wrap_command
from tests.app.world import World, world

OFFERS = [RecentRecording(f"/{number}.msgpack", "10:56", "2 KB", "a chat") for number in range(3)]


def text(w: World) -> str:
    """What the first screen says, with broken commands put together again as a shell does."""
    welcome = w.app.main.welcome
    lines = [welcome.render_line(y).text.strip() for y in range(welcome.size.height)]
    return "\n".join(lines).replace(" \\\n", " ")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 35), (160, 45)])
async def test_every_command_is_whole(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, _):
        screen_text = text(w)
        assert all(recipe.line in screen_text for recipe in recipes())
        assert "plays an agent." in screen_text


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_beside_recordings_the_chosen_command_is_whole(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, pilot):
        w.app.main.welcome.show_offers(OFFERS)
        for number, recipe in enumerate(recipes(), 1):
            await pilot.press(str(number))
            await w.tick(pilot)
            assert recipe.line in text(w)
        assert "a chat" in text(w)


async def test_what_room_there_is_goes_to_other_commands_from_the_first_on() -> None:
    async with world(size=(80, 24)) as (w, pilot):
        w.app.main.welcome.show_offers(OFFERS)
        await w.tick(pilot)
        whole = [recipe.line in text(w) for recipe in recipes()]
        assert sum(whole) >= 6 and whole == sorted(whole, reverse=True)
        assert "a chat" in text(w)


@pytest.mark.parametrize("width", [30, 60, 72, 200])
def test_a_broken_command_is_the_same_for_a_shell(width: int) -> None:
    for recipe in recipes("http://127.0.0.1:41235"):
        parts = wrap_command(recipe.line, width)
        assert max(map(len, parts)) <= max(width, 60)
        if not recipe.line.startswith("import "):
            assert shlex.split("\n".join(parts).replace("\\\n", "")) == shlex.split(recipe.line)


async def test_keys_of_panes_that_are_not_there_yet_choose_none() -> None:
    async with world(size=(80, 24)) as (w, pilot):
        await pilot.press("escape")
        w.scribe.end(w.scribe.start("sub_agent", "researcher"))
        await w.tick(pilot)
        assert w.app.main.arrangement.pane == "tree"
        assert "researcher" in w.lines()[0]
