"""Renders real voxagent, loomcycle and LangGraph agents and a Hive bus: ``screenshots/system-*.svg``.

    python scripts/shots_systems.py [NAME...]

What they do is played by ``tests/bridges/drivers/showcase.py``, in an environment of its own, made on
first use.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.sources.remote import RemoteSource
from etaoi_tui.app import ViewerApp
from scripts.screenshots import write
from tests.bridges.real import DRIVERS, VERSIONS
from tests.livekit.recorded_run import NEWEST, OWN
from tests.real_env import real_env

PATIENCE = 60.0
"""Seconds after which the agents are given up."""
ALL = ("hive", "loomcycle", "voxagent", "langgraph")

Shot = tuple[str, tuple[str, ...], str, tuple[str, ...]]
"""File name, systems, the run that is shown, and the keys that lead there."""

SHOTS: tuple[Shot, ...] = (
    ("hive", ("hive",), "newsletter", ("2", "g")),
    ("loomcycle-batch", ("loomcycle",), "batch of 3", ("2", "g", "j")),
    ("loomcycle", ("loomcycle",), "reviewer", ("2", "g")),
    ("voxagent", ("voxagent",), "travel desk", ("2", "G", "k")),
    ("all", ALL, "newsletter", ("1",)),
)
SIZES = {"": (160, 45), "-small": (80, 24)}


def python() -> Path:
    """An environment with all of them."""
    newest = (versions["newest"] for versions in VERSIONS.values())
    return real_env("livekit-newest", *NEWEST, *OWN, *newest, "RestrictedPython>=7")


async def start(system: str, url: str) -> Process:
    """Let a system play, until its run stands as it is to be shown."""
    agent = await asyncio.create_subprocess_exec(
        str(python()),
        str(DRIVERS / "showcase.py"),
        system,
        url,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'collector'}"},
        stdout=PIPE,
    )
    assert agent.stdout is not None
    line = await asyncio.wait_for(agent.stdout.readline(), PATIENCE)
    assert line == b"shown\n", f"{system} said {line!r}"
    return agent


async def take(shot: Shot) -> None:
    """Show what a shot's systems did, in every size."""
    name, systems, run, keys = shot
    with Collector(CollectorOptions(port=0, record=Record.NONE)) as collector:
        agents = [await start(system, collector.endpoint) for system in systems]
        try:
            for suffix, size in SIZES.items():
                source = RemoteSource(collector.endpoint)
                source.open()
                app = ViewerApp(source, theme="etaoi-dark", automatic=False)
                await draw(f"system-{name}{suffix}", app, size, run, keys)
                source.close()
        finally:
            for agent in agents:
                agent.kill()
                await agent.wait()


async def draw(name: str, app: ViewerApp, size: tuple[int, int], run: str, keys: tuple[str, ...]) -> None:
    """Keep one picture."""
    async with app.run_test(size=size) as pilot:
        for _ in range(10):
            app.tick()
            await pilot.pause(0.1)
        runs = [trace for trace in app.store.traces.values() if trace.roots and not trace.only_context]
        run_trace = next(trace for trace in runs if trace.roots[0].name == run)
        app.main.selection.show(run_trace)
        for key in keys:
            await pilot.press(key)
            app.tick()
            await pilot.pause()
        app.main.footer.say_nothing()
        await pilot.pause(0.2)
        app.main.draw_detail_now()
        app.tick()
        await pilot.pause()
        write(name, app.export_screenshot(title="etaoi-tui"))


if __name__ == "__main__":
    for one in SHOTS:
        if not sys.argv[1:] or one[0] in sys.argv[1:]:
            asyncio.run(take(one))
