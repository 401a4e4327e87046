"""Renders five real agent systems on one viewer, while they run: ``screenshots/together-*.svg``.

    python scripts/together.py

The systems are those of ``tests/bridges/test_together.py``, in an environment of their own that is made on
first use.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store.model import Status
from etaoi_tui.app import ViewerApp
from scripts.screenshots import write
from tests.bridges.real import DRIVERS
from tests.bridges.test_together import SYSTEMS, python

RUNS = 3
TRACES = 4 * RUNS + 1
STEP_SECONDS = 0.5
PATIENCE = 60.0
"""Seconds after which the agents are given up."""


async def take(name: str, size: tuple[int, int], keys: tuple[str, ...] = ()) -> None:
    """Show them live, and keep the picture of the moment when some have ended and others run."""
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()
    collector.start()
    app = ViewerApp(LiveSource(collector), theme="etaoi-dark", automatic=False)
    try:
        async with app.run_test(size=size) as pilot, asyncio.timeout(PATIENCE):
            agents = await asyncio.create_subprocess_exec(
                str(python()),
                str(DRIVERS / "together.py"),
                ",".join(SYSTEMS),
                collector.endpoint,
                str(RUNS),
                str(STEP_SECONDS),
                env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'collector'}"},
                stdout=asyncio.subprocess.DEVNULL,
            )
            try:
                while not _some_have_ended(app):
                    app.tick()
                    await pilot.pause(0.05)
                for key in keys:
                    await pilot.press(key)
                    app.tick()
                    await pilot.pause()
                app.main.draw_detail_now()
                app.tick()
                await pilot.pause()
                write(name, app.export_screenshot(title="etaoi-tui"))
            finally:
                agents.kill()
                await agents.wait()
    finally:
        collector.stop()
        collector.close_recording()


def _some_have_ended(app: ViewerApp) -> bool:
    roots = [trace.roots[0] for trace in app.store.traces.values() if trace.roots and not trace.only_context]
    running = sum(root.status is Status.RUNNING for root in roots)
    return len(roots) >= TRACES and 3 <= running <= len(roots) - 3


if __name__ == "__main__":
    asyncio.run(take("together-dark", (160, 45)))
    asyncio.run(take("together-small", (80, 24), ("1",)))
