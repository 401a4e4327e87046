"""Values in other programs: which editor or pager a person uses, and what a command makes of a text."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

_FALLBACKS = ("less", "more")
_LARGEST_OUTPUT = 8 * 1024 * 1024
"""Bytes of a command's output that are kept."""
_READ_AT_ONCE = 65_536
_ENDS_WITHIN = 2.0
"""Seconds to wait for a command that was killed."""


def viewer_command(environment: Mapping[str, str]) -> list[str] | None:
    """Return the command that opens a file: ``VISUAL``, ``EDITOR``, ``PAGER``, else a pager that is there.

    Returns:
        Words of the command; None when there is none.
    """
    for name in ("VISUAL", "EDITOR", "PAGER"):
        try:
            words = shlex.split(environment.get(name, ""))
        except ValueError:  # a quote that does not end
            continue
        if words and shutil.which(words[0]) is not None:
            return words
    return next(([name] for name in _FALLBACKS if shutil.which(name) is not None), None)


@contextlib.contextmanager
def value_file(text: str) -> Iterator[Path]:
    """Write text to a private file that goes when the block ends.

    The name ends so that editors choose the right colours.
    """
    suffix = ".json" if text.lstrip()[:1] in ("{", "[") else ".md"
    descriptor, name = tempfile.mkstemp(suffix, "etaoi-value-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        yield path
    finally:
        path.unlink(missing_ok=True)


class Piped(msgspec.Struct, frozen=True):
    """What a command made of a text.

    Attributes:
        output: Its standard output and error, as they came.
        code: Its exit status; None if it was stopped.
        note: Why the output is not all, in words; empty when it is.
    """

    output: str
    code: int | None
    note: str = ""


async def pipe_through(command: str, text: str, *, seconds: float = 30.0) -> Piped:
    """Run a command of the person's shell with a text on its standard input.

    Args:
        command: As it would be typed.
        text: What it reads.
        seconds: After this it is stopped, with everything that it started.

    Raises:
        OSError: The shell cannot be started.
    """
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    output = bytearray()
    note = ""
    feeding = asyncio.create_task(_feed(process, text))
    try:
        async with asyncio.timeout(seconds):
            assert process.stdout is not None
            while chunk := await process.stdout.read(_READ_AT_ONCE):
                output += chunk
                if len(output) > _LARGEST_OUTPUT:
                    del output[_LARGEST_OUTPUT:]
                    note = f"only the first {_LARGEST_OUTPUT // 1_048_576} MiB are shown"
                    break
            if not note:
                await feeding
                await process.wait()
    except TimeoutError:
        note = f"stopped after {seconds:g} s"
    finally:
        feeding.cancel()
        await _stop(process)
    code = process.returncode if not note else None
    return Piped(output.decode("utf-8", "replace"), code, note)


async def _feed(process: asyncio.subprocess.Process, text: str) -> None:
    stdin = process.stdin
    assert stdin is not None
    with contextlib.suppress(ConnectionError):  # it reads no further
        stdin.write(text.encode("utf-8", "replace"))
        await stdin.drain()
    stdin.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(OSError):
        if sys.platform != "win32":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with contextlib.suppress(TimeoutError):  # something that it started has left its session, and its output
        await asyncio.wait_for(process.wait(), _ENDS_WITHIN)
