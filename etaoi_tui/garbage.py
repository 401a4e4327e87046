"""When Python looks for objects that only refer to each other: not while somebody waits for the screen.

To look takes longer the more there is, and everything stands still: by Python's own rule the lists of spans
that a flood brings are walked again and again. So it looks only between two pictures, at what is new, and
what lives is taken out of its sight (`gc.freeze`). But what dies out of its sight stays for ever: the widgets
of a dialog that was closed, whatever else refers to itself. So when much more is out of sight than the store
accounts for, everything is looked at after all; the more there is, the more seldom.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

from etaoi_collector.free_memory import give_back
from etaoi_collector.store import Store

FREEZE_EVERY = 20.0
"""Seconds after which it is looked at what is new, and what of it lives is taken out of sight."""
NEW = 20_000
"""Objects that came and did not go for which it is done before that: some 6 ms. What lives is looked at once,
so that to look more seldom saves nothing."""
NEW_UNDER_HANDS = 8_000
"""The same while somebody uses keys, who would notice a longer one."""
UNEXPLAINED = 50_000
"""Objects out of sight, beside those that are accounted for, from which on all are looked at: about 6 MB, and
a fifth of a second. Half an hour of floods and keys leaves some 100,000."""
UNEXPLAINED_SHARE = 0.25
"""The same as a share of those that are accounted for, where that is more: to look at all takes as long as
there is much, so that a store that grows is looked at as it doubles and not every `FREEZE_EVERY`."""
OBJECTS_A_RUN = 8
"""Lists, sets and rows that a run has beside those of its spans, at least."""


def accounted_objects(store: Store) -> int:
    """Count the objects that a store accounts for: one for each span, and those of its runs."""
    return store.span_count + OBJECTS_A_RUN * len(store.traces)


class Garbage:
    """Decides when the interpreter looks for it.

    Args:
        now: Monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._froze_at = 0.0
        self._is_loading = False
        self._resumes = False
        """The interpreter looked by its own rule before a recording was read."""
        self._explained = 0
        """Objects that were out of sight when all had been looked at, without those of the store."""

    def prepared(self, accounted: int) -> None:
        """Look at all there is, and take it out of sight: what was imported stays for good.

        Args:
            accounted: Objects of the store, see `accounted_objects`.
        """
        gc.unfreeze()
        gc.collect()
        self._freeze()
        self._explained = gc.get_freeze_count() - accounted

    def load(self, is_loading: bool, accounted: int) -> None:
        """Leave garbage alone while a recording is read: what is made then stays; looking costs a sixth."""
        if is_loading and not self._is_loading:
            self._resumes = gc.isenabled()
            gc.disable()
        elif self._is_loading and not is_loading:
            self._freeze()
            self._explained = gc.get_freeze_count() - accounted
            if self._resumes:
                gc.enable()
        self._is_loading = is_loading

    def look(self, accounted: int, *, may_wait: bool) -> None:
        """Do what is due; called after each picture.

        Args:
            accounted: Objects of the store, see `accounted_objects`.
            may_wait: Somebody has hands on the keys: looks are short, and a long one is put off, unless it
                becomes too long.
        """
        is_due = self._now() - self._froze_at >= FREEZE_EVERY
        if self._is_loading or not (is_due or gc.get_count()[0] > (NEW_UNDER_HANDS if may_wait else NEW)):
            return
        gc.collect()
        if not is_due:
            gc.freeze()
            return
        self._freeze()  # and count what is out of sight, which walks over all of it
        explained = self._explained + accounted
        bound = max(UNEXPLAINED, round(UNEXPLAINED_SHARE * explained))
        if gc.get_freeze_count() - explained > (2 * bound if may_wait else bound):
            self.prepared(accounted)
            threading.Thread(target=give_back, name="etaoi-free-memory", daemon=True).start()

    def _freeze(self) -> None:
        self._froze_at = self._now()
        gc.freeze()
