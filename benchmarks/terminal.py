"""A terminal for measurements: runs a program in a pty and keeps the moment at which each byte arrived.

Nothing is drawn and nothing is parsed while time is taken. A program's reaction is found by a marker, a text
that only the awaited frame holds.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

ASKS_FOR_SYNCHRONIZED_OUTPUT = b"\x1b[?2026$p"
HAS_SYNCHRONIZED_OUTPUT = b"\x1b[?2026;2$y"
STYLING = re.compile(
    rb"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>]"
)


class Terminal:
    """A program in a pty of its own, as a context manager that ends it.

    Args:
        command: what to run.
        size: columns and rows.
        env: added to the environment.
        core: the CPU core that the program is bound to; None leaves it free.
        cwd: the folder to run in.
        prepare: called in the new process before the program, to set limits.

    Attributes:
        started: `time.perf_counter` right before the program was started.
        process: the program.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (160, 45),
        env: Mapping[str, str] | None = None,
        core: int | None = None,
        cwd: Path | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._changed = threading.Condition()
        self._data = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        self._held = threading.Event()
        self._held.set()
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        for size_of_our_own in ("COLUMNS", "LINES"):  # a program believes them more than its terminal
            environment.pop(size_of_our_own, None)
        environment |= env or {}

        def own_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if core is not None:
                os.sched_setaffinity(0, {core})
            if prepare is not None:
                prepare()

        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=own_terminal,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            self._held.wait()
            try:
                ready, _, _ = select.select([self._master], [], [], 0.5)
                if not ready:
                    if self.process.poll() is not None:
                        return
                    continue
                data = os.read(self._master, 1 << 16)
            except OSError:
                return
            now = time.perf_counter()
            if not data:
                return
            with self._changed:
                self._data += data
                self._arrivals.append((now, len(self._data)))
                self._changed.notify_all()
            if ASKS_FOR_SYNCHRONIZED_OUTPUT in data:
                os.write(self._master, HAS_SYNCHRONIZED_OUTPUT)

    @property
    def position(self) -> int:
        """How many bytes the program has written."""
        with self._changed:
            return len(self._data)

    def written(self, since: int = 0) -> bytes:
        """Return what the program wrote from a position on."""
        with self._changed:
            return bytes(self._data[since:])

    def text(self, since: int = 0) -> str:
        """Return what it wrote without escape sequences: good for reading, not a picture of the screen."""
        return STYLING.sub(b"", self.written(since)).decode(errors="replace")

    def press(self, keys: str | bytes) -> float:
        """Type, and return the moment."""
        data = keys.encode() if isinstance(keys, str) else keys
        now = time.perf_counter()
        os.write(self._master, data)
        return now

    def wait_for(self, marker: str | bytes, *, since: int = 0, timeout: float = 60.0) -> float:
        """Wait until ``marker`` was written at or after a position; return the moment at which it arrived.

        Raises:
            TimeoutError: it did not come; the message has the end of what came instead.
        """
        needle = marker.encode() if isinstance(marker, str) else marker
        deadline = time.perf_counter() + timeout
        at = since
        with self._changed:
            while True:
                index = self._data.find(needle, at)
                if index >= 0:
                    return self._arrived(index + len(needle))
                at = max(since, len(self._data) - len(needle) + 1)
                remaining = deadline - time.perf_counter()
                if remaining <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    screen_text = STYLING.sub(b"", bytes(self._data[-6000:])).decode(errors="replace")[-1500:]
                    state = self.process.poll()
                    raise TimeoutError(
                        f"{marker!r} did not come (exit status {state}); the end was:\n{screen_text}"
                    )
                self._changed.wait(min(remaining, 0.5))

    def _arrived(self, position: int) -> float:
        for moment, end in reversed(self._arrivals):
            if end < position:
                break
            last = moment
        return last

    def wait_quiet(self, quiet: float = 0.3, timeout: float = 60.0) -> None:
        """Wait until nothing was written for ``quiet`` seconds."""
        deadline = time.perf_counter() + timeout
        position = self.position
        while time.perf_counter() < deadline:
            time.sleep(quiet)  # silence can only be waited for
            now = self.position
            if now == position:
                return
            position = now

    def forget(self) -> None:
        """Let go of what was written so far; positions and markers of before mean nothing any more."""
        with self._changed:
            del self._data[:-4096]
            self._arrivals.clear()

    def hold(self) -> None:
        """Stop reading, as a terminal does whose lid was closed."""
        self._held.clear()

    def resume(self) -> None:
        """Read again."""
        self._held.set()

    def cpu_seconds(self) -> float:
        """CPU time of the program's main thread, which is where a Textual app draws."""
        schedstat = Path(f"/proc/{self.process.pid}/schedstat").read_text()
        return int(schedstat.split()[0]) / 1e9

    def cpu_seconds_all(self) -> float:
        """CPU time of all its threads."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def anonymous_bytes(self) -> int:
        """Memory that is the program's own; pages of mapped files are left out."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("this kernel does not tell RssAnon")

    def wait_end(self, timeout: float = 60.0) -> float:
        """Wait for the program's end and return the moment."""
        self.process.wait(timeout)
        return time.perf_counter()

    def close(self) -> None:
        """End the program if it runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._held.set()
        self._reader.join(2)
        os.close(self._master)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
