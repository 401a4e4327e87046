"""Writes `docs/performance.md` from the committed figures and from what each benchmark says about itself."""

from __future__ import annotations

import ast
from itertools import groupby
from pathlib import Path

from benchmarks.figures import HEADINGS, Figures
from benchmarks.report import table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"

_INTRODUCTION = """\
# Performance

Made by `make bench ARGS=write` from `benchmarks/figures.json`; not to be edited by hand.

{machine}.

- Each benchmark runs in rounds, in turn with the others; a figure is the median of its rounds, the spread
  their least and greatest.
- What stands *beside it* is a floor (what no program of this kind can do without) or a peer, measured in the
  same round; the ratio is the median of the rounds' ratios. Machines differ and are busy: ratios carry over,
  times less. The load average says how busy: with more than there are cores, programs wait for each other.
- *Work seen* was counted after each round where the work shows: rows on the screen, events in the store,
  frames. A figure whose work was not seen is not printed.
- A *budget* is what the project holds itself to.
"""


def rendered(figures: Figures) -> str:
    """Return the page."""
    parts = [_INTRODUCTION.format(machine=figures.machine)]
    for name, group in groupby(figures.figures, key=lambda figure: figure.benchmark):
        parts.append(f"## {name}\n\n{_description_of(name)}\n")
        parts.append(table(HEADINGS, (figure.cells() for figure in group)) + "\n")
        then = figures.occasions[name]
        parts.append(f"{then.day}, {then.seconds:.0f} s a round, load average {then.load:.1f} before it.\n")
    return "\n".join(parts)


def _description_of(name: str) -> str:
    """What a benchmark measures, in its own words; read, since not all that it imports is everywhere."""
    module = name if name.startswith("sdk_") else f"bench_{name}"
    source = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return docstring.replace(f"``python -m benchmarks.{module}``", "").strip()


def write(figures: Figures) -> None:
    """Write the page."""
    PAGE.write_text(rendered(figures))
