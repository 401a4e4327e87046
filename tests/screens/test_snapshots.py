"""Whole screens as pictures, to be looked at when they change; time and recordings are the test's own.

After a wanted change, look at the pictures and take them again with ``--snapshot-update``.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest
from textual.pilot import Pilot

from etaoi_collector.pricing.book import price_book
from etaoi_tui.view.voice import thresholds
from tests.app.world import World
from tests.detail.recorded import CAPTURES

WIDE, MEDIUM, NARROW = (160, 45), (120, 32), (80, 24)
DARK, LIGHT, ANSI = "etaoi-dark", "etaoi-light", "ansi-dark"
AGENT, CALL = "s01_create_agent", "s09a_livekit_text"


@dataclass(frozen=True)
class Picture:
    """One screen: what is shown, how large, in which colours, and after which keys."""

    name: str
    size: tuple[int, int]
    theme: str
    recording: str = AGENT
    keys: tuple[str, ...] = ()


FAILED = ("J", "J")
"""Keys that go to the trace that failed."""

PICTURES = [
    Picture("tree-wide-dark", WIDE, DARK, keys=FAILED),
    Picture("tree-wide-light", WIDE, LIGHT, keys=FAILED),
    Picture("tree-wide-ansi", WIDE, ANSI, keys=FAILED),
    Picture("tree-medium-dark", MEDIUM, DARK, keys=FAILED),
    Picture("tree-narrow-light", NARROW, LIGHT, keys=(*FAILED, "2")),
    Picture("runs-narrow-dark", NARROW, DARK, keys=("1",)),
    Picture("runs-wide-ansi", WIDE, ANSI, keys=("1", "J")),
    Picture("error-wide-dark", WIDE, DARK, keys=(*FAILED, "2", "e")),
    Picture("error-narrow-light", NARROW, LIGHT, keys=(*FAILED, "2", "e", "enter")),
    Picture("error-medium-ansi", MEDIUM, ANSI, keys=(*FAILED, "2", "e")),
    Picture("lanes-wide-dark", WIDE, DARK, CALL, keys=("2", "down")),
    Picture("lanes-medium-light", MEDIUM, LIGHT, CALL, keys=("2", "down")),
    Picture("lanes-narrow-ansi", NARROW, ANSI, CALL, keys=("2", "down")),
    Picture("help-wide-dark", WIDE, DARK, keys=("question_mark",)),
    Picture("help-narrow-light", NARROW, LIGHT, keys=("2", "question_mark")),
    Picture("welcome-wide-dark", WIDE, DARK, ""),
    Picture("welcome-narrow-light", NARROW, LIGHT, ""),
    Picture("welcome-medium-ansi", MEDIUM, ANSI, ""),
]


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine shows: its time zone, its configuration, prices that load in the background."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setenv("ETAOI_TUI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("ETAOI_TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(thresholds, "load", lambda *_: (thresholds.Thresholds(), None))
    price_book().load()


def frames(recording: str) -> list[bytes]:
    """Return the frames of a recording, without what is no frame."""
    with (CAPTURES / f"{recording}.msgpack").open("rb") as file:
        frames_read = [frame for _, frame in msgpack.Unpacker(file, max_buffer_size=1 << 30)]
    return [one for one in frames_read if not isinstance(msgpack.unpackb(one, strict_map_key=False), dict)]


def play(picture: Picture, world: World) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Return what brings the app to the moment of the picture."""

    if picture.recording:
        world.source.connect()
        for frame in frames(picture.recording):
            world.source.send_bytes(frame)
        world.source.disconnect()

    async def run(pilot: Pilot[Any]) -> None:
        world.app.theme = picture.theme
        for key in ("", "", *picture.keys):
            if key:
                await pilot.press(key)
            await world.tick(pilot)
        await world.finish(pilot)
        await pilot.pause()

    return run


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_screen(picture: Picture, snap_compare: Any) -> None:
    world = World(live=not picture.recording)
    assert snap_compare(world.app, terminal_size=picture.size, run_before=play(picture, world))
