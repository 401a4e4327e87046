"""What a run of the benchmarks found: medians over its rounds, as JSON, beside those of an earlier run."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.report import Row, number

COMMITTED = Path(__file__).with_name("figures.json")
"""The figures that `docs/performance.md` shows and that a run is compared with."""

WORSE = 1.10
"""From this ratio to the committed figure on, a figure is said to be worse."""

HEADINGS = ("what", "median", "spread", "budget", "beside it", "figure", "ratio", "work seen")


class Machine(msgspec.Struct, frozen=True):
    """Where figures were taken."""

    processor: str
    cores: int
    memory_gb: int
    system: str
    python: str
    packages: dict[str, str]

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gb} GB, {self.system}, "
            f"Python {self.python}, {packages}"
        )


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """The median of a row over all rounds.

    Attributes:
        benchmark: Name of the benchmark.
        low: Least value of a round.
        high: Greatest value of a round.
        rounds: How many rounds there were.
        reference: Median of what stands beside it.
        ratio: Median of the rounds' ratios to what was beside them in the same round.
        done: What was seen of the work in the round that saw least.
    """

    benchmark: str
    what: str
    unit: str
    value: float
    low: float
    high: float
    rounds: int
    done: str
    budget: str = ""
    beside: str = ""
    reference: float | None = None
    ratio: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """By which it is found in another run."""
        return self.benchmark, self.what

    def cells(self) -> tuple[str, ...]:
        """The figure as a row of texts."""
        spread = "" if self.rounds < 2 else f"{number(self.low)} to {number(self.high)}"
        other = "" if self.reference is None else f"{number(self.reference)} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        measured = f"{number(self.value)} {self.unit}"
        return self.what, measured, spread, self.budget, self.beside, other, ratio, self.done


class Occasion(msgspec.Struct, frozen=True):
    """When a benchmark ran.

    Attributes:
        day: As ISO 8601.
        load: The machine's load average when it began: other programs stretch wall times.
        seconds: How long a round took.
    """

    day: str
    load: float
    seconds: float


class Figures(msgspec.Struct):
    """What is known of each benchmark.

    Attributes:
        occasions: By name of the benchmark.
    """

    machine: Machine
    occasions: dict[str, Occasion]
    figures: list[Figure]


def this_machine() -> Machine:
    """Describe the machine, without its name."""
    model = ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else ""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        processor=model or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(memory / 1e9),
        system=platform.system(),
        python=platform.python_version(),
        packages={name: version(name) for name in ("textual", "msgspec", "websockets")},
    )


def summed_up(benchmark: str, rounds: Iterable[Iterable[Row]]) -> list[Figure]:
    """Make figures of the rows of several rounds, in the order of the first."""
    rows: dict[str, list[Row]] = {}
    for of_round in rounds:
        counts: Counter[str] = Counter()
        for row in of_round:
            counts[row.what] += 1
            if counts[row.what] > 1:
                raise ValueError(f"{benchmark}: two rows are called {row.what!r}")
            rows.setdefault(row.what, []).append(row)
    return [_median_of(benchmark, of_figure) for of_figure in rows.values()]


def _median_of(benchmark: str, rows: list[Row]) -> Figure:
    first = rows[0]
    values = [row.value for row in rows]
    references = [row.reference for row in rows if row.reference is not None]
    ratios = [row.value / row.reference for row in rows if row.reference]
    return Figure(
        benchmark=benchmark,
        what=first.what,
        unit=first.unit,
        value=median(values),
        low=min(values),
        high=max(values),
        rounds=len(rows),
        done=str(min((row.done for row in rows), key=lambda done: done.count)),
        budget=first.budget,
        beside=first.beside,
        reference=median(references) if references else None,
        ratio=median(ratios) if ratios else None,
    )


def load(path: Path) -> Figures | None:
    """Read figures; None when there are none.

    Raises:
        msgspec.DecodeError: the file holds something else.
    """
    return msgspec.json.decode(path.read_bytes(), type=Figures) if path.exists() else None


def save(path: Path, figures: Figures) -> None:
    """Write figures."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")


def merged(saved: Figures | None, new: Figures) -> Figures:
    """Take new figures into the saved ones; a benchmark that ran replaces all that it had."""
    if saved is None:
        return new
    ran = {figure.benchmark for figure in new.figures}
    unchanged = [figure for figure in saved.figures if figure.benchmark not in ran]
    every = sorted([*unchanged, *new.figures], key=lambda figure: figure.benchmark)
    return Figures(new.machine, {**saved.occasions, **new.occasions}, every)


def regressions(saved: Figures | None, new: Figures) -> Iterator[str]:
    """Say which figures are worse than the saved ones, by more than `WORSE`.

    Where a floor or a peer stands beside a figure their ratios are compared, which a slower or busier machine
    hardly moves; the figures themselves only if both were taken on the same machine.
    """
    if saved is None:
        return
    old_figures = {figure.key: figure for figure in saved.figures}
    for figure in new.figures:
        old = old_figures.get(figure.key)
        if old is None:
            continue
        if figure.ratio is not None and old.ratio is not None:
            was, now, unit = old.ratio, figure.ratio, f"times {figure.beside}"
        elif saved.machine == new.machine:
            was, now, unit = old.value, figure.value, figure.unit
        else:
            continue
        worse = _times_worse(was, now, more_is_better=figure.unit.endswith("/s"))
        if worse > WORSE:
            shared = old.low <= figure.high and figure.low <= old.high
            doubt = "; the spreads overlap" if shared else ""
            yield (
                f"worse: {figure.benchmark}: {figure.what}: {number(was)} -> {number(now)} {unit} "
                f"({(worse - 1) * 100:.0f} % worse{doubt})"
            )


def _times_worse(was: float, now: float, *, more_is_better: bool) -> float:
    """How many times worse; 1 and less is none, also for figures that a difference took to nothing."""
    worse, better = (now, was) if more_is_better else (was, now)
    return better / worse if worse > 0 else 1.0
