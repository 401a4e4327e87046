"""When an app under test has done what there was to do, told by its event loop and not by the clock.

Textual's pilot looks every 20 ms whether the process used the processor. On a busy machine a process that was
not let run looks as if it had nothing to do, and on a quiet one each key costs 40 ms of sleep.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from time import monotonic, process_time, thread_time
from typing import Any

import textual.app
import textual.constants
import textual.pilot
import textual.screen

_SOON = 0.02
"""Seconds within which a timer is due that is waited for: the screen draws 60 times a second."""
_PASSES = 3
"""Times in a row that the loop must have nothing to do: a pass may only find that bytes came."""
_LOOK = 0.002
"""Seconds for which other threads are watched."""
_THREADS_REST = 0.0005
"""Seconds of processor that other threads may use during a look."""


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the event loop has nothing to do, nothing soon, and other threads rest.

    Args:
        min_sleep: Seconds to wait at least.
        max_sleep: Seconds after which it returns although something goes on and on.
    """
    loop: Any = asyncio.get_running_loop()
    began = monotonic()
    horizon: float | None = None
    passes = 0
    while monotonic() < began + max_sleep:
        await asyncio.sleep(0)
        passes = 0 if loop._ready else passes + 1
        if passes < _PASSES:
            continue
        if horizon is None:
            horizon = loop.time() + max(min_sleep, _SOON)
        due = min((timer._when for timer in loop._scheduled if not timer._cancelled), default=horizon)
        if due < horizon:
            await asyncio.sleep(max(0.0, due - loop.time()))
        elif await _threads_rest():
            return
        passes = 0


async def _threads_rest() -> bool:
    """Look for a moment whether threads beside this one work."""
    if threading.active_count() == 1:
        return True
    busy_before = process_time() - thread_time()
    await asyncio.sleep(_LOOK)
    return process_time() - thread_time() - busy_before < _THREADS_REST


def install() -> None:
    """Let Textual's pilot wait in this way, and Textual read its variables again: a plugin imported it."""
    importlib.reload(textual.constants)
    textual.screen.UPDATE_PERIOD = 1 / textual.constants.MAX_FPS  # type: ignore[misc]
    for module in (textual.app, textual.pilot):
        module.wait_for_idle = wait_for_idle  # type: ignore[attr-defined]
