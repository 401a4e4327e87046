"""Shares the interpreter between agents that send a flood and the programs that look at it.

Threads of one Python process take turns, so four busy subscribers would leave the collector a fifth of the
time. What a subscriber cannot look at now waits in the recording; what the collector does not take in now
makes an agent wait. So subscribers that are behind while more comes in step back, all of them together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SHARE = 8
"""For each second that all subscribers work during a flood, seconds that they leave to the collector."""

LONGEST = 0.05
"""Seconds of a single pause, so that a program that does much with one event is not put to sleep for long."""


class Throttle:
    """Hands out pauses, one after the other.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free_at = 0.0
        self._lock = threading.Lock()

    def after(self, worked: float) -> float:
        """Return how many seconds to pause after ``worked`` seconds of work."""
        with self._lock:
            now = self._clock()
            # Pauses follow one another: the more subscribers there are, the longer each one waits.
            self._free_at = max(now, self._free_at) + min(max(0.0, worked) * SHARE, LONGEST)
            return self._free_at - now
