"""How long until something is there: help, the first frame; and how fast it is gone.

Programs that are installed have their byte code beside them, so everything here is started once before time
is taken, with a folder of byte code of its own: an environment that keeps Python from writing any would
compile the viewer, and not Textual, with each start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Done, Row
from benchmarks.terminal import Terminal
from benchmarks.viewer import COMMAND, Client, free_port, live, private_state

QUICK = True
ROUNDS = 3
EMPTY_APP = "from textual.app import App; A = type('A', (App,), {'TITLE': 'empty'}); A().run()"
SWITCHES = b"\x1b[?1049h"
FRAME_END = b"\x1b[?2026l"
CLIENTS = 4


def _command_ms(env: dict[str, str], *command: str) -> float:
    durations = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **env})
        durations.append((time.perf_counter() - began) * 1000)
    return median(durations[1:])


def _first_frame(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Milliseconds until the first frame was complete, and of CPU time that had been used by then."""
    with Terminal(command, env=env) as terminal:
        # The alternate screen is switched to first; the frame is complete with its end marker.
        terminal.wait_for(SWITCHES)
        switched = terminal.written().find(SWITCHES)
        frame_at = terminal.wait_for(FRAME_END, since=switched)
        return (frame_at - terminal.started) * 1000, terminal.cpu_seconds_all() * 1000


def _first_frames(env: dict[str, str], *commands: list[str]) -> Iterator[tuple[float, float]]:
    """Medians of time and of CPU time for each command; they take turns, so that a busy moment hits all."""
    for command in commands:
        _first_frame(command, env)
    durations = [[_first_frame(command, env) for command in commands] for _ in range(ROUNDS)]
    for of_command in zip(*durations, strict=True):
        yield median(wall for wall, _ in of_command), median(cpu for _, cpu in of_command)


def _quit_ms() -> float:
    durations = []
    for _ in range(ROUNDS):
        with live() as (terminal, url):
            clients = [Client(url, "--events", "200", "--seed", str(n), "--hold") for n in range(CLIENTS)]
            try:
                for client in clients:
                    client.go()
                    client.sent()
                terminal.wait_quiet()
                pressed = terminal.press("q")
                durations.append((terminal.wait_end() - pressed) * 1000)
                if b"\x1b[?1049l" not in terminal.written():
                    raise RuntimeError("the terminal was not restored after q")
            finally:
                for client in clients:
                    client.__exit__(None, None, None)
    return median(durations)


def measure() -> Iterator[Row]:
    """Medians of several runs; Python itself and an empty Textual app are the floors."""
    started = Done(ROUNDS, "starts that ended well")
    with private_state() as env, TemporaryDirectory(prefix="etaoi-bench-") as folder:
        env = {**env, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        python = _command_ms(env, sys.executable, "-c", "pass")
        help_ms = _command_ms(env, *COMMAND, "--help")
        yield Row("etaoi-tui --help", help_ms, "ms", "<= 150 ms", "python -c pass", python, done=started)
        viewer = [*COMMAND, "--port", str(free_port())]
        empty, ours = _first_frames(env, [sys.executable, "-c", EMPTY_APP], viewer)
    frames = Done(ROUNDS, "first frames seen")
    peer = "empty Textual app"
    yield Row("first frame", ours[0], "ms", "<= 1.35 times", peer, empty[0], done=frames)
    yield Row("CPU until the first frame", ours[1], "ms", "<= 1.35 times", peer, empty[1], done=frames)
    ended = Done(ROUNDS, "terminals restored")
    yield Row(f"q to the end, {CLIENTS} clients connected", _quit_ms(), "ms", "<= 500 ms", done=ended)
