"""How the panes share the screen, and how that survives a restart."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

import msgspec

Mode = Literal["wide", "medium", "drawer", "narrow"]

WIDE, MEDIUM, DRAWER = 180, 140, 100
"""Columns from which three panes stand side by side, the list stays open, and two panes fit at all."""

_RECENT_KEPT = 12

LOW = 18
"""Lines below which there is room for one pane only."""

STACKED = 20
"""Lines from which a narrow screen has the detail below the tree."""

FRAMED_WIDTH, FRAMED_HEIGHT = 120, 30
"""Columns and lines from which panes have frames."""

STRIP = 22
"""Columns of the list while there is only one run in it."""


def mode_of(width: int, height: int) -> Mode:
    """Choose an arrangement for a screen of this many cells."""
    if width < DRAWER or height < LOW:
        return "narrow"
    if width < MEDIUM:
        return "drawer"
    return "medium" if width < WIDE else "wide"


def has_frames(width: int, height: int) -> bool:
    """Whether a screen of this many cells has room for frames around its panes."""
    return width >= FRAMED_WIDTH and height >= FRAMED_HEIGHT


TRACES = 34
"""Columns of the list until somebody chooses others; with one run in it, it is a strip."""

WIDEST_TRACES = 46
"""The most that it takes by itself: most questions are read whole then."""

_LIST_SHARE = 0.6
"""What the list gets of each column beyond the narrowest screen of its arrangement."""


def list_columns(mode: Mode, width: int) -> int:
    """Return the columns of a list that stays open until somebody chooses others."""
    beyond = width - (WIDE if mode == "wide" else MEDIUM)
    return min(WIDEST_TRACES, TRACES + int(beyond * _LIST_SHARE))


DETAIL_HEIGHT = 0.4
"""Least share of the detail under the tree; one that somebody chose holds whatever the tree needs."""

ALL = 10_000
"""Lines that a detail needs that may grow, or is not laid out to its end: more than any terminal has."""

_LEAST_TREE = 4
_LEAST_DETAIL = 6
_TREE_STEP = 3
"""Lines by which a tree grows: each time, the whole screen is laid out again."""


def tree_lines(rows: int, lines: int, most: float, present_lines: int, detail: int) -> int:
    """Return how many lines a tree gets above the detail: what its rows need, and the detail spares.

    Args:
        rows: Lines that it would fill.
        lines: Lines that it shares with the detail.
        most: Its largest share while the detail has more to say.
        present_lines: What it had; 0 for another run. A tree that loses a few rows keeps its lines.
        detail: Lines that the detail fills.
    """
    needed = _LEAST_TREE + -(-max(rows - _LEAST_TREE, 0) // _TREE_STEP) * _TREE_STEP
    if needed < present_lines <= needed + 2 * _TREE_STEP:
        needed = present_lines
    most_lines = max(round(lines * most), lines - max(detail, _LEAST_DETAIL))
    return max(min(needed, most_lines), min(_LEAST_TREE, lines))


class DetailNeed:
    """How many lines the detail of a run filled at most: moving through its rows moves no pane.

    Attributes:
        lines: As many as were needed so far, in steps; `ALL` where that is not known.
    """

    def __init__(self) -> None:
        self.lines = ALL
        self._most = 0

    def forget(self) -> None:
        """Begin anew, for another run."""
        self.lines, self._most = ALL, 0

    def saw(self, lines: int) -> None:
        """Take in that a span's detail fills so many lines, or `ALL` where it may still grow."""
        if lines < ALL:
            self._most = max(self._most, -(-lines // _TREE_STEP) * _TREE_STEP)
        self.lines = min(max(self._most, lines), ALL)


class Layout(msgspec.Struct):
    """What a person chose.

    Attributes:
        traces: Columns of the list.
        detail_width: Share of the detail beside the tree.
        detail_height: Share of the detail under the tree.
        theme: Name of the theme; empty until one was chosen.
        recent: Ids of the palette's entries that were used last, the newest first.
        filters: Searches that were given a name.
    """

    traces: int = TRACES
    detail_width: float = 0.42
    detail_height: float = DETAIL_HEIGHT
    theme: str = ""
    recent: list[str] = []
    filters: dict[str, str] = {}

    def used(self, entry_id: str) -> None:
        """Remember what was chosen in the palette."""
        self.recent = [entry_id, *(one for one in self.recent if one != entry_id)][:_RECENT_KEPT]

    def resize(self, pane: str, mode: Mode, cells: int, width: int, height: int) -> None:
        """Make a pane larger (or smaller, with a negative number of cells).

        Args:
            pane: ``traces``, ``tree`` or ``detail``.
            mode: Arrangement in which it was asked for.
            cells: Columns, or lines where the panes stand on top of each other.
            width: Columns of the screen.
            height: Lines of the screen.
        """
        if pane == "traces":
            self.traces = max(20, min(self.traces + cells, width // 2))
            return
        change = cells if pane == "detail" else -cells
        if mode == "wide":
            share = self.detail_width + change / max(width - self.traces, 1)
            self.detail_width = max(0.2, min(share, 0.75))
        else:
            share = self.detail_height + change / max(height - 3, 1)
            self.detail_height = max(0.15, min(share, 0.9))

    @classmethod
    def load(cls, path: Path) -> Layout:
        """Read what was saved; anything that cannot be read counts as never saved."""
        layout = cls()
        try:
            saved = json.loads(path.read_text("utf-8"))
            layout.traces = int(saved["traces"])
            layout.detail_width = min(max(float(saved["detail_width"]), 0.2), 0.75)
            layout.detail_height = min(max(float(saved["detail_height"]), 0.15), 0.9)
            layout.theme = str(saved["theme"])
            layout.recent = [str(one) for one in saved.get("recent", [])][:_RECENT_KEPT]
            layout.filters = {str(name): str(query) for name, query in saved.get("filters", {}).items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()
        layout.traces = max(20, min(layout.traces, 120))
        return layout

    def save(self, path: Path) -> None:
        """Write it privately, whole or not at all; a folder that cannot be written costs the memory only."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = path.with_name(f"{path.name}.{os.getpid()}")
            with open(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                json.dump(msgspec.structs.asdict(self), file, indent=1)
            new.replace(path)
        except OSError:
            return
