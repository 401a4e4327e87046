"""Lets a thread that only computes step aside while another one serves a person.

Of the threads of a process one runs Python at a time. Whoever waits for a turn gets it within half a
millisecond, but a key needs many turns until it is drawn, and drawing beside a thread that computes takes
twice as long. As the turns are one thing for the whole process, so is this.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_CLAIM = 0.03
"""Seconds."""


class RightOfWay:
    """One thread claims it for some milliseconds, another one asks often whether to step aside.

    Args:
        now: Monotonic seconds.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._claimed_until = 0.0
        self._works_until = 0.0

    def claim(self, seconds: float) -> None:
        """Have the other thread step aside for so long from now on; `LONGEST_CLAIM` at most."""
        until = self._now() + min(seconds, LONGEST_CLAIM)
        self._claimed_until = max(self._claimed_until, until)

    def step_aside(self) -> None:
        """Wait while it is claimed, then work for as long as was waited: claims never end all work."""
        until = self._claimed_until
        now = self._now()
        if now < until and now >= self._works_until:
            self._sleep(until - now)
            woken = self._now()
            self._works_until = woken + (woken - now)


RIGHT_OF_WAY = RightOfWay()
"""That of this process."""
