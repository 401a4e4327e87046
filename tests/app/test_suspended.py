"""Ctrl+Z and ``fg`` in a shell, while events flood in: the shell has the terminal, then the viewer again."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("termios", reason="needs a pseudo terminal")

from benchmarks.terminal import Terminal

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
ROUNDS = 3
PROMPT = b"the shell> "
LEAVES, TAKES = b"\x1b[?1049l", b"\x1b[?1049h"
"""What a program writes that gives the normal screen back, and one that wants a screen of its own."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what}: waited too long"
        time.sleep(0.01)


def state_of(process: int) -> str:
    """Return a process's state as the kernel has it: ``T`` is stopped."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def child_of(process: int) -> int:
    """Return the only child of a shell; 0 while there is none."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(children[0]) if children else 0


def load(port: int, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a client."""
    command = [sys.executable, "-m", "tests.load", f"ws://127.0.0.1:{port}/ingest", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def flood(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Let a client send all the time."""
    client = load(port, "--rate", "1500")
    try:
        yield client
    finally:
        client.kill()
        client.wait()


@pytest.mark.skipif(
    shutil.which("sh") is None or not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists(),
    reason="needs a shell, and what /proc tells of processes",
)
def test_ctrl_z_and_fg_while_events_flood_in(tmp_path: Path) -> None:
    port = free_port()
    environment = {
        "ETAOI_TUI_STATE_DIR": str(tmp_path),
        "ETAOI_TUI_CONFIG": str(tmp_path / "config.toml"),
        "PS1": PROMPT.decode(),
    }
    with Terminal(["sh", "-i"], env=environment, cwd=ROOT) as terminal:
        terminal.wait_for(PROMPT)
        terminal.press(f"{sys.executable} -m etaoi_tui --port {port}\n")
        terminal.wait_for(b"Listening")
        viewer = child_of(terminal.process.pid)
        assert viewer
        with flood(port) as client:
            terminal.wait_for(b"researcher")
            for number in range(ROUNDS):
                at = terminal.position
                terminal.press(b"\x1a")
                terminal.wait_for(LEAVES, since=at)
                until(lambda: state_of(viewer) == "T", "the viewer stops")
                # The shell has the terminal: it reads, and does what it is told.
                terminal.wait_for(PROMPT, since=at)
                terminal.press(f"echo here-$(({number} + 100))\n")
                terminal.wait_for(f"here-{number + 100}", since=at)
                at = terminal.position
                terminal.press("fg\n")
                terminal.wait_for(TAKES, since=at)
                until(lambda: state_of(viewer) != "T", "the viewer goes on")
                terminal.wait_for(b"researcher", since=at)
                terminal.press("t")
                terminal.wait_for(b"Theme: ", since=at)
                assert client.poll() is None, "its connection outlives that"
        last = load(port, "--events", "0", "--mark", "the-last-run")
        terminal.wait_for(b"the-last-run")
        assert last.wait(PATIENCE) == 0
        at = terminal.position
        terminal.press("q")
        terminal.wait_for(LEAVES, since=at)
        terminal.wait_for(PROMPT, since=at)  # what is typed before the viewer has ended is lost
        terminal.press("echo status-$?-\n")
        terminal.wait_for(b"status-0-", since=at)
        terminal.press("exit\n")
        assert terminal.process.wait(PATIENCE) == 0
