"""When the viewer looks for garbage: between two pictures, and at what is new.

A store grows by lists that live for good. By Python's own rule a flood has them walked again and again, with
every thread standing still meanwhile: that took a seventh of its CPU time, and held keys up longest.
"""

from __future__ import annotations

import gc

_HANDS_ON = 20_000
_HANDS_OFF = 100_000
"""Containers that came and did not go until it is looked which of them are garbage, while somebody uses the
keys and while nobody does: some 5 and 25 ms."""


class GarbageRounds:
    """Looks for garbage where the interpreter was told not to; one for the process."""

    def __init__(self) -> None:
        self._was_loading = False

    def look(self) -> None:
        """Free what is garbage, and take what lives out of sight for good."""
        gc.collect()
        gc.freeze()

    def after_tick(self, *, is_loading: bool, hands_on: bool) -> None:
        """Look if it is time to.

        Args:
            is_loading: A recording is read. What is made then stays, and is not looked at.
            hands_on: Somebody uses keys or mouse.
        """
        if is_loading:
            self._was_loading = True
        elif self._was_loading:
            self._was_loading = False
            gc.freeze()
        elif gc.get_count()[0] > (_HANDS_ON if hands_on else _HANDS_OFF):
            self.look()
