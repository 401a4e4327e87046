"""A program's subscription to a running collector: an iterator, or a function that is called.

It is fed where frames are recorded. The collector's thread only puts what it decoded into the subscription's
mailbox; filtering, reading back and whatever the program does with an event happen on the program's side.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import msgspec

from etaoi_collector.ingest.throttle import Throttle
from etaoi_collector.recording.backlog import Backlog
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import SourceItem
from etaoi_collector.subscriptions.arrivals import Arrivals, SubscriptionQueue
from etaoi_collector.subscriptions.bus_event import MISSED, BusEvent
from etaoi_collector.subscriptions.callback_thread import Callback, CallbackThread
from etaoi_collector.subscriptions.filters import SubscriptionFilter
from etaoi_collector.wire.errors import EtaoiError

Predicate = Callable[[BusEvent], bool]


class SubscriptionEnded(EtaoiError):
    """The collector stopped, or the subscription was closed, before what was waited for happened."""


class SubscriptionStats(msgspec.Struct, frozen=True):
    """Counts of one subscription since its beginning."""

    delivered: int = 0
    """Events that were handed to the program."""
    passed_over: int = 0
    """Events that did not match its filters."""
    waiting: int = 0
    """Events that arrived and were not looked at yet."""
    missed: int = 0
    """Events that it will never hear of: it was too slow for its mailbox, or no recording held them."""
    read_back: int = 0
    """Events that had to wait in the recording, because its mailbox was full."""
    failures: int = 0
    """Calls of its function that raised."""
    last_failure: str = ""
    """What the newest of them raised."""


class Subscription:
    """What `Collector.subscribe` returns. Use one of its ways at a time, on one thread at a time.

    ``async for event in subscription`` and ``for event in subscription`` go on until the collector stops.
    ``await subscription.wait_for(predicate, timeout)`` and ``subscription.wait(predicate, timeout)`` take
    events until one matches. ``with`` closes it.

    Args:
        wanted: Which events.
        mailbox: Holds what arrives until somebody looks.
        recorder: Where older events are read from.
        leave: Called once when nothing more is wanted.
        pace: Shared by all subscriptions of a collector.
        callback: Called with each event, on a thread that this object runs; None for the other ways.
    """

    def __init__(
        self,
        wanted: SubscriptionFilter,
        mailbox: SubscriptionQueue,
        recorder: Recorder,
        leave: Callable[[Subscription], None],
        pace: Throttle,
        callback: Callback | None = None,
    ) -> None:
        self._arrivals = Arrivals(wanted, mailbox, recorder)
        self._leave = leave
        self._pace = pace
        self._put_count_seen = 0
        self._worked_until = 0.0
        self._calling = None if callback is None else CallbackThread(callback, self.__next__)
        self._ended = False
        self._closed = False
        self._put_count = 0
        self._waiter: Callable[[], None] | None = None
        self._waited_on = False

    # the collector's side

    def begin(self, past: Backlog, history: int | None) -> None:
        """Take over what had been recorded before the first `put`.

        Args:
            past: Where it lies, with what is only read along.
            history: How many of its events are wanted; None for all.
        """
        self._arrivals.begin(past, history)
        if self._calling is not None:
            self._calling.start()

    def put(self, item: SourceItem, size: int = 0) -> None:
        """Take an arrival; called by the collector's thread, and never waits for the subscriber."""
        self._arrivals.put(item, size)
        self._put_count += 1
        self._wake()

    def end(self) -> None:
        """Nothing more will come; what waits is still delivered."""
        self._ended = True
        self._wake()

    # the program's side

    def __iter__(self) -> Iterator[BusEvent]:
        """Iterate over events; waits for the next one, and ends with the collector."""
        self._refuse_callback()
        return self

    def __next__(self) -> BusEvent:
        """Return the next event, waiting for it."""
        return self._next(None)

    def __aiter__(self) -> Self:
        """Iterate over events without holding up the event loop; ends with the collector."""
        self._refuse_callback()
        return self

    async def __anext__(self) -> BusEvent:
        """Return the next event, waiting for it."""
        while True:
            if self._arrivals.ready:
                return self._arrivals.pop()
            put_count, ended = self._put_count, self._ended
            await asyncio.sleep(self._pause())  # a long history must not hold up the program's own loop
            if self._pull():
                continue
            if ended:
                raise StopAsyncIteration
            await self._sleep(put_count)

    def wait(self, predicate: Predicate | None = None, timeout: float | None = None) -> BusEvent:
        """Take events until one matches; those before it are passed over.

        Args:
            predicate: Is asked about each event; None takes the next one.
            timeout: Seconds to wait at most; None for ever.

        Returns:
            The event.

        Raises:
            TimeoutError: None matched in time.
            SubscriptionEnded: None will any more.
        """
        self._refuse_callback()
        deadline = None if timeout is None else time.monotonic() + timeout
        delivered_before = self._arrivals.delivered
        try:
            while True:
                event = self._next(deadline)
                if _is_it(event, predicate):
                    return event
        except TimeoutError:
            raise self._nothing_within(timeout, delivered_before) from None
        except StopIteration:
            raise self._nothing_more(delivered_before) from None

    async def wait_for(self, predicate: Predicate | None = None, timeout: float | None = None) -> BusEvent:  # noqa: ASYNC109
        """Do as `wait` does, without holding up the event loop.

        Raises:
            TimeoutError: None matched in time.
            SubscriptionEnded: None will any more.
        """
        self._refuse_callback()
        delivered_before = self._arrivals.delivered
        try:
            async with asyncio.timeout(timeout):
                async for event in self:
                    if _is_it(event, predicate):
                        return event
        except TimeoutError:
            raise self._nothing_within(timeout, delivered_before) from None
        raise self._nothing_more(delivered_before)

    def read(self, event: BusEvent) -> dict[str, Any]:
        """Return an event with everything that its sender wrote, read from the recording.

        Raises:
            LookupError: No recording holds it; the text says why.
        """
        return self._arrivals.read(event)

    def stats(self) -> SubscriptionStats:
        """Return the counts as they are now."""
        return SubscriptionStats(
            delivered=self._arrivals.delivered,
            passed_over=self._arrivals.passed_over,
            waiting=0 if self._closed else self._arrivals.waiting,
            missed=self._arrivals.missed,
            read_back=self._arrivals.read_back,
            failures=0 if self._calling is None else self._calling.failures,
            last_failure="" if self._calling is None else self._calling.last_failure,
        )

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the function was called with everything that came before the collector stopped.

        Returns:
            False when that took longer than ``timeout`` seconds.
        """
        return self._calling is None or self._calling.join(timeout)

    def close(self) -> None:
        """Hear of nothing more; iterators end. Does nothing the second time."""
        if not self._closed:
            self._closed = True
            self._leave(self)
            self.end()

    def __enter__(self) -> Self:
        """Return the subscription."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the subscription."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    # waiting

    def _pull(self) -> bool:
        """Look at a slice of what waits; False when nothing does."""
        if self._closed:
            self._arrivals.clear()
            return False
        return self._arrivals.pull()

    def _pause(self) -> float:
        """Return how long to leave the processor to agents that send more than this program can take in."""
        behind = self._put_count != self._put_count_seen and self._arrivals.behind
        self._put_count_seen = self._put_count
        now = time.thread_time()
        worked = now - self._worked_until
        self._worked_until = now
        return self._pace.after(worked) if behind else 0.0

    def _next(self, deadline: float | None) -> BusEvent:
        while True:
            if self._arrivals.ready and not self._closed:
                return self._arrivals.pop()
            put_count, ended = self._put_count, self._ended
            if (pause := self._pause()) > 0.0:
                time.sleep(pause)
            if self._pull():
                if self._arrivals.ready or deadline is None or time.monotonic() < deadline:
                    continue
                raise TimeoutError
            if ended:
                raise StopIteration
            woken = threading.Event()
            with self._waiting(woken.set, put_count) as sleep:
                remaining = None if deadline is None else deadline - time.monotonic()
                if sleep and ((remaining is not None and remaining <= 0) or not woken.wait(remaining)):
                    raise TimeoutError

    async def _sleep(self, put_count: int) -> None:
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the program's loop has ended
                loop.call_soon_threadsafe(woken.set)

        with self._waiting(wake, put_count) as sleep:
            if sleep:
                await woken.wait()

    @contextlib.contextmanager
    def _waiting(self, wake: Callable[[], None], put_count: int) -> Iterator[bool]:
        """Be woken by whatever comes next; yields False when something came since ``put_count`` was read."""
        if self._waited_on:
            raise RuntimeError("Somebody waits on this subscription already; subscribe once more.")
        self._waited_on = True
        self._waiter = wake
        try:
            yield self._put_count == put_count and not self._ended
        finally:
            self._waiter = None
            self._waited_on = False

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None  # once is enough until it has looked
            waiter()

    def _refuse_callback(self) -> None:
        if self._calling is not None:
            raise RuntimeError("This subscription calls a function; subscribe once more to iterate or wait.")

    def _nothing_within(self, timeout: float | None, delivered_before: int) -> TimeoutError:
        seconds = 0.0 if timeout is None else timeout
        return TimeoutError(f"Nothing matched within {seconds:g} s; {self._event_words(delivered_before)}.")

    def _nothing_more(self, delivered_before: int) -> SubscriptionEnded:
        return SubscriptionEnded(
            f"The subscription ended and nothing matched; {self._event_words(delivered_before)}."
        )

    def _event_words(self, delivered_before: int) -> str:
        event_count = self._arrivals.delivered - delivered_before
        missed = self._arrivals.missed
        return f"{event_count:,} events were looked at" + (f", {missed:,} were missed" if missed else "")


def _is_it(event: BusEvent, predicate: Predicate | None) -> bool:
    return event.kind != MISSED and (predicate is None or predicate(event))
