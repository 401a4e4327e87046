"""Decodes and translates what foreign tracers send, on a thread of its own.

A request is answered before its body is looked into, so an agent never waits for us. Jobs run one after the
other, in the order in which they came, and hand over their events in slices, so that no slice keeps the event
loop or another job waiting for long.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterator

from etaoi_collector.translation.event_writer import pack_frames

BYTES_WAITING = 128 << 20
"""Bytes of bodies that may wait; further requests are asked to come again later."""

SLICE = 50
"""Spans that are translated between two looks at the world."""

Job = Callable[[], Iterator[list[bytes]]]
"""Yields encoded events, a slice at a time."""

_log = logging.getLogger("etaoi_collector.receivers")
_log.addHandler(logging.NullHandler())


class TranslationWorker:
    """The thread. `submit` and `close` are called on the event loop.

    Args:
        loop: The loop on which results are handed over.
        bytes_waiting: Bytes of bodies that may wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, bytes_waiting: int = BYTES_WAITING) -> None:
        self.trouble = ""
        """What went wrong within this program; empty while all is well."""
        self._loop = loop
        self._most = bytes_waiting
        self._waiting = 0
        self._jobs: queue.SimpleQueue[tuple[Job, Deliver, int] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._pending = 0

    def submit(self, job: Job, deliver: Deliver, size: int) -> bool:
        """Have a job done.

        Args:
            job: Yields encoded events.
            deliver: Is given frames with these, on the loop.
            size: Bytes that the job keeps alive.

        Returns:
            False if too much waits already; nothing was taken then.
        """
        if self._waiting and self._waiting + size > self._most:
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="etaoi-translation", daemon=True)
            self._thread.start()
        self._waiting += size
        self._pending += 1
        self._idle.clear()
        self._jobs.put((job, deliver, size))
        return True

    async def drain(self, seconds: float) -> None:
        """Wait until everything that was submitted is handed over, but not for longer than this."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """End the thread after its present job."""
        if self._thread is not None:
            self._jobs.put(None)

    def _run(self) -> None:
        while (task := self._jobs.get()) is not None:
            job, deliver, size = task
            try:
                for events in job():
                    if events:
                        self._post(deliver, pack_frames(events))
            except Exception as error:  # one request's contents must not end the thread for all
                _log.exception("a request could not be translated")
                self.trouble = (
                    f"a request could not be read within etaoi-tui: {error or type(error).__name__}"
                )
            del job, task
            try:
                self._loop.call_soon_threadsafe(self._done, size)
            except RuntimeError:  # the loop is closed: the collector stops
                return

    def _post(self, deliver: Deliver, frames: list[bytes]) -> None:
        try:
            self._loop.call_soon_threadsafe(deliver, frames)
        except RuntimeError:
            return

    def _done(self, size: int) -> None:
        self._waiting -= size
        self._pending -= 1
        if self._pending == 0:
            self._idle.set()


Deliver = Callable[[list[bytes]], None]
"""Takes frames, on the event loop."""
