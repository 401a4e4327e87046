"""The present by the clock of whoever produced a trace, which may not be ours; and how fast events come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from etaoi_collector.store.model import Trace

_SESSIONS_TIMED = 1_024
"""Sessions of which it is remembered when their newest time stamp was seen."""

_RATE_OVER = 24
"""Looks at the number of events that a rate is made from."""


class TraceClock:
    """Tells the present for a trace.

    That is the newest thing its producers told plus the time that has passed here since we saw it; in a
    recording, where no time passes, the last thing that happened in the trace.

    Args:
        clock: Our present, in seconds since the epoch.
        is_live: Whether time passes.
    """

    def __init__(self, clock: Callable[[], float], is_live: Callable[[], bool]) -> None:
        self._clock = clock
        self._is_live = is_live
        self._newest: dict[str, tuple[float, float]] = {}

    def now(self, trace: Trace) -> float:
        """Return the present for a trace, in seconds since the epoch."""
        if not self._is_live():
            return trace.ended_at
        session = trace.session
        clock = self._clock()
        newest, seen_at = self._newest.get(session.session_id, (None, clock))
        if newest != session.newest_at:
            newest, seen_at = session.newest_at, clock
            if len(self._newest) > _SESSIONS_TIMED:
                self._newest.clear()
            self._newest[session.session_id] = (newest, seen_at)
        return session.newest_at + max(clock - seen_at, 0.0)


class EventRate:
    """Counts events a second over the last looks."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=_RATE_OVER)

    def at(self, now: float, events: int) -> float:
        """Return the rate, given how many events there are now."""
        self._samples.append((now, events))
        first_at, first = self._samples[0]
        return (events - first) / (now - first_at) if now > first_at else 0.0
