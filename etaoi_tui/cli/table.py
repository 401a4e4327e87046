"""Tables of the commands that list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from etaoi_tui.text import cells, fit


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int], out: TextIO
) -> None:
    """Print rows in columns as wide as their widest cell, which must be printable text.

    Args:
        headings: The first line.
        rows: As many texts each as there are headings.
        right: Which columns hold numbers.
        out: Where it goes.
    """
    rows = list(rows)
    widths = [max([cells(heading), *(cells(row[n]) for row in rows)]) for n, heading in enumerate(headings)]
    for row in (headings, *rows):
        texts = [fit(text, widths[n], "right" if n in right else "left") for n, text in enumerate(row)]
        out.write("  ".join(texts).rstrip() + "\n")
