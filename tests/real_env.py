"""Environments of their own for tests that drive the real SDK packages.

The real clients pin other versions than this project does, so each set of them lives in ``.envs/NAME``, made
on first use and shared by all tests (and by parallel test processes) that ask for the same name.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".envs"

ETAOI = ("etaoi", "etaoi-schema==0.5.1", "websockets<17")
"""The reference SDK and its schema, as a test of the wire needs them."""


def real_env(name: str, *requirements: str) -> Path:
    """Return the Python of environment ``name`` with ``requirements`` installed, made when missing.

    Args:
        name: a folder's name under ``.envs``.
        requirements: what pip understands. The same name with other ones installs the difference.

    Raises:
        RuntimeError: pip could not install them; its output is in the message.
    """
    home = ENVIRONMENTS / name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    digest = hashlib.sha256("\n".join([sys.version, str(ROOT), *sorted(requirements)]).encode()).hexdigest()
    stamps = home / ".installed"
    with locked(ENVIRONMENTS / f".{name}.lock") as lock:
        if python.exists() and (stamps / digest).exists():
            return python
        if not python.exists() or not stamps.exists():
            make = [sys.executable, "-m", "venv", "--clear", str(home)]
            subprocess.run(make, check=True, pass_fds=lock)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        done = subprocess.run(pip, capture_output=True, text=True, check=False, pass_fds=lock)
        if done.returncode:
            raise RuntimeError(
                f"pip could not install {requirements} into {home}:\n{done.stdout}{done.stderr}"
            )
        stamps.mkdir(exist_ok=True)
        (stamps / digest).touch()
    return python


@contextlib.contextmanager
def locked(path: Path) -> Iterator[tuple[int]]:
    """Let one process at a time do what is in the block.

    Yields:
        What programs that it starts are to be given as ``pass_fds``: they go on when the tests are killed,
        and until they end nobody else may write where they write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield (file.fileno(),)
