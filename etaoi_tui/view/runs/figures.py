"""What runs came to in numbers: tokens, dollars, errors; one run, and any number of them together.

Sums are kept by adding and taking away, so that a tick costs what changed in it.
"""

from __future__ import annotations

from typing import NamedTuple

from etaoi_collector.pricing.run_totals import total_of_listed
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store.listed_run import ListedRun
from etaoi_collector.store.model import Status, Trace

_MOST_NEW = 1_000
"""Runs that wait to be added up at most, where nobody asks for the sums."""


class Figures(NamedTuple):
    """What a run came to so far.

    Attributes:
        tokens: Input and output of its model calls.
        dollars: What those of a known price cost.
        priced: Calls with a known price.
        unpriced: Calls with usage and without a known price; none while prices are not loaded.
        errors: Failures by cause.
        running: 1 while it runs, else 0.
        waiting: 1 while it waits for a person, else 0.
        handled: Those of the failures that did not end it: all of a run that ended well, else none.
        failed: 1 if it ended with a failure, else 0.
    """

    tokens: int = 0
    dollars: float = 0.0
    priced: int = 0
    unpriced: int = 0
    errors: int = 0
    running: int = 0
    waiting: int = 0
    handled: int = 0
    failed: int = 0


class RunFigures:
    """Works out the figures of runs.

    Args:
        totals: What model calls came to, kept up to date by whoever made it.

    Attributes:
        totals: The same.
        priced: Prices are loaded, and figures have dollars. Loading them takes half a second of somebody
            else's time, so that it begins with `load_prices`, once the screen stands there.
    """

    def __init__(self, totals: Totals) -> None:
        self.totals = totals
        self.priced = False

    def load_prices(self) -> None:
        """Begin to load prices, in the background."""
        from etaoi_collector.pricing.book import price_book  # not needed for the first screen

        price_book().window("")

    def prices_came(self) -> bool:
        """Whether prices have come since the last look: then what was worked out before has no dollars."""
        if self.priced or not self.totals.prices_known:
            return False
        self.priced = True
        return True

    def of(self, trace: Trace) -> Figures:
        """Return what a run came to so far."""
        if (unread := trace.unread) is not None:
            return self._of_listed(unread, trace)
        status = trace.status
        tokens = trace.input_tokens + trace.output_tokens
        cost, priced, unpriced = 0.0, 0, 0
        if self.priced and (trace.calls or trace.hung):
            total = self.totals.of_run(trace)
            cost, priced, unpriced = total.cost_usd or 0.0, total.priced, total.unpriced
            tokens = total.tokens
        return Figures(
            tokens,
            cost,
            priced,
            unpriced,
            trace.errors,
            int(status is Status.RUNNING),
            int(status is Status.PAUSED),
            *_ended(status, trace.errors),
        )

    def _of_listed(self, run: ListedRun, trace: Trace) -> Figures:
        """Return what a run came to whose spans are not in memory."""
        tokens, runs = run.input_tokens + run.output_tokens, int(run.status == Status.RUNNING)
        waits = int(run.status == Status.PAUSED)
        counts = run.errors, runs, waits, *_ended(run.status, run.errors)
        if not self.priced:
            return Figures(tokens, 0.0, 0, 0, *counts)
        total = total_of_listed(run, trace)
        return Figures(total.tokens, total.cost_usd or 0.0, total.priced, total.unpriced, *counts)


def _ended(status: str, errors: int) -> tuple[int, int]:
    """Return how many of a run's failures were handled, and 1 if one of them ended it."""
    return errors if status == Status.OK else 0, int(status == Status.ERROR)


class RunSums:
    """The sum of several runs' figures.

    Attributes:
        runs: How many they are.
        version: Grows with every change.
    """

    __slots__ = ("_new", "_sums", "runs", "version")

    def __init__(self) -> None:
        self.runs = 0
        self.version = 0
        self._sums: list[float] = [0] * len(Figures._fields)
        self._new: list[Figures] = []
        """Runs that are not in the sums yet: many that come together are added a column at a time."""

    @property
    def figures(self) -> Figures:
        """The sums; `Figures.running`, `Figures.waiting` and `Figures.failed` count runs."""
        if self._new:
            self._add_new()
        tokens, dollars, *counts = self._sums
        # What was added and taken away again leaves dust behind the sixteenth digit.
        return Figures(int(tokens), dollars if self._sums[2] else 0.0, *map(int, counts))

    def add(self, figures: Figures) -> None:
        """Add a run."""
        self.runs += 1
        self.version += 1
        self._new.append(figures)
        if len(self._new) > _MOST_NEW:
            self._add_new()

    def remove(self, figures: Figures) -> None:
        """Take a run away."""
        self.runs -= 1
        self._add(figures, -1)

    def replace(self, before: Figures, after: Figures) -> None:
        """Count a run anew."""
        if before != after:
            self._add(before, -1)
            self._add(after, 1)

    def _add_new(self) -> None:
        columns = zip(*self._new, strict=True)
        self._sums = [so_far + sum(new) for so_far, new in zip(self._sums, columns, strict=True)]
        self._new.clear()

    def _add(self, figures: Figures, sign: int) -> None:
        self.version += 1
        sums = self._sums
        for at, number in enumerate(figures):
            if number:
                sums[at] += sign * number
