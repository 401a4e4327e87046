"""Ends a viewer in a terminal by its key, as a person does."""

from __future__ import annotations

import contextlib
import subprocess
import time

from benchmarks.terminal import Terminal

PATIENCE = 60.0


def quit_viewer(terminal: Terminal) -> None:
    """Press ``q`` until the viewer ends.

    A page that was just closed is deaf for a moment, and what is behind it may be drawn before that.
    """
    deadline = time.monotonic() + PATIENCE
    while terminal.process.poll() is None and time.monotonic() < deadline:
        terminal.press("q")
        with contextlib.suppress(subprocess.TimeoutExpired):
            terminal.process.wait(1)
    terminal.wait_end()
