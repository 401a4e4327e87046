"""Rows of the table that the benchmarks print."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles

HEADINGS = ("what", "measured", "budget", "beside it", "figure", "ratio")


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: what was measured, for people.
        value: the figure.
        unit: its unit; ``ms``, ``events/s``, ``bytes`` and the like.
        budget: what was promised, as in ``<= 30 ms``; empty when nothing was.
        beside: name of the floor or the peer that was measured in the same run.
        reference: its figure in the same unit.
    """

    what: str
    value: float
    unit: str
    budget: str = ""
    beside: str = ""
    reference: float | None = None

    def cells(self) -> tuple[str, ...]:
        """The row as texts."""
        ratio = "" if not self.reference else f"{self.value / self.reference:.2f}"
        other = "" if self.reference is None else f"{number(self.reference)} {self.unit}"
        return self.what, f"{number(self.value)} {self.unit}", self.budget, self.beside, other, ratio


def number(value: float) -> str:
    """Three digits that matter, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows: Iterable[Row]) -> str:
    """Format rows as a Markdown table with aligned columns."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def percentile(values: list[float], percent: int) -> float:
    """The given percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
