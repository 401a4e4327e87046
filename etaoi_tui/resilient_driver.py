"""A terminal that may go away, and that may send anything."""

from __future__ import annotations

from typing import IO, Any

from textual.driver import Driver

from etaoi_tui.widgets.textual_internals import decode_input_leniently

_MOST_FAILURES = 1_000
"""Times that the reading of input is taken up again; a terminal that fails more often is no terminal."""


class ResilientOutput:
    """A text file that ignores what cannot be written.

    Textual writes on a thread of its own. A terminal that is gone fails every write; the thread would end
    with the first, and the program would wait for ever for room in the thread's queue.

    Args:
        file: The terminal.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def make_resilient(driver: type[Driver]) -> type[Driver]:
    """Return a kind of driver that outlives its terminal, and any bytes that come from it."""
    decode_input_leniently()

    class ResilientDriver(driver):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            file = getattr(self, "_file", None)
            if file is not None:
                self._file = ResilientOutput(file)

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
