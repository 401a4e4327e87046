"""Taking times in the same way everywhere."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_microseconds(call: Callable[[], object], calls: int) -> float:
    """Return the median of so many calls, each timed by itself."""
    durations = []
    for _ in range(calls):
        begun = time.perf_counter_ns()
        call()
        durations.append(time.perf_counter_ns() - begun)
    return statistics.median(durations) / 1000
