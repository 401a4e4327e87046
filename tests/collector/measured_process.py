"""Programs that a test starts in a process of their own, whose memory no other test has used."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def memory(key: str) -> int:
    """Return one of this process's figures in ``/proc/self/status``, such as ``RssAnon``, in bytes.

    Raises:
        LookupError: There is none of that name.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(key)


def started(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program that is given as text, and talk to it by lines."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
