"""The terminal goes away under the viewer: a closed window, a killed multiplexer."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import pty
import queue
import select
import struct
import subprocess
import sys
import termios
import types
from pathlib import Path
from typing import Any

from textual.events import Key, Resize
from textual.geometry import Size
from textual.message import Message

from etaoi_tui.resilient_driver import ResilientOutput, make_resilient

SECONDS = 60.0


class ClosedOutput:
    """A terminal of which nothing is left."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")

    def flush(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_output_that_cannot_be_written_is_dropped() -> None:
    output = ResilientOutput(ClosedOutput())  # type: ignore[arg-type]
    assert output.write("words") == 5
    output.flush()


class Stuck:
    """A driver whose terminal takes nothing."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._file = io.StringIO()
        self._writer_thread = types.SimpleNamespace(_queue=queue.Queue(30))

    def write(self, data: str) -> None:
        self._writer_thread._queue.put_nowait(data)

    def start_application_mode(self) -> None:
        """Textual's sets the terminal up."""

    def stop_application_mode(self) -> None:
        self.write("restored")


def test_output_that_a_blocked_terminal_cannot_take_is_drawn_later() -> None:
    later: list[Any] = []
    app = types.SimpleNamespace(refresh="refresh", call_later=lambda *call, **how: later.append((call, how)))
    driver: Any = make_resilient(Stuck)(app)  # type: ignore[arg-type]
    waiting = driver._writer_thread._queue
    for number in range(100):
        driver.write(str(number))
    assert 0 < waiting.qsize() < 30 and not later
    remaining = waiting.qsize()
    while waiting.qsize() > 1:
        waiting.get()
    driver.write("half a screen")
    assert waiting.qsize() == 1  # what it changes may be missing
    driver._file.flush()  # Textual's thread does when nothing waits
    driver._file.flush()
    assert later == [(("refresh",), {"layout": True})]
    driver.write("whole")
    assert waiting.qsize() == 2
    for _ in range(remaining):
        driver.write("more")
    driver.stop_application_mode()
    assert list(waiting.queue)[-1] == "restored"


def test_the_viewer_ends_when_its_terminal_is_closed(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 35, 120, 0, 0))
    viewer = subprocess.Popen(
        [sys.executable, "-m", "etaoi_tui", "--port", "0"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "ETAOI_TUI_STATE_DIR": str(tmp_path)},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        drawn = b""
        while b"Listening" not in drawn:
            assert select.select([master], [], [], SECONDS)[0], drawn
            drawn += os.read(master, 65_536)
        # The kernel says so with SIGHUP and then SIGCONT, after which Textual would set the terminal up anew.
        os.close(master)
        viewer.wait(SECONDS)
    finally:
        if viewer.poll() is None:
            viewer.kill()
            viewer.wait()


def test_keys_are_told_of_when_they_are_read_and_frames_when_they_are_written() -> None:
    told: list[str] = []

    class Terminal(Stuck):
        def process_message(self, message: Message) -> None:
            told.append(type(message).__name__)

    app = types.SimpleNamespace(
        input_read=lambda: told.append("read"), frame_written=lambda: told.append("written")
    )
    driver: Any = make_resilient(Terminal)(app)  # type: ignore[type-var]
    driver.process_message(Key("j", "j"))
    driver.process_message(Resize(Size(1, 1), Size(1, 1)))
    driver.write("a frame")
    assert told == ["read", "Key", "Resize", "written"]
