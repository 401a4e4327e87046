"""How long until something is there: help, the first frame; and how fast it is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.report import Row
from benchmarks.terminal import Terminal
from benchmarks.viewer import COMMAND, Client, free_port, live, private_state

ROUNDS = 7
EMPTY_APP = "from textual.app import App; A = type('A', (App,), {'TITLE': 'empty'}); A().run()"
FRAME_END = b"\x1b[?2026l"
CLIENTS = 4


def _command_ms(*command: str) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)


def _first_frame_ms(command: list[str], env: dict[str, str]) -> float:
    taken = []
    for _ in range(ROUNDS):
        with Terminal(command, env=env) as terminal:
            # The alternate screen is switched to first; the frame is complete with its end marker.
            switched = terminal.written().find(b"\x1b[?1049h")
            taken.append((terminal.wait_for(FRAME_END, since=max(0, switched)) - terminal.started) * 1000)
    return median(taken)


def _quit_ms() -> float:
    taken = []
    for _ in range(ROUNDS):
        with live() as (terminal, url):
            clients = [Client(url, "--events", "200", "--seed", str(n), "--hold") for n in range(CLIENTS)]
            try:
                for client in clients:
                    client.go()
                    client.sent()
                terminal.wait_quiet()
                pressed = terminal.press("q")
                taken.append((terminal.wait_end() - pressed) * 1000)
                if b"\x1b[?1049l" not in terminal.written():
                    raise RuntimeError("the terminal was not restored after q")
            finally:
                for client in clients:
                    client.__exit__(None, None, None)
    return median(taken)


def measure() -> Iterator[Row]:
    """Medians of several runs; Python itself and an empty Textual app are the floors."""
    python = _command_ms(sys.executable, "-c", "pass")
    yield Row(
        "etaoi-tui --help", _command_ms(*COMMAND, "--help"), "ms", "<= 150 ms", "python -c pass", python
    )
    with private_state() as env:
        empty = _first_frame_ms([sys.executable, "-c", EMPTY_APP], env)
        frame = _first_frame_ms([*COMMAND, "--port", str(free_port())], env)
    yield Row("first frame", frame, "ms", "<= 400 ms", "empty Textual app", empty)
    yield Row(f"q to the end, {CLIENTS} clients connected", _quit_ms(), "ms", "<= 500 ms")
