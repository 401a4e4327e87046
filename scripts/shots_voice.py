"""Pictures of a phone call as lanes: replayed, and live while the agent keeps its caller waiting.

The demo's phone call runs through the SDK and the real socket; its clock is slow enough to be caught.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.sources.live import LiveSource
from etaoi_tui.app import ViewerApp
from etaoi_tui.demo.clock import Clock
from etaoi_tui.demo.span_writer import SpanWriter
from etaoi_tui.demo.voice import phone_call
from etaoi_tui.sdk.config import open_tracer

Shot = tuple[str, tuple[int, int], str, tuple[str, ...]]
"""File name, columns and lines, theme, and the keys that lead there."""
Write = Callable[[str, str], None]
"""Keeps a picture: its file name, and the SVG."""

SHOTS: tuple[Shot, ...] = (
    ("lanes-replay", (160, 45), "etaoi-dark", ("2", "w", "l")),
    ("lanes-replay-small", (80, 24), "etaoi-dark", ("2", "w", "l")),
    ("lanes-call", (160, 45), "etaoi-light", ("2", "g", "h", "h")),
)
"""Of the recorded demo, whose newest trace is the call."""

LIVE = (("lanes-live", (160, 45)), ("lanes-live-small", (80, 24)))

_SPEED = 1.5
_LENGTH = 20.0
_WAITS = 0.9
"""Seconds of silence, and more, in which a picture is taken."""
_PATIENCE = 60.0


def take_live(write: Write) -> None:
    """Take the pictures of a call that runs.

    Args:
        write: Keeps them.
    """
    for name, size in LIVE:
        asyncio.run(_take_live(name, size, write))


async def _take_live(name: str, size: tuple[int, int], write: Write) -> None:
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()
    collector.start()
    app = ViewerApp(LiveSource(collector), theme="etaoi-dark", automatic=False)
    call = threading.Thread(target=_call, args=(collector.endpoint,), daemon=True)
    try:
        async with app.run_test(size=size) as pilot:
            app.main.span_tree.following = True
            call.start()
            await _until_caller_waits(app, pilot)
            app.main.draw_detail_now()
            await pilot.pause()
            write(name, app.export_screenshot(title="etaoi-tui"))
    finally:
        call.join()
        collector.stop()
        collector.close_recording()


def _call(url: str) -> None:
    """Play the demo's phone call."""
    tracer = open_tracer(host=url)
    stage = SpanWriter(tracer, Clock(speed=_SPEED, length=_LENGTH), random.Random(1))
    try:
        stage.clock.play(phone_call(stage))
    finally:
        tracer.close(timeout=5.0)


async def _until_caller_waits(app: ViewerApp, pilot: Pilot[Any]) -> None:
    """Let the call go on until the last question waits for its answer.

    Raises:
        TimeoutError: That never happened.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        app.tick()
        await pilot.pause(0.05)
        call, trace = app.main.lanes.call, app.main.lanes.trace
        if call is None or trace is None or len(call) < 4:
            continue
        waits = call.turn(call.groups[-1]).waits_for(app.main.now(trace))
        if waits is not None and waits > _WAITS:
            return
    raise TimeoutError("no caller waited for an answer")
