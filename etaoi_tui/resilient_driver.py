"""A terminal that may go away, stand still, and send anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from textual.driver import Driver
from textual.events import InputEvent
from textual.message import Message

from etaoi_tui.widgets.textual_internals import decode_input_leniently, read_alt_with_digits, writes_waiting

_MOST_FAILURES = 1_000
"""Times that the reading of input is taken up again; a terminal that fails more often is no terminal."""

_MOST_WAITING = 24
"""Writes that wait for the terminal, of the thirty for which Textual's queue has room."""


class ResilientOutput:
    """A text file that ignores what cannot be written.

    Textual writes on a thread of its own. A terminal that is gone fails every write; the thread would end
    with the first, and the program would wait for ever for room in the thread's queue.

    Args:
        file: The terminal.
        all_taken: Called, on that thread, when nothing waits for the terminal any more.
    """

    def __init__(self, file: IO[str], all_taken: Callable[[], None] = lambda: None) -> None:
        self._file = file
        self._all_taken = all_taken

    def write(self, text: str) -> int:
        """Write text, if there is still somebody to read it."""
        try:
            return self._file.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        try:
            self._file.flush()
        except (OSError, ValueError):
            return
        self._all_taken()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def make_resilient(driver: type[Driver]) -> type[Driver]:
    """Return a kind of driver that outlives its terminal, and any bytes that come from it.

    Where the terminal takes nothing, what would have to wait for it is left out, so that keys and signals are
    obeyed; the whole screen is drawn once it has taken the rest.
    """
    decode_input_leniently()
    read_alt_with_digits()

    class ResilientDriver(driver):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            file = getattr(self, "_file", None)
            if file is not None:
                self._file = ResilientOutput(file, self._all_taken)
            self._is_behind = False
            self._may_wait = False
            """What sets the terminal up, or restores it, must arrive."""

        def write(self, data: str) -> None:
            """Write, or leave it out rather than wait."""
            if not self._may_wait and (self._is_behind or writes_waiting(self) >= _MOST_WAITING):
                self._is_behind = True
            else:
                super().write(data)
            self._tell("frame_written")

        def start_application_mode(self) -> None:
            """Take the terminal."""
            self._may_wait, self._is_behind = True, False
            super().start_application_mode()
            self._may_wait = False

        def stop_application_mode(self) -> None:
            """Give the terminal back."""
            self._may_wait = True
            super().stop_application_mode()

        def _all_taken(self) -> None:
            if self._is_behind:
                self._is_behind = False
                self._app.call_later(self._app.refresh, layout=True)

        def process_message(self, message: Message) -> None:
            """Say that something was read, before it waits for its turn with the app."""
            if isinstance(message, InputEvent):
                self._tell("input_read")
            super().process_message(message)

        def _tell(self, what: str) -> None:
            """Call the app's method of this name, if it has one."""
            method = getattr(self._app, what, None)
            if method is not None:
                method()

        def run_input_thread(self) -> None:
            """Read input; what the parser cannot make sense of is left out, and reading goes on."""
            for _ in range(_MOST_FAILURES):
                try:
                    super().run_input_thread()
                except OSError:  # the terminal is gone
                    raise
                except Exception as error:
                    contain = getattr(self._app, "contain_from_thread", None)
                    if contain is None:
                        raise
                    contain(error)
                else:
                    return

    return ResilientDriver
