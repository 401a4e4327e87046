"""From how many seconds on a stage counts as slow, and as too slow.

The heard gap's defaults follow what people notice: answers between people come within about a quarter of a
second (Stivers et al., PNAS 2009), a second reads as hesitation, two as a dead line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

CONFIG_VARIABLE = "ETAOI_TUI_CONFIG"
"""Environment variable with the path of another configuration file."""

DEFAULTS: dict[str, tuple[float, float]] = {
    "heard_gap": (1.0, 2.0),
    "end_of_turn": (0.7, 1.5),
    "transcript": (0.5, 1.0),
    "callback": (0.1, 0.5),
    "first_token": (0.6, 1.2),
    "model": (2.0, 5.0),
    "tool": (1.0, 3.0),
    "first_audio": (0.3, 0.7),
    "playout": (0.2, 0.5),
    "unexplained": (0.15, 0.4),
}


class Level(IntEnum):
    """How a time is to be seen."""

    FINE = 0
    SLOW = 1
    TOO_SLOW = 2


GLYPHS = {Level.FINE: " ", Level.SLOW: "△", Level.TOO_SLOW: "▲"}
"""So that nobody needs to see the colour."""


class Thresholds(msgspec.Struct, frozen=True):
    """Seconds from which a stage is slow, and too slow."""

    seconds: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=lambda: dict(DEFAULTS))

    def level(self, name: str, seconds: float | None) -> Level:
        """Return how a time of a series is to be seen; a series without thresholds is always fine."""
        limits = self.seconds.get(name.replace(" ", "_"))
        if limits is None or seconds is None or seconds < limits[0]:
            return Level.FINE
        return Level.TOO_SLOW if seconds >= limits[1] else Level.SLOW


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the configuration is looked for."""
    chosen = (os.environ if environ is None else environ).get(CONFIG_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_config_dir("etaoi-tui", appauthor=False)) / "config.toml"


def load(path: Path | None = None) -> tuple[Thresholds, str | None]:
    """Read the thresholds from a configuration file's table ``[voice.thresholds]``.

    Each entry is a name from `DEFAULTS` with two seconds: ``heard_gap = [0.8, 1.5]``. A missing file or entry
    leaves the default.

    Returns:
        The thresholds, and a sentence about what in the file was not understood.
    """
    path = path or config_file()
    try:
        text = path.read_text("utf-8")
        import tomllib  # the first screen waits for this, and most people have no such file

        table = tomllib.loads(text)
    except FileNotFoundError:
        return Thresholds(), None
    except (OSError, ValueError) as error:
        return Thresholds(), f"{path} cannot be read, so the usual thresholds hold: {error}"
    return _from_table(table, path)


def _from_table(document: dict[str, Any], path: Path) -> tuple[Thresholds, str | None]:
    voice = document.get("voice")
    table = voice.get("thresholds") if isinstance(voice, dict) else None
    if table is None:
        return Thresholds(), None
    seconds_by_name = dict(DEFAULTS)
    strange = [] if isinstance(table, dict) else ["the table itself"]
    for name, value in table.items() if isinstance(table, dict) else ():
        if name in DEFAULTS and _is_pair(value):
            seconds_by_name[name] = (float(value[0]), float(value[1]))
        else:
            strange.append(name)
    if not strange:
        return Thresholds(seconds_by_name), None
    names = ", ".join(strange[:4])
    return Thresholds(seconds_by_name), (
        f"{path}, [voice.thresholds]: {names} not understood; each entry is one of {', '.join(DEFAULTS)} "
        "with two rising seconds, such as heard_gap = [0.8, 1.5]"
    )


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        and 0 <= value[0] <= value[1]
    )
