"""Run the benchmarks and print one table: ``python -m benchmarks [quick] [write] [NAME ...]``.

All that is asked for runs in turn, then again while there is time, the shortest first: a busy moment of the
machine hits one round of each and not all rounds of one.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import benchmarks
from benchmarks import page
from benchmarks.figures import (
    COMMITTED,
    HEADINGS,
    Figures,
    Occasion,
    load,
    merged,
    regressions,
    save,
    summed_up,
    this_machine,
)
from benchmarks.report import Row, table

Measure = Callable[[], Iterable[Row]]

PREFIXES = ("bench_", "sdk_")
ROUNDS = 5
"""No benchmark runs more often."""
MINUTES = 19.0
QUICK_MINUTES = 1.8
LATEST = Path(__file__).with_name("latest.json")


class Benchmark:
    """One benchmark, the rows of its rounds, and what went wrong in it.

    Args:
        name: What it is asked for by.
        measure: Measures one round.
        quick: Whether it belongs to a quick run.
    """

    def __init__(self, name: str, measure: Measure, *, quick: bool = False) -> None:
        self.name = name
        self.measure = measure
        self.quick = quick
        self.rounds: list[list[Row]] = []
        self.faults: dict[str, None] = {}
        self.seconds = 0.0
        """How long the longest round took."""
        self.load = 0.0
        """The machine's load average before the first round."""

    def run(self) -> None:
        """Measure one round. What breaks is told and stops nothing else; a figure of no work is left out."""
        rows: list[Row] = []
        if not self.rounds:
            self.load = round(os.getloadavg()[0], 1)
        began = time.monotonic()
        try:
            for row in self.measure():
                if row.fault:
                    self.faults[row.fault] = None
                else:
                    rows.append(row)
                print("   ", row.fault or "  ".join(filter(None, row.cells())), file=sys.stderr, flush=True)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            self.faults[fault] = None
            print(f"    broken: {fault}", file=sys.stderr, flush=True)
        self.rounds.append(rows)
        self.seconds = max(self.seconds, time.monotonic() - began)


def find_benchmarks() -> dict[str, Benchmark]:
    """Modules of this package that have a ``measure`` function, by short name."""
    by_name: dict[str, Benchmark] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith(PREFIXES):
            loaded = importlib.import_module(f"benchmarks.{module.name}")
            if hasattr(loaded, "measure"):
                name = module.name.removeprefix("bench_")
                by_name[name] = Benchmark(name, loaded.measure, quick=getattr(loaded, "QUICK", False))
    return by_name


def run_in_turn(asked: Sequence[Benchmark], rounds: int, minutes: float) -> None:
    """Run benchmarks in turn, each as often as there is time for; what breaks does not run again."""
    deadline = time.monotonic() + minutes * 60
    for number in range(rounds):
        # Later rounds begin with what takes least, so that as many as can be are measured more than once.
        for benchmark in sorted(asked, key=lambda one: one.seconds):
            if benchmark.faults or time.monotonic() + benchmark.seconds > deadline:
                continue
            print(f"{benchmark.name}, round {number + 1} ...", file=sys.stderr, flush=True)
            benchmark.run()
    for benchmark in asked:
        if not benchmark.rounds:
            benchmark.faults["there was no time for it"] = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, or everything; 1 when something was not measured."""
    benchmarks = find_benchmarks()
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="quick | write | NAME", help=", ".join(benchmarks))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="at most so many (%(default)s)")
    parser.add_argument(
        "--minutes", type=float, help=f"at most so long ({MINUTES:g}, quick {QUICK_MINUTES:g})"
    )
    parser.add_argument("--json", type=Path, default=LATEST, help="where the figures go (%(default)s)")
    options = parser.parse_intermixed_args(arguments)
    words = list(dict.fromkeys(options.words))
    quick, write = ("quick" in words), ("write" in words)
    names = [word for word in words if word not in ("quick", "write")]
    if quick and write:
        parser.error("a quick run is not worth writing down")
    if unknown := [name for name in names if name not in benchmarks]:
        parser.error(f"no benchmark {', '.join(unknown)}. There are: {', '.join(benchmarks)}")
    asked = [benchmarks[name] for name in names] or [
        one for one in benchmarks.values() if one.quick or not quick
    ]
    run_in_turn(
        asked, 1 if quick else options.rounds, options.minutes or (QUICK_MINUTES if quick else MINUTES)
    )
    today = datetime.date.today().isoformat()
    figures = Figures(
        this_machine(),
        {one.name: Occasion(today, one.load, round(one.seconds, 1)) for one in asked if one.rounds},
        [figure for one in asked for figure in summed_up(one.name, one.rounds)],
    )
    print(f"{figures.machine}\n")
    print(table(HEADINGS, (figure.cells() for figure in figures.figures)))
    committed = load(COMMITTED)
    for line in regressions(committed, figures):
        print(line)
    broken = [f"not measured: {one.name}: {fault}" for one in asked for fault in one.faults]
    print("\n".join(broken), end="\n" if broken else "")
    save(options.json, figures)
    if write:
        together = merged(committed, figures)
        save(COMMITTED, together)
        page.write(together)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
