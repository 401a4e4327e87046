"""Copying out of a terminal: OSC 52 first, local tools where they help, and an honest word about both."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from pathlib import Path

LARGEST_FOR_TERMINALS = 74_994
"""Bytes that fit into the OSC 52 sequence that common terminals accept (100,000 bytes of base64)."""

_LOCAL_TOOLS = (("pbcopy",), ("wl-copy",), ("xclip", "-selection", "clipboard"), ("xsel", "-ib"))

_TMUX = ("tmux", "load-buffer", "-w", "-")
"""By default tmux takes no OSC 52 from programs; this fills its buffer and the terminal's clipboard."""


def copy_locally(text: str) -> str | None:
    """Hand text to the desktop's own clipboard tool, unless the terminal may be somewhere else.

    Returns:
        The tool's name, or None when there is none that can be trusted to reach this person's screen.
    """
    tools: list[tuple[str, ...]] = [_TMUX] if os.environ.get("TMUX") else []
    if not (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY")):
        tools += _LOCAL_TOOLS
    for command in tools:
        if shutil.which(command[0]) is None:
            continue
        if command[0] == "wl-copy" and not os.environ.get("WAYLAND_DISPLAY"):
            continue
        if command[0] in ("xclip", "xsel") and not os.environ.get("DISPLAY"):
            continue
        try:
            subprocess.run(
                command,
                input=text.encode("utf-8", "replace"),
                timeout=1,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return command[0]
    return None


def save_copied(text: str, folder: Path) -> Path:
    """Write text that is too large for a terminal's clipboard to a private file.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = f"copied-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in itertools.count(1):
        path = folder / (f"{stem}.txt" if number == 1 else f"{stem}-{number}.txt")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue  # of the same second
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        return path
    raise AssertionError("count() has no end")
