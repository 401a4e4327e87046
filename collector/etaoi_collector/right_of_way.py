"""Lets a thread that only computes step aside while another one serves a person.

Of the threads of a process one runs Python at a time. Whoever waits for a turn gets it within half a
millisecond, but a key needs many turns until it is drawn, and drawing beside a thread that computes takes
twice as long. As the turns are one thing for the whole process, so is this.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

LONGEST_CLAIM = 0.03
"""Seconds."""
WAITS_PER_WORK = 2.0
WAITS_IN_A_ROW = 0.06
"""Seconds of waiting for each second of work at most, and those that may be waited beyond that at first."""
_NAP = 0.004
"""Seconds after which an event loop looks whether it was released."""


class RightOfWay:
    """One thread claims it for some milliseconds, another one asks often whether to step aside.

    Args:
        now: Monotonic seconds.
        sleep: Waits for so many seconds; by default, less if it is released before.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] | None = None
    ) -> None:
        self._now = now
        self._released = threading.Event()
        self._sleep = self._released.wait if sleep is None else sleep
        self._claimed_until = 0.0
        self._may_wait = WAITS_IN_A_ROW
        self._worked_since = 0.0

    def claim(self, seconds: float) -> None:
        """Have the other thread step aside for so long from now on; `LONGEST_CLAIM` at most."""
        until = self._now() + min(seconds, LONGEST_CLAIM)
        self._claimed_until = max(self._claimed_until, until)
        self._released.clear()

    def release(self) -> None:
        """End the claim: what it was for is done."""
        self._claimed_until = 0.0
        self._released.set()

    def step_aside(self) -> None:
        """Wait while it is claimed, but not for most of the time: claims never end all work."""
        for nap in self._naps():
            self._sleep(nap)

    async def let_pass(self) -> None:
        """Do the same on an event loop, which serves others meanwhile."""
        for nap in self._naps():
            await asyncio.sleep(min(nap, _NAP))

    def _naps(self) -> Iterator[float]:
        """Yield how long to sleep, until it is released or has been waited for long enough."""
        began = now = self._now()
        if now >= self._claimed_until:
            return
        earned = WAITS_PER_WORK * (began - self._worked_since)
        may_wait = min(self._may_wait + earned, WAITS_IN_A_ROW)
        while (left := min(self._claimed_until - now, began + may_wait - now)) > 0:
            yield left
            now = self._now()
        self._may_wait = may_wait - (now - began)
        self._worked_since = now


RIGHT_OF_WAY = RightOfWay()
"""That of this process."""
