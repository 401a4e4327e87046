"""The tick: takes what arrived in slices of a few milliseconds, lets keys through between them, then draws.

So a flood or a large file never takes the keyboard away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from etaoi_collector.right_of_way import RIGHT_OF_WAY, RightOfWay
from etaoi_tui.feed import Feed
from etaoi_tui.garbage import Garbage, accounted_objects

TICKS_PER_SECOND = 12
"""How often the screen follows the store."""

_SLICE_MS = 4.0
"""Longest stretch of work between two looks at the keyboard."""

_SHORT_SLICE_MS = 1.5
_HANDS_ON_FOR = 1.0
"""The same while somebody uses keys or mouse, and the seconds after which nobody seems to any more."""

_WORK_MS = 70.0
_FLOOD_WORK_MS = 220.0
"""Work in one tick while more waits than can be shown, with somebody's hands on the keys and without; then
the screen is drawn. A flood tells an eye nothing that four pictures a second do not."""

_BREATH = 0.001
"""Seconds between two slices while somebody uses keys or mouse: a key needs several turns of the event loop
until it is drawn. The first one needs a single turn to be noticed, so there is no pause before it."""

_KEY_CLAIM = 0.02
_PICTURE_CLAIM = 0.02
"""Seconds that threads which only compute step aside after a key, and while the screen follows the store
under somebody's hands: what each of them takes, nearly always. What this loop does waits for a key, too."""

_LEAST_PAUSE = 0.005

_BUSY_SHARE = 0.25
_LONGEST_REST = 0.25
"""Share of its time that the loop is busy at most while it keeps up and nobody uses keys or mouse, and the
seconds between two ticks beyond which it is not held to that: much that arrives is cheaper in one go."""


class TickLoop:
    """Feeds a store and draws, again and again."""

    def __init__(
        self,
        feed: Feed,
        clock: Callable[[], float],
        show: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Make a loop.

        Args:
            feed: Moves what arrived into the store.
            clock: The present, in seconds since the epoch.
            show: Draws what changed.
            failed: Told of an exception; the next tick may do better.
        """
        self._feed = feed
        self._clock = clock
        self._show = show
        self._failed = failed
        self.garbage = Garbage()
        self._touched_at = -_HANDS_ON_FOR
        self._is_handled = False
        self._keys = RightOfWay()
        """What a key does, until it is drawn, goes before what this loop does."""

    def touched(self, *, is_handled: bool = True) -> None:
        """Somebody uses keys or mouse; may be called by any thread.

        Args:
            is_handled: The event had its turn, so that what is drawn next shows what it did.
        """
        self._touched_at = time.monotonic()
        self._is_handled = is_handled
        RIGHT_OF_WAY.claim(_KEY_CLAIM)
        self._keys.claim(_KEY_CLAIM)

    def drawn(self) -> None:
        """Something is on its way to the terminal: what the key did that was handled, if one was."""
        if self._is_handled:
            self._is_handled = False
            self._keys.release()
            RIGHT_OF_WAY.release()

    async def run(self) -> None:
        """Tick for ever."""
        most = 0.0  # the first picture waits for no more than one slice
        while True:
            began, busy_before = time.perf_counter(), time.thread_time()
            try:
                await self._tick(began, most)
            except Exception as error:
                self._failed(error)
            most = 1.0
            interval = self._interval(time.thread_time() - busy_before)
            rest = interval - (time.perf_counter() - began)
            await asyncio.sleep(self._breath() if self._feed.behind else max(rest, _LEAST_PAUSE))

    async def _tick(self, began: float, most: float) -> None:
        feed = self._feed
        await self._keys.let_pass()
        feed.work(self._slice_ms(), self._clock())
        while feed.behind and time.perf_counter() - began < min(most, self._work_seconds()):
            await asyncio.sleep(self._breath())
            await self._keys.let_pass()
            feed.work(self._slice_ms(), self._clock())
        await self._keys.let_pass()
        accounted = accounted_objects(feed.store)
        self.garbage.load(feed.behind and not feed.source.live, accounted)
        if self._hands_on:
            RIGHT_OF_WAY.claim(_PICTURE_CLAIM)
        self._show()
        await self._keys.let_pass()
        self.garbage.look(accounted, may_wait=self._hands_on)

    @property
    def _hands_on(self) -> bool:
        return time.monotonic() - self._touched_at < _HANDS_ON_FOR

    def _slice_ms(self) -> float:
        return _SHORT_SLICE_MS if self._hands_on else _SLICE_MS

    def _work_seconds(self) -> float:
        return (_WORK_MS if self._hands_on else _FLOOD_WORK_MS) / 1000

    def _interval(self, busy: float) -> float:
        """Return the seconds from a tick that was busy for some to the next one, while nothing waits."""
        shortest = 1 / TICKS_PER_SECOND
        return shortest if self._hands_on else max(shortest, min(busy / _BUSY_SHARE, _LONGEST_REST))

    def _breath(self) -> float:
        return _BREATH if self._hands_on else 0.0
