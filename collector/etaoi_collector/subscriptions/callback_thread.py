"""Calls a subscriber's function with each event, on a thread of its own; a coroutine is run to its end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from etaoi_collector.subscriptions.bus_event import BusEvent

_LOOK_AGAIN = 0.5
"""Seconds after which it is looked whether the loop that a handler runs on is still there."""

_log = logging.getLogger("etaoi_collector.bus")
_log.addHandler(logging.NullHandler())

Callback = Callable[[BusEvent], object]


class CallbackThread:
    """The thread of one subscription's function.

    An ``async`` function runs on the event loop that was running when it was subscribed, or, without one, on
    a loop of this thread. One event is done with before the next one comes.

    Args:
        callback: The function.
        next_event: Returns the next event, waiting for it; raises StopIteration at the end.
    """

    def __init__(self, callback: Callback, next_event: Callable[[], BusEvent]) -> None:
        self.failures = 0
        self.last_failure = ""
        self._callback = callback
        self._next = next_event
        self._home: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(RuntimeError):
            self._home = asyncio.get_running_loop()
        self._own: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="etaoi-subscriber", daemon=True)

    def start(self) -> None:
        """Start calling."""
        self._thread.start()

    def join(self, timeout: float | None) -> bool:
        """Wait until all calls were made; False when that takes longer than ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with contextlib.suppress(StopIteration):
                while True:
                    event = self._next()
                    try:
                        result = self._callback(event)
                        if inspect.isawaitable(result):
                            self._await(_as_coroutine(result))
                    except Exception as error:
                        self.failures += 1
                        self.last_failure = f"{type(error).__name__}: {error}"
                        _log.exception("a subscriber's function failed")
        finally:
            if self._own is not None:
                self._own.close()

    def _await(self, work: Coroutine[Any, Any, object]) -> None:
        if self._home is None:
            if self._own is None:
                self._own = asyncio.new_event_loop()
            self._own.run_until_complete(work)
            return
        if not self._home.is_running():
            work.close()
            raise RuntimeError("the event loop of this subscription has ended")
        future = asyncio.run_coroutine_threadsafe(work, self._home)
        while True:
            try:
                future.result(_LOOK_AGAIN)
                return
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise  # its own
                if not self._home.is_running():
                    future.cancel()
                    raise RuntimeError("the event loop of this subscription has ended") from None


async def _as_coroutine(awaitable: Any) -> object:
    return await awaitable
