"""What went wrong in the viewer itself: kept with its traceback, so that it can be read and reported."""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from etaoi_tui.text import one_line

FAULTS_KEPT = 50
_MOST_CHARACTERS = 20_000


class Fault(msgspec.Struct):
    """One way in which something failed.

    Attributes:
        what: What was closed or left out because of it.
        error: The exception in a line.
        trace: The traceback.
        at: When it happened first, in seconds since the epoch.
        times: How often it happened.
    """

    what: str
    error: str
    trace: str
    at: float
    times: int = 1


class FaultLog:
    """The newest faults, each kept once however often it happens.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._faults: OrderedDict[tuple[str, str], Fault] = OrderedDict()

    def __len__(self) -> int:
        return len(self._faults)

    @property
    def faults(self) -> list[Fault]:
        """All that are kept, the oldest first."""
        return list(self._faults.values())

    def add(self, error: BaseException, what: str) -> Fault:
        """Keep an exception.

        Args:
            error: With its traceback.
            what: What failed, as a noun: "the copy menu".
        """
        frames = traceback.extract_tb(error.__traceback__)
        location = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        key = (type(error).__name__, location)
        existing = self._faults.get(key)
        if existing is not None:
            existing.times += 1
            return existing
        trace = "".join(traceback.format_exception(error))[-_MOST_CHARACTERS:]
        fault = self._faults[key] = Fault(what, brief(error), trace, self._clock())
        while len(self._faults) > FAULTS_KEPT:
            self._faults.popitem(last=False)
        return fault


def brief(error: BaseException) -> str:
    """Return an exception in a line: its type and what it says."""
    try:
        message = str(error)
    except Exception:  # an exception may fail to say what it is
        message = ""
    return one_line(f"{type(error).__name__}: {message}" if message else type(error).__name__, 120)
