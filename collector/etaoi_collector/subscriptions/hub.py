"""Subscribing to what is recorded: the same for a collector of one's own and for a viewer elsewhere."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Unpack

from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.throttle import Throttle
from etaoi_collector.subscriptions.drop_oldest_queue import DropOldestQueue

if TYPE_CHECKING:
    from etaoi_collector.ingest.pipeline import Ingest
    from etaoi_collector.recording.recorder import Recorder
    from etaoi_collector.subscriptions.bus_event import BusEvent
    from etaoi_collector.subscriptions.callback_thread import Callback
    from etaoi_collector.subscriptions.filters import Filters
    from etaoi_collector.subscriptions.subscription import Predicate, Subscription


HISTORY = 10_000
"""Events from before a subscription that it hears of, unless it says otherwise."""

READ_ALONG = 100_000
"""Older events that are read along, so that an end knows what had started before."""


class SubscriptionHub:
    """Base of what can be subscribed to. `_open_hub` says where events come in and where they are kept."""

    def __init__(self) -> None:
        self._subscribing = threading.Lock()
        self._subscriptions: list[Subscription] = []
        self._pace = Throttle()
        self._stopped = False

    def _open_hub(self) -> tuple[Ingest, Recorder]:
        """Return where events come in and where they are kept.

        Raises:
            RuntimeError: It is not open yet.
        """
        raise NotImplementedError

    def _settle(self) -> None:
        """Wait a moment for what is on its way."""

    def subscribe(
        self,
        callback: Callback | None = None,
        *,
        history: int | None = HISTORY,
        most_waiting: int | None = None,
        **filters: Unpack[Filters],
    ) -> Subscription:
        """Hear of what agents do; from any thread.

        A subscriber that is slow never holds up the collector. What it cannot take in time waits in the
        recording, or goes when ``most_waiting`` says so; what it misses is told as an event of the kind
        ``missed`` with a count.

        Args:
            callback: Called with each event, on a thread of its own; an ``async`` function runs on the event
                loop of who subscribes. What it raises is counted and logged. Without one, iterate over the
                subscription or wait with it.
            history: Of how many events so far to hear first; those that match are delivered. None for all
                that were recorded, 0 for none.
            most_waiting: How many events may wait for a slow subscriber before the oldest go. None lets
                nothing go: they are read again from the recording.
            filters: Which events; see `Filters`.

        Returns:
            The subscription; close it, or use it in a ``with`` block.

        Raises:
            RuntimeError: The collector is not bound.
            ValueError: There is no such kind or status, the query cannot be read, or a number makes no sense.
        """
        # A viewer that nobody subscribes to starts without these.
        from etaoi_collector.subscriptions.filters import SubscriptionFilter
        from etaoi_collector.subscriptions.subscription import Subscription

        if (history is not None and history < 0) or (most_waiting is not None and most_waiting < 1):
            raise ValueError("history must be at least 0, and most_waiting at least 1.")
        ingest, recorder = self._open_hub()
        wanted = SubscriptionFilter(**filters)
        queue = Inbox(recorder.frames) if most_waiting is None else DropOldestQueue(most_waiting)
        subscription = Subscription(wanted, queue, recorder, self._unsubscribe, self._pace, callback)
        with self._subscribing:
            if self._stopped:
                subscription.end()
            self._subscriptions.append(subscription)
        backlog = ingest.join(subscription, None if history is None else history + READ_ALONG)
        subscription.begin(backlog, history)
        return subscription

    def history(self, **filters: Unpack[Filters]) -> list[BusEvent]:
        """Return all that was recorded so far and matches; it ends, unlike a subscription.

        What has reached this machine but was not taken in yet is waited for, a moment at most: flush the
        agent's handle before, and nothing that it did is left out.

        Args:
            filters: Which events; see `Filters`.

        Raises:
            RuntimeError: The collector is not bound.
            ValueError: There is no such kind or status, or the query cannot be read.
        """
        self._settle()
        with self.subscribe(history=None, **filters) as subscription:
            subscription.end()
            return list(subscription)

    def wait(
        self, predicate: Predicate | None = None, timeout: float | None = None, **filters: Unpack[Filters]
    ) -> BusEvent:
        """Return the first event that matches, of those so far or of those to come.

        Args:
            predicate: Is asked about each event that passes the filters.
            timeout: Seconds to wait at most; None for ever.
            filters: Which events; see `Filters`.

        Raises:
            TimeoutError: None matched in time.
            SubscriptionEnded: None will any more.
        """
        with self.subscribe(**filters) as subscription:
            return subscription.wait(predicate, timeout)

    async def wait_for(
        self,
        predicate: Predicate | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
        **filters: Unpack[Filters],
    ) -> BusEvent:
        """Do as `wait` does, without holding up the event loop."""
        async with self.subscribe(**filters) as subscription:
            return await subscription.wait_for(predicate, timeout)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    def _unsubscribe(self, subscription: Subscription) -> None:
        with contextlib.suppress(RuntimeError):
            self._open_hub()[0].leave(subscription)
        with self._subscribing, contextlib.suppress(ValueError):
            self._subscriptions.remove(subscription)

    def _end_subscriptions(self) -> None:
        with self._subscribing:
            self._stopped = True
            for subscription in self._subscriptions:
                subscription.end()
