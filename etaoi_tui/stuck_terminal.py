"""Ends the program although its terminal takes nothing any more: a closed lid, a connection that hangs.

Whatever is written to such a terminal waits for ever, and what restores it is written last.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import threading
import time
from typing import Any

_posix: Any = os
"""The same module; what only POSIX has is used where `_termios` is."""
_termios: Any
try:
    _termios = importlib.import_module("termios")
except ImportError:  # Windows
    _termios = None

PATIENCE = 0.6
"""Seconds that ending the usual way may take before it is looked whether the terminal takes anything."""
_LOOK_EVERY = 0.05
_LOOKS = 4
"""Times in a row that the terminal must be found full."""
_RESTORE = b"\x1b[?1049l\x1b[?25h\x1b[<u\x1b[0m" + b"".join(
    b"\x1b[?%dl" % mode for mode in (1000, 1002, 1003, 1004, 1006, 1015, 2004)
)
"""Leaves the alternate screen, shows the cursor, and turns reports of mouse, paste, focus and keys off."""


class StuckTerminal:
    """Remembers how the terminal was, and ends the process when it cannot be left in the usual way.

    Args:
        descriptor: The terminal.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._saved_attributes: list[Any] | None = None
        self._watching: threading.Event | None = None
        if _termios is not None:
            with contextlib.suppress(OSError, ValueError, _termios.error):
                self._saved_attributes = _termios.tcgetattr(descriptor)

    def watch(self, code: int) -> None:
        """End the process with this code if the terminal is stuck, unless `terminal_restored` is called."""
        if self._saved_attributes is None or self._watching is not None:
            return
        self._watching = threading.Event()
        threading.Thread(
            target=self._wait, args=(self._watching, code), name="etaoi-tui-end", daemon=True
        ).start()

    def terminal_restored(self) -> None:
        """The terminal was restored; do not end the process."""
        if self._watching is not None:
            self._watching.set()
            self._watching = None

    def _wait(self, is_done: threading.Event, code: int) -> None:
        wait, full = PATIENCE, 0
        while not is_done.wait(wait):
            wait = _LOOK_EVERY
            full = 0 if self._takes_more() else full + 1
            if full >= _LOOKS:
                self._restore()
                time.sleep(_LOOK_EVERY * 2)  # the collector writes what it has, on a thread of its own
                os._exit(code)

    def _takes_more(self) -> bool:
        try:
            return bool(select.select([], [self._descriptor], [], 0)[1])
        except (OSError, ValueError):
            return True

    def _restore(self) -> None:
        """Throw away what waits, and restore as far as nobody has to wait for it."""
        with contextlib.suppress(OSError, ValueError, _termios.error):
            _termios.tcsetattr(self._descriptor, _termios.TCSANOW, self._saved_attributes)
            _termios.tcflush(self._descriptor, _termios.TCOFLUSH)
            terminal = os.open(
                _posix.ttyname(self._descriptor), os.O_WRONLY | _posix.O_NONBLOCK | _posix.O_NOCTTY
            )
            os.write(terminal, _RESTORE)
