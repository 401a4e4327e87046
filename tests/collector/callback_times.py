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
