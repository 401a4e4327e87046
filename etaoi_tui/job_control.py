"""What signals mean for the viewer: end with the terminal restored, stop, and go on with the whole screen."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

from textual.app import App

from etaoi_tui.external_programs import value_file, viewer_command
from etaoi_tui.widgets.textual_internals import leave_terminal, take_terminal_again

_CONTINUES_WITHIN = 0.1
"""Seconds after which a program that was not stopped takes its terminal again."""


class JobControl:
    """Handles signals on the event loop, between two pieces of work.

    Textual suspends in a signal handler, which may run in the middle of a write to the terminal and then
    waits for itself; and it ends on SIGTERM, SIGHUP and SIGQUIT without restoring the terminal.

    Args:
        app: What ends, stops and goes on.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._stopped = False

    def install(self) -> None:
        """Handle signals from now on, where there are any."""
        end = {
            name: partial(self._app.exit, return_code=128 + getattr(signal, name, 0))
            for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
        }
        self._handle({**end, "SIGTSTP": partial(self.suspend, os.getpid()), "SIGCONT": self._continued})

    def suspend(self, process: int = 0) -> None:
        """Give the terminal back and stop until the shell's ``fg``.

        Args:
            process: Whose processes stop, as `os.kill` has it; 0 for all of the terminal's job, which is what
                the shell waits for.
        """
        if not hasattr(signal, "SIGTSTP") or not leave_terminal(self._app):
            return
        loop = asyncio.get_running_loop()
        # The default way to stop does nothing where no shell could continue the job.
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(process, signal.SIGTSTP)
        self._handle({"SIGTSTP": partial(self.suspend, os.getpid())})
        self._stopped = True
        loop.call_later(_CONTINUES_WITHIN, self._not_stopped)

    def lend_terminal(self, run: Callable[[], object]) -> bool:
        """Let another program have the terminal while a function runs; False where that is impossible.

        Ctrl+C is meant for that program, and Ctrl+Z stops both, as a shell has it. Waits for the function;
        the collector has a thread of its own.
        """
        if not leave_terminal(self._app):
            return False
        loop = asyncio.get_running_loop()
        lent = [getattr(signal, name) for name in ("SIGINT", "SIGTSTP", "SIGCONT") if hasattr(signal, name)]
        for number in lent:
            loop.remove_signal_handler(number)
        # A handler of this process is the default action in the program that is started.
        signal.signal(signal.SIGINT, lambda *_: None)
        try:
            run()
        finally:
            self.install()
            self._continued()
        return True

    def open_value(self, text: str) -> str:
        """Let the person's editor or pager have the terminal, to show a text.

        Returns:
            Why that is impossible, in a sentence; empty when it was done.
        """
        command = viewer_command(os.environ)
        if command is None:
            return "Set EDITOR or PAGER to a program that is there."
        try:
            with value_file(text) as path:
                lent = self.lend_terminal(lambda: subprocess.run([*command, str(path)], check=False))
        except OSError as error:
            return f"Cannot open {command[0]}: {error.strerror or error}."
        return "" if lent else "This terminal cannot be lent to another program."

    def _not_stopped(self) -> None:
        """Take the terminal when no SIGCONT came: the program was not stopped at all."""
        if self._stopped:
            self._continued()

    def _continued(self) -> None:
        """Draw the whole screen again: somebody else had the terminal, or nobody."""
        self._stopped = False
        if self._app.is_running and self._app.return_code is None:
            take_terminal_again(self._app)
            self._app.refresh(layout=True)

    def _handle(self, handlers: dict[str, Callable[[], object]]) -> None:
        loop = asyncio.get_running_loop()
        for name, handler in handlers.items():
            number = getattr(signal, name, None)  # Windows knows few of them
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, handler)
            except (NotImplementedError, RuntimeError, ValueError):
                # No signals on this loop (Windows) or in this thread (tests).
                return
