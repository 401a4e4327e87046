"""A program in a terminal of its own: bytes in, bytes out, signals."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

SECONDS = 60.0
_ASLEEP = 8
"""Looks in a row at a sleeping program after which it has nothing to do."""


class PtySession:
    """Runs a program under a pseudo terminal that it controls.

    Args:
        command: The program and its arguments.
        state: Folder for what it keeps.
        size: Columns and lines.
    """

    def __init__(self, command: Sequence[str], state: Path, size: tuple[int, int] = (120, 35)) -> None:
        self._master, slave = pty.openpty()
        self.resize(*size)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "ETAOI_TUI_STATE_DIR": str(state)},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.drawn = b""

    def __enter__(self) -> PtySession:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def send(self, data: bytes) -> None:
        """Type something, while what is drawn is read: a full terminal would wait for that."""
        while data:
            self.read(0.0)
            _, writable, _ = select.select([], [self._master], [], 0.05)
            if writable:
                data = data[os.write(self._master, data[:512]) :]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def read(self, seconds: float) -> None:
        """Take what is drawn until nothing came for so long."""
        while select.select([self._master], [], [], seconds)[0]:
            try:
                self.drawn += os.read(self._master, 65_536)
            except OSError:
                return

    def forget(self) -> None:
        """Let go of what was drawn so far."""
        self.read(0.2)
        self.drawn = b""

    def wait_for(self, text: bytes) -> None:
        """Wait until something is drawn.

        Raises:
            TimeoutError: it is not.
        """
        deadline = time.monotonic() + SECONDS
        while text not in self.drawn:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"{text!r} is not in {self.drawn[-2_000:]!r}")
            self.read(0.1)

    def wait_idle(self) -> None:
        """Wait until the program has dealt with what was typed: its main thread sleeps, and nothing is drawn.

        A program that never sleeps is waited for no longer than `SECONDS`.
        """
        stat = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/stat")
        deadline = time.monotonic() + SECONDS
        asleep = 0
        while asleep < _ASLEEP and time.monotonic() < deadline and self.process.poll() is None:
            drawn = len(self.drawn)
            self.read(0.01)
            try:
                sleeps = stat.read_text().rpartition(")")[2].split()[0] == "S"
            except OSError:  # not everywhere
                sleeps = True
            asleep = asleep + 1 if sleeps and len(self.drawn) == drawn else 0

    def wait(self) -> int:
        """Wait for the end and return the exit status.

        Raises:
            TimeoutError: it does not end.
        """
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.1)
        if self.process.poll() is None:
            raise TimeoutError(f"it does not end; last drawn: {self.drawn[-500:]!r}")
        return self.process.returncode
