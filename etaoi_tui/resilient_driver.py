"""Writing to a terminal that may go away: a closed window, a broken connection, a killed multiplexer."""

from __future__ import annotations

from typing import IO, Any

from textual.driver import Driver


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
    """Return a kind of driver that outlives its terminal."""

    class LastingDriver(driver):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            file = getattr(self, "_file", None)
            if file is not None:
                self._file = ResilientOutput(file)

    return LastingDriver
