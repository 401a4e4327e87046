"""Starts the real viewer in a real pty, and clients in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from benchmarks.terminal import Terminal

COMMAND = (sys.executable, "-m", "etaoi_tui")
VIEWER_CORE = 0
"""Core that the viewer is bound to where a figure is for one core; clients run on the others."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_BYTE_CODE = tempfile.TemporaryDirectory(prefix="etaoi-bench-pyc-")


@contextlib.contextmanager
def private_state() -> Iterator[dict[str, str]]:
    """Environment that keeps recordings and settings away from the user's, in a folder that goes.

    Programs that are installed have their byte code beside them. Here it is in a folder that all starts
    share, whatever the environment says about writing any; the first start compiles, and should not be timed.
    """
    with tempfile.TemporaryDirectory(prefix="etaoi-bench-") as folder:
        yield {
            "XDG_STATE_HOME": f"{folder}/state",
            "XDG_CONFIG_HOME": f"{folder}/config",
            "XDG_CACHE_HOME": f"{folder}/cache",
            "XDG_DATA_HOME": f"{folder}/data",
            "PYTHONPYCACHEPREFIX": _BYTE_CODE.name,
            "PYTHONDONTWRITEBYTECODE": "",
        }


@contextlib.contextmanager
def live(
    *arguments: str, core: int | None = None, size: tuple[int, int] = (160, 45)
) -> Iterator[tuple[Terminal, str]]:
    """A viewer that listens, and the URL of its endpoint."""
    port = free_port()
    with (
        private_state() as env,
        Terminal([*COMMAND, "--port", str(port), *arguments], env=env, core=core, size=size) as terminal,
    ):
        wait_listening(port, terminal)
        yield terminal, f"ws://127.0.0.1:{port}/ingest"
        _not_crashed(terminal)


@contextlib.contextmanager
def replay(path: Path, *, core: int | None = None, state: Path | None = None) -> Iterator[Terminal]:
    """A viewer that opens a recording; with a state folder, one that may know it."""
    with private_state() as env:
        env |= {} if state is None else {"ETAOI_TUI_STATE_DIR": str(state)}
        with Terminal([*COMMAND, "--replay", str(path)], env=env, core=core) as terminal:
            yield terminal
            _not_crashed(terminal)


def _not_crashed(terminal: Terminal) -> None:
    """A marker can also stand in a traceback: figures of a viewer that ended with an error are none.

    Raises:
        RuntimeError: it did.
    """
    if terminal.process.poll():
        raise RuntimeError(f"the viewer ended with {terminal.process.returncode}:\n{terminal.text()[-1500:]}")


def wait_listening(port: int, terminal: Terminal, timeout: float = 20.0) -> None:
    """Wait until the port takes connections.

    Raises:
        TimeoutError: it does not, or the program ended.
    """
    deadline = time.perf_counter() + timeout
    while time.perf_counter() < deadline and terminal.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.01)  # a port cannot be waited for, only tried
    raise TimeoutError(f"nothing listens on port {port}; the program said:\n{terminal.text()[-1500:]}")


class Client:
    """A program that sends, in a process of its own: connected, and sending once it is told to.

    Args:
        url: the endpoint.
        arguments: what the program takes.
        program: the module that is run.
    """

    def __init__(self, url: str, *arguments: str, program: str = "tests.load") -> None:
        cores = os.sched_getaffinity(0) - {VIEWER_CORE}
        self._process = subprocess.Popen(
            [sys.executable, "-m", program, url, "--wait", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )
        self._read_line()

    def _read_line(self) -> dict[str, Any]:
        stream: IO[str] | None = self._process.stdout
        line = stream.readline() if stream else ""
        if not line:
            raise RuntimeError(f"the sending client ended with status {self._process.wait()}")
        values: dict[str, Any] = json.loads(line)
        return values

    def go(self) -> float:
        """Let it send; returns the moment."""
        if self._process.stdin:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return time.perf_counter()

    def sent(self) -> dict[str, Any]:
        """Wait until it has sent everything; returns its counts.

        Raises:
            RuntimeError: its connection broke.
        """
        counts = self._read_line()
        if counts["broken"]:
            raise RuntimeError(f"the client's connection broke: {counts['broken']}")
        return counts

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
