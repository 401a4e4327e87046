"""Runs a command as if the shell itself had started it: terminal, signals and exit code are its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

NOT_FOUND = 127
NOT_EXECUTABLE = 126
"""Exit codes of shells, and of ``env``, for commands that cannot be run."""

_FROM_THE_TERMINAL = ("SIGINT", "SIGQUIT")
"""Sent by the terminal to this process and the command alike."""
_AWAKE_SECONDS = 1.0
_PASSED_ON = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT")


class CannotRun(Exception):
    """The command cannot be started; the text is a sentence.

    Args:
        sentence: What is wrong.
        code: The exit code that shells give it.
    """

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


def find_command(command: Sequence[str], path: str | None) -> str:
    """Return the file that a command runs.

    Args:
        command: The words of the command line.
        path: What ``PATH`` says for it.

    Raises:
        CannotRun: There is none, or it may not be run.
    """
    program = shutil.which(command[0], path=path)
    if program is not None:
        return program
    if os.path.dirname(command[0]) and os.path.exists(command[0]):
        raise CannotRun(f"{command[0]} cannot be run: it is no executable file.", NOT_EXECUTABLE)
    raise CannotRun(f"There is no command {command[0]}.", NOT_FOUND)


def run(file: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command in the foreground, to its end.

    Returns:
        Its exit code; the negative number of the signal that ended it.

    Raises:
        CannotRun: It cannot be started.
    """
    with _signals_left_to_it() as command_started:
        try:
            process = subprocess.Popen([file, *command[1:]], env=dict(environment), close_fds=False)
        except OSError as error:
            raise CannotRun(f"{command[0]} cannot be run: {error.strerror}.", NOT_EXECUTABLE) from None
        command_started(process)
        while True:
            try:
                # Again and again: a signal that another thread was given does not wake this one.
                return process.wait(_AWAKE_SECONDS)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                continue


def end_like(code: int) -> int:
    """Return an exit code; if a signal ended the command, end this process by the same."""
    if code >= 0:
        return code
    if sys.platform != "win32":
        import resource

        sys.stdout.flush()
        sys.stderr.flush()
        # The command has left its core file, if it was to leave one; this process is no part of the failure.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return 128 - code


@contextmanager
def _signals_left_to_it() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Let the terminal's signals be the command's affair, and pass on those that were sent to this process.

    Handlers, because a command inherits what is ignored, and not what is handled. What was ignored when this
    process began stays ignored in both. Yields what is to be called with the command once it is there; it may
    be at work before, and what was sent until then is passed on then.
    """
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def command_started(process: subprocess.Popen[bytes]) -> None:
        started.append(process)
        while early:
            process.send_signal(early.pop(0))

    def leave(number: int, frame: FrameType | None) -> None:
        """The terminal has sent it to the command, too."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        if started:
            started[0].send_signal(number)
        else:
            early.append(number)

    previous_handlers = {}
    for names, handler in ((_FROM_THE_TERMINAL, leave), (_PASSED_ON, pass_on)):
        for name in names:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                previous_handlers[number] = signal.signal(number, handler)
    try:
        yield command_started
    finally:
        for number, handler_before in previous_handlers.items():
            signal.signal(number, handler_before)
