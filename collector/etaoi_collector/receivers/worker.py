"""Decodes and translates what foreign tracers send, on a thread of its own.

A request is answered before its body is looked into, so an agent never waits for us. Jobs run one after the
other, in the order in which they came, and hand over small frames one at a time, so that none keeps the event
loop busy for long. While a person waits for the screen of this process, it steps aside.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from etaoi_collector.right_of_way import RIGHT_OF_WAY

if TYPE_CHECKING:
    from etaoi_collector.translation.translators import Translators

BYTES_WAITING = 128 << 20
"""Bytes of bodies that may wait; further requests are asked to come again later."""

Job = Callable[["Translators"], Iterator[list[bytes]]]
"""Yields encoded events.

Raises `InvalidPayload` for a body that cannot be read.
"""

UNREAD = "etaoi-tui ended before it was read"
"""Why a request was refused that had been answered already."""

_log = logging.getLogger("etaoi_collector.receivers")
_log.addHandler(logging.NullHandler())


class TranslationWorker:
    """The thread. `submit` and `close` are called on the event loop.

    Args:
        loop: The loop on which results are handed over.
        report: Is told what went wrong within this program, on the loop.
        handled: Is told the size of what a job kept alive, when it does not any more.
        bytes_waiting: Bytes of bodies that may wait.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        report: Callable[[str], None],
        handled: Callable[[int], None],
        bytes_waiting: int = BYTES_WAITING,
    ) -> None:
        self._loop = loop
        self._report = report
        self._handled = handled
        self._most = bytes_waiting
        self._waiting = 0
        self._unread: deque[tuple[Reject, int]] = deque()
        """Whom to tell of each job that is not done, in their order, and the bytes that it keeps alive."""
        self._gave_up = False
        self._jobs: queue.SimpleQueue[tuple[Job, Deliver, Reject, int] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, job: Job, deliver: Deliver, reject: Reject, size: int) -> bool:
        """Have a job done.

        Args:
            job: Yields encoded events.
            deliver: Is given each frame of these, on the loop.
            reject: Is told why the job's body cannot be read, on the loop.
            size: Bytes that the job keeps alive.

        Returns:
            False if too much waits already; nothing was taken then.
        """
        if self._gave_up or (self._waiting and self._waiting + size > self._most):
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="etaoi-translation", daemon=True)
            self._thread.start()
        self._waiting += size
        self._unread.append((reject, size))
        self._idle.clear()
        self._jobs.put((job, deliver, reject, size))
        return True

    async def drain(self, seconds: float) -> None:
        """Wait until everything that was submitted is handed over, but not for longer than this.

        What is left then is rejected: it was answered, so its loss has to be told here.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            self._gave_up = True
            for reject, size in self._unread:
                reject(size, UNREAD)

    def close(self) -> None:
        """End the thread after its present job."""
        if self._thread is not None:
            self._jobs.put(None)

    def _run(self) -> None:
        # Loaded when the first foreign tracer speaks: most viewers never meet one.
        from etaoi_collector.translation.event_writer import pack_frames
        from etaoi_collector.translation.otel_model import InvalidPayload
        from etaoi_collector.translation.translators import Translators

        translators = Translators(RIGHT_OF_WAY.step_aside)
        while (task := self._jobs.get()) is not None:
            job, deliver, reject, size = task
            try:
                for events in job(translators):
                    for frame in pack_frames(events):
                        self._post(self._call, deliver, frame)
                    if self._gave_up:
                        return
            except InvalidPayload as error:
                self._post(self._call, reject, size, str(error))
            except Exception as error:  # one request's contents must not end the thread for all
                _log.exception("a request could not be translated")
                self._post(
                    self._report,
                    f"a request could not be read within etaoi-tui: {error or type(error).__name__}",
                )
            del job, deliver, reject, task
            try:
                self._loop.call_soon_threadsafe(self._done, size)
            except RuntimeError:  # the loop is closed: the collector stops
                return

    def _post(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return

    def _call(self, call: Callable[..., None], *arguments: object) -> None:
        """Hand something over, unless its job was given up meanwhile."""
        if not self._gave_up:
            call(*arguments)

    def _done(self, size: int) -> None:
        self._waiting -= size
        self._unread.popleft()
        self._handled(size)
        if not self._unread:
            self._idle.set()


Deliver = Callable[[bytes], None]
"""Takes a frame, on the event loop."""

Reject = Callable[[int, str], None]
"""Takes a size in bytes and a reason, on the event loop."""
