"""What the event loop complains of: said once a minute, not once an attempt."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from typing import Any

EVERY = 60.0
"""Seconds in which the same trouble is said once."""
_USED_UP = {
    errno.EMFILE: "this program has no file descriptors left (ulimit -n)",
    errno.ENFILE: "this machine has no file descriptors left",
    errno.ENOBUFS: "this machine has no memory for connections left",
    errno.ENOMEM: "this machine has no memory left",
}

_log = logging.getLogger("etaoi_collector.receivers")


class LoopTroubles:
    """The exception handler of the collector's loop.

    A client that cannot be accepted waits, and is accepted when there is room; the loop tries again each
    second, and would tell of each attempt.

    Args:
        report: Is told what a person should know.
        clock: Monotonic seconds.
    """

    def __init__(self, report: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._clock = clock
        self._reported_at: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Say what went wrong, in one line."""
        error = context.get("exception")
        number = error.errno if isinstance(error, OSError) else None
        if number in _USED_UP:
            trouble = f"new clients wait: {_USED_UP[number]}"
        else:
            trouble = f"{context.get('message', 'the event loop failed')}: {error!r}"
        now = self._clock()
        if now - self._reported_at.get(trouble[:80], -EVERY) < EVERY:
            return
        self._reported_at = {problem: at for problem, at in self._reported_at.items() if now - at < EVERY}
        self._reported_at[trouble[:80]] = now
        self._report(trouble)
        _log.warning("%s", trouble)
