"""Rows of the table that the benchmarks print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from statistics import quantiles


@dataclass(frozen=True)
class Done:
    """What shows that the measured work took place: counted after it, where its effect is to be seen.

    Attributes:
        count: how much was seen.
        of: what was counted, in the plural: ``events in the store``, ``rows on the screen``.
        least: how much there had to be.
    """

    count: int
    of: str
    least: int = 1

    def __str__(self) -> str:
        return f"{self.count:,} {self.of}"


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: what was measured, for people.
        value: the figure.
        unit: its unit; ``ms``, ``events/s``, ``bytes`` and the like. More is better where it ends in ``/s``.
        budget: what was promised, as in ``<= 30 ms``; empty when nothing was.
        beside: name of the floor or the peer that was measured in the same run.
        reference: its figure in the same unit.
        done: what shows that the work was done.
        may_be_zero: whether nothing is a figure: a count of losses, or what one way costs more than another.
    """

    what: str
    value: float
    unit: str
    budget: str = ""
    beside: str = ""
    reference: float | None = None
    _: KW_ONLY
    done: Done
    may_be_zero: bool = False

    @property
    def fault(self) -> str:
        """Why this figure measures nothing; empty when it is one."""
        if self.done.count < self.done.least:
            return f"{self.what}: {self.done}, at least {self.done.least:,} were to be seen"
        if not self.value > 0 and not self.may_be_zero:
            return f"{self.what}: {self.value} {self.unit} measures nothing"
        return ""

    def cells(self) -> tuple[str, ...]:
        """The row as texts."""
        other = "" if self.reference is None else f"{number(self.reference)} {self.unit}"
        return self.what, f"{number(self.value)} {self.unit}", self.budget, self.beside, other, str(self.done)


def number(value: float) -> str:
    """Three digits that matter, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format rows as a Markdown table with aligned columns."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def percentile(values: list[float], percent: int) -> float:
    """The given percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]
