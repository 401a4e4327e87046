"""Looks at where the viewer runs: its folder of recordings, and the terminal."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

from etaoi_collector.recording.directory import list_recordings, recordings_dir
from etaoi_tui.doctor.finding import Finding, State
from etaoi_tui.view.format import size

LITTLE = 1 << 30
"""Bytes of free space below which a recording may soon stop."""


def look() -> Iterator[Finding]:
    """Look at the folder and the terminal."""
    yield _recordings()
    yield from _terminal()


def _recordings() -> Finding:
    folder = recordings_dir()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".doctor-"):
            pass
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding(
            "recordings",
            State.FAILED,
            f"{folder} cannot be written: {error.strerror}",
            "ETAOI_TUI_STATE_DIR=FOLDER etaoi-tui, or etaoi-tui --no-record",
        )
    recordings = list_recordings()
    detail = (
        f"{folder}: {len(recordings)} of {size(sum(one.size for one in recordings))}; {size(free)} are free"
    )
    return Finding("recordings", State.OK if free > LITTLE else State.NOTE, detail)


def _terminal() -> Iterator[Finding]:
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or term in ("", "dumb"):
        yield Finding("terminal", State.NOTE, "none here: etaoi-tui prints lines instead of a screen")
        return
    columns, lines = shutil.get_terminal_size()
    around = [
        name
        for name, variable in (("tmux", "TMUX"), ("screen", "STY"), ("SSH", "SSH_CONNECTION"))
        if os.environ.get(variable)
    ]
    state = State.OK if columns >= 80 and lines >= 20 else State.NOTE
    within = f", within {' and '.join(around)}" if around else ""
    yield Finding(
        "terminal", state, f"{term}, {columns}x{lines}{within}; mouse: asked for when the viewer starts"
    )
    yield _colours(term)
    if "utf" not in locale.getpreferredencoding(False).lower():
        yield Finding(
            "characters",
            State.NOTE,
            f"{locale.getpreferredencoding(False)}: glyphs will be missing",
            "export LC_ALL=C.UTF-8",
        )
    yield _clipboard()


def _colours(term: str) -> Finding:
    if os.environ.get("NO_COLOR"):
        return Finding("colours", State.NOTE, "NO_COLOR is set: none are used", "unset NO_COLOR")
    colour_term = os.environ.get("COLORTERM", "").lower()
    if colour_term in ("truecolor", "24bit") or term.endswith("-direct"):
        return Finding("colours", State.OK, "16 million (COLORTERM)")
    few = "256" if "256color" in term else "16"
    return Finding(
        "colours",
        State.NOTE,
        f"{few}, as far as TERM and COLORTERM say",
        "export COLORTERM=truecolor, if your terminal has them; else etaoi-tui --theme ansi",
    )


def _clipboard() -> Finding:
    ways = ["OSC 52 (the terminal must allow it)"]
    if os.environ.get("TMUX") and shutil.which("tmux"):
        ways.insert(0, "tmux's buffer")
    if not (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY")):
        desktop = {"pbcopy": "", "wl-copy": "WAYLAND_DISPLAY", "xclip": "DISPLAY", "xsel": "DISPLAY"}
        for tool, variable in desktop.items():
            if shutil.which(tool) and (not variable or os.environ.get(variable)):
                ways.insert(0, tool)
                break
    return Finding("clipboard", State.OK, ", then ".join(ways))
