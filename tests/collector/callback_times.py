"""Watches, inside a program that a test starts, how long the collector's callbacks hold its loop."""

from __future__ import annotations

import asyncio
import threading
import time


class CallbackTimes:
    """The longest callback on the collector's thread so far, in seconds of processor time."""

    def __init__(self) -> None:
        self.longest = 0.0
        run = asyncio.events.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            try:
                run(handle)
            finally:
                if threading.current_thread().name == "etaoi-collector":
                    self.longest = max(self.longest, time.thread_time() - began)

        asyncio.events.Handle._run = timed  # type: ignore[method-assign]


def seconds_to_copy_a_gib() -> float:
    """Measure the processor time that this machine takes to join pieces of a GiB, at its best.

    A large message is copied once in a callback, and machines differ much in how long that takes. It is read
    from memory, so each piece is one of its own here, too.
    """
    pieces = [bytes([number]) * (1 << 20) for number in range(64)]
    taken = []
    for _ in range(5):
        began = time.thread_time()
        b"".join(pieces)
        taken.append(time.thread_time() - began)
    return min(taken) * 16
