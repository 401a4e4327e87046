"""Runs a command beside the viewer: without a terminal, its output in a file that the viewer shows."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from etaoi_tui.launcher.foreground import NOT_EXECUTABLE, CannotRun

END_WITHIN = 3.0
"""Seconds that a command has to end after SIGTERM, when the viewer is left."""
MOST_LOGS = 20
"""Outputs that are kept."""
TAIL_BYTES = 256 << 10
"""Bytes at the end of the output that are shown."""


class BackgroundCommand:
    """A command that was started, in a process group of its own.

    Args:
        file: The executable.
        command: The words of the command line.
        environment: Its environment.
        described: The command line for people.
        output: File for what it prints; readable by its owner alone.

    Raises:
        CannotRun: It cannot be started.
    """

    def __init__(
        self,
        file: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        described: str,
        output: Path,
    ) -> None:
        self.described = described
        self.output = output
        output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(output.parent)
        with open(output, "wb", opener=_private) as log:
            try:
                self._process = subprocess.Popen(
                    [file, *command[1:]],
                    env={"PYTHONUNBUFFERED": "1", **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise CannotRun(f"{command[0]} cannot be run: {error.strerror}.", NOT_EXECUTABLE) from None

    @property
    def code(self) -> int | None:
        """Its exit code, the negative number of the signal that ended it, or None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """Return the end of what it has printed."""
        try:
            with self.output.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
                return log.read().decode("utf-8", "replace")
        except OSError as error:
            return f"The output cannot be read: {error.strerror}."

    def end(self) -> int:
        """End it and all that it has started, if it runs yet; return its exit code as `code` has it."""
        if self._process.poll() is None:
            self._signal("SIGTERM")
            try:
                self._process.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                self._signal("SIGKILL")
        return self._process.wait()

    def _signal(self, name: str) -> None:
        number = getattr(signal, name, signal.SIGTERM)
        with contextlib.suppress(OSError):
            if sys.platform != "win32":
                os.killpg(self._process.pid, number)
            else:
                self._process.terminate()


def _prune(folder: Path) -> None:
    """Remove the oldest outputs."""
    with contextlib.suppress(OSError):
        logs = sorted(folder.glob("run-*.log"), key=lambda path: path.stat().st_mtime)
        for old in logs[: -MOST_LOGS + 1]:
            old.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
