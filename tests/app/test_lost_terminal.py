"""The terminal goes away under the viewer: a closed window, a killed multiplexer."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

from etaoi_tui.resilient_driver import ResilientOutput

SECONDS = 60.0


class Gone:
    """A terminal of which nothing is left."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")

    def flush(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_what_cannot_be_written_is_let_go() -> None:
    output = ResilientOutput(Gone())  # type: ignore[arg-type]
    assert output.write("words") == 5
    output.flush()


def test_the_viewer_ends_when_its_terminal_is_gone(tmp_path: Path) -> None:
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
