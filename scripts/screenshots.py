"""Renders the pictures of the README from the real app: the scripted agent of the demo, over the real socket.

Run by ``make screenshots``. The pictures are SVG files in ``screenshots/``.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

for _name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_DIM_FACTOR", "TEXTUAL_FPS"):
    os.environ.pop(_name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.pricing.book import price_book
from etaoi_collector.sources.base import Source
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store.model import Status
from etaoi_tui.app import ViewerApp
from scripts import moving_picture, shots_telemetry, shots_voice, shots_xray

FOLDER = ROOT / "screenshots"
SPEED = 20
LONGEST = 90.0
"""Seconds after which the demo is given up."""

Shot = tuple[str, tuple[int, int], str, tuple[str, ...]]
"""File name, columns and lines, theme, and the keys that lead there."""

SHOTS: tuple[Shot, ...] = (
    ("tree-dark", (140, 40), "etaoi-dark", ("J", "2", "e")),
    ("tree-light", (140, 40), "etaoi-light", ("J", "2", "g", "j", "j", "j", "j")),
    ("small-dark", (80, 24), "etaoi-dark", ("J", "2", "g", "j", "j")),
    ("small-detail", (80, 24), "etaoi-dark", ("J", "2", "e", "enter")),
    ("wide-dark", (200, 50), "etaoi-dark", ("J", "2", "g", "j", "j", "j", "j")),
    ("voice-dark", (140, 40), "etaoi-dark", ("2", "g")),
)


def record_demo(path: Path) -> None:
    """Let the demo's agent run once and record it.

    Raises:
        RuntimeError: The agent failed.
    """
    collector = Collector(CollectorOptions(port=0, record=path, watched=False)).bind()
    collector.start()
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "etaoi_tui.demo", "--url", collector.endpoint, "--speed", str(SPEED)],
            timeout=LONGEST,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(f"the demo's agent ended with {ended.returncode}")
    finally:
        collector.stop()
        collector.close_recording()


async def take(shot: Shot, source: Source, recording: str) -> None:
    """Show a recording, press keys, and keep the picture."""
    name, size, theme, keys = shot
    app = ViewerApp(source, theme=theme, automatic=False)
    async with app.run_test(size=size) as pilot:
        while not app.feed.ended:
            app.tick()
        for _ in range(3):
            app.tick()
            await pilot.pause()
        for key in keys:
            await pilot.press(key)
        # What a key did is said in the footer, where the keys are to be seen.
        app.main.footer.say_nothing()
        await pilot.pause(0.2)
        app.main.draw_detail_now()
        app.tick()
        await pilot.pause()
        write(name, app.export_screenshot(title="etaoi-tui"))


async def take_streaming() -> None:
    """Show the live run in the moment when the last answer streams in."""
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()
    collector.start()
    source = LiveSource(collector)
    app = ViewerApp(source, theme="etaoi-dark", automatic=False)
    try:
        async with app.run_test(size=(140, 40)) as pilot:
            app.main.span_tree.following = True
            agent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "etaoi_tui.demo", "--url", collector.endpoint, "--speed", "4"
            )
            try:
                async with asyncio.timeout(LONGEST):
                    while app.main.span_tree.rows.trace is None or not streaming_last(app):
                        app.tick()
                        await pilot.pause(0.05)
                await pilot.pause(0.3)
                app.tick()
                app.main.draw_detail_now()
                await pilot.pause()
                write("live-dark", app.export_screenshot(title="etaoi-tui"))
            finally:
                agent.kill()
                await agent.wait()
    finally:
        collector.stop()
        collector.close_recording()


def streaming_last(app: ViewerApp) -> bool:
    """Whether the newest model call, the answer after the reviewer has ended, is streaming."""
    spans = app.main.span_tree.rows.spans
    newest = spans[-1]
    reviewed = any(span.name == "reviewer" and span.status is Status.OK for span in spans)
    return reviewed and newest.kind == "llm" and len(newest.tail) > 60


def write(name: str, svg: str) -> None:
    """Keep a picture, without the ids that change with every run."""
    FOLDER.mkdir(exist_ok=True)
    svg = re.sub(r"terminal-\d+", f"terminal-{name}", svg)
    (FOLDER / f"{name}.svg").write_text(svg, "utf-8")
    print(f"screenshots/{name}.svg")


def take_all(shots: Iterable[Shot], path: Path) -> None:
    """Take pictures of a recording."""
    for shot in shots:
        source = ReplaySource(path)
        try:
            asyncio.run(take(shot, source, path.name))
        finally:
            source.close()


def take_telemetry(folder: Path) -> None:
    """Take pictures of what OpenTelemetry tells."""
    price_book().load()
    for name, record, shots in (
        ("codex", shots_telemetry.record_codex, shots_telemetry.CODEX_SHOTS),
        ("ai-sdk", shots_telemetry.record_ai_sdk, shots_telemetry.AI_SDK_SHOTS),
    ):
        record(folder / f"{name}.msgpack")
        take_all(shots, folder / f"{name}.msgpack")


def main() -> None:
    """Take all pictures, or with ``moving``, ``telemetry``, ``xray`` or ``runs`` some of them alone."""
    if "runs" in sys.argv[1:]:
        subprocess.run([sys.executable, FOLDER.parent / "scripts" / "shots_runs.py"], check=True)
        return
    if "moving" in sys.argv[1:]:
        price_book().load()
        asyncio.run(moving_picture.film(write))
        return
    with tempfile.TemporaryDirectory() as folder:
        take_telemetry(Path(folder))
        if "telemetry" in sys.argv[1:]:
            return
        path = Path(folder) / "releases.msgpack"
        shots_xray.record(path)
        price_book().load()
        take_all(shots_xray.SHOTS, path)
        if "xray" in sys.argv[1:]:
            return
        asyncio.run(moving_picture.film(write))
        asyncio.run(take_streaming())
        shots_voice.take_live(write)
        path = Path(folder) / "demo.msgpack"
        record_demo(path)
        take_all((*SHOTS, *shots_voice.SHOTS), path)
    subprocess.run([sys.executable, FOLDER.parent / "scripts" / "shots_runs.py"], check=True)


if __name__ == "__main__":
    main()
