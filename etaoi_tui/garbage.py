"""When Python looks for objects that only refer to each other: not while somebody waits for the screen.

To look takes longer the more there is, and everything stands still. So what lives for long is taken out of
the interpreter's sight now and then (`gc.freeze`). But what dies out of its sight stays for ever: the widgets
of a dialog that was closed, whatever else refers to itself. So when much more is out of sight than spans are
there to account for, everything is looked at after all.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

from etaoi_collector.free_memory import give_back

FREEZE_EVERY = 20.0
"""Seconds between two times that everything alive is taken out of sight."""
UNEXPLAINED = 100_000
"""Objects out of sight, beside one for each span and those of the beginning, from which on all are looked at:
about 10 MB, and a fifth of a second."""


class Garbage:
    """Decides when the interpreter looks for it.

    Args:
        now: Monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._froze_at = 0.0
        self._explained = 0
        """Objects that were out of sight when all had been looked at, without one for each span."""

    def prepared(self, spans: int) -> None:
        """Look at all there is, and take it out of sight: what was imported stays for good.

        Args:
            spans: How many are in memory; each accounts for an object.
        """
        gc.unfreeze()
        gc.collect()
        self._freeze()
        self._explained = gc.get_freeze_count() - spans

    def load(self, is_loading: bool, spans: int) -> None:
        """Leave garbage alone while a recording is read: what is made then stays; looking costs a sixth."""
        if is_loading and gc.isenabled():
            gc.disable()
        elif not is_loading and not gc.isenabled():
            self._freeze()
            self._explained = gc.get_freeze_count() - spans
            gc.enable()

    def look(self, spans: int, *, may_wait: bool) -> None:
        """Do what is due; called after each picture.

        Args:
            spans: How many are in memory.
            may_wait: Somebody has hands on the keys: a long look is put off, unless it becomes too long.
        """
        if self._now() - self._froze_at < FREEZE_EVERY:
            return
        self._freeze()
        unexplained = gc.get_freeze_count() - spans - self._explained
        if unexplained > (2 * UNEXPLAINED if may_wait else UNEXPLAINED):
            self.prepared(spans)
            threading.Thread(target=give_back, name="etaoi-free-memory", daemon=True).start()

    def _freeze(self) -> None:
        self._froze_at = self._now()
        gc.freeze()
