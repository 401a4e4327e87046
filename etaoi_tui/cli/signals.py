"""Ctrl-C and its relatives as an event, for commands that run until somebody has had enough."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into an event for the length of a block, on the main thread."""
    stop = threading.Event()
    previous_handlers = {number: signal.signal(number, lambda *_: stop.set()) for number in _ENDING}
    try:
        yield stop
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
