"""The time axis that all bars of a tree share: ticks on round steps."""

from __future__ import annotations

import msgspec

_STEPS = (1.0, 2.0, 5.0)


class Axis(msgspec.Struct, frozen=True):
    """A span of time drawn over a number of cells.

    Attributes:
        start: Left edge, seconds since the epoch.
        seconds: Length of the axis in seconds, more than zero.
        width: Cells.
    """

    start: float
    seconds: float
    width: int

    @classmethod
    def over(cls, start: float, end: float, width: int) -> Axis:
        """Make an axis from the first to the last moment."""
        return cls(start, max(end - start, 1e-6), max(width, 1))

    @classmethod
    def growing(cls, start: float, now: float, width: int) -> Axis:
        """Make an axis for something that still runs: its end moves in steps, so that bars do not crawl.

        The end is the next step of a quarter of a power of two; every bar keeps its place between steps.
        """
        needed = max(now - start, 1.0)
        step = 1.0
        while step * 2 < needed:
            step *= 2
        quarter = step / 4
        rounded = -(-needed // quarter) * quarter
        return cls(start, rounded, max(width, 1))

    def eighths(self, at: float) -> int:
        """Return how many eighths of a cell lie left of a moment, kept inside the axis."""
        return min(max(round((at - self.start) / self.seconds * self.width * 8), 0), self.width * 8)


def ticks(axis: Axis, spacing: int = 9) -> list[tuple[int, float]]:
    """Return where to label the axis, on round steps at least ``spacing`` cells apart.

    Returns:
        Pairs of the cell and the seconds from the axis' start.
    """
    if axis.width < spacing:
        return [(0, 0.0)]
    target = axis.seconds * spacing / axis.width
    size = 1e-6
    step = size
    while step < target:
        for factor in _STEPS:
            step = size * factor
            if step >= target:
                break
        size *= 10
    if 10.0 < target:
        # Whole minutes and hours read better than hundreds of seconds.
        for step in (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0):
            if step >= target:
                break
        else:
            step = -(-target // 86400.0) * 86400.0
    marks = []
    moment = 0
    while (at := moment * step) <= axis.seconds * 1.0000001:
        cell = int(at / axis.seconds * axis.width)
        if cell < axis.width:
            marks.append((cell, at))
        moment += 1
    return marks


def label(seconds: float) -> str:
    """Name a tick: ``0``, ``250ms``, ``1.5s``, ``2m30s``, ``1h05m``."""
    if seconds == 0:
        return "0"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f}µs"
    if seconds < 1:
        return f"{seconds * 1e3:g}ms"
    if seconds < 60:
        return f"{seconds:g}s"
    whole_seconds = round(seconds)
    minutes, rest = divmod(whole_seconds, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
