"""Time on stage: stories are generators that say how long to wait, so that every run of a seed is the same.

A story yields a number of seconds, or a list of stories that go on side by side until all of them are done.
The clock decides by these numbers alone who is next; real time only decides how long the audience waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

Step: TypeAlias = "float | list[Story]"
"""What a story yields: a pause in seconds, or stories that go on side by side."""

Story: TypeAlias = "Generator[Step, None, None]"


@dataclass(eq=False, slots=True)
class _Role:
    """One running story, and the one that waits for it."""

    story: Story
    caller: _Role | None = None
    waits_for: int = 0


class Clock:
    """Plays stories, and tells what time it is on stage.

    Args:
        speed: How many seconds of the story pass in a real one.
        length: About how long the story is, in its own seconds. A fast run is stamped so that it ends at the
            real present: durations are those of the story, and nothing lies in the future.
        now: Real seconds since the epoch.
        wait: Waits that many real seconds.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        length: float = 0.0,
        now: Callable[[], float] = time.time,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.elapsed = 0.0
        """Seconds of the story so far."""
        self._speed = speed
        self._now = now
        self._wait = wait
        self._real_start = now()
        self._stage_start = self._real_start - length * (1 - 1 / speed)

    @property
    def at(self) -> float:
        """The moment on stage, in seconds since the epoch."""
        return self._stage_start + self.elapsed

    def play(self, story: Story) -> None:
        """Play a story to its end."""
        order = count()
        waiting: list[tuple[float, int, _Role]] = [(self.elapsed, next(order), _Role(story))]
        while waiting:
            wake, _, role = heappop(waiting)
            self._wait_until(wake)
            try:
                step = next(role.story)
            except StopIteration:
                caller = role.caller
                if caller is not None:
                    caller.waits_for -= 1
                    if not caller.waits_for:
                        heappush(waiting, (wake, next(order), caller))
                continue
            if isinstance(step, list):
                role.waits_for = len(step)
                for part in step:
                    heappush(waiting, (wake, next(order), _Role(part, role)))
            else:
                heappush(waiting, (wake + step, next(order), role))

    def _wait_until(self, wake: float) -> None:
        self.elapsed = wake
        remaining = self._real_start + wake / self._speed - self._now()
        if remaining > 0:
            self._wait(remaining)
