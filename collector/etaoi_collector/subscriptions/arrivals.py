"""What a subscription has yet to hand over: first what was recorded before it, then what arrives."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from etaoi_collector.recording.backlog import Backlog, recorded
from etaoi_collector.recording.frame_cache import FrameCache
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.recording.recording_files import OVER_KEPT_BYTES
from etaoi_collector.source_items import EventBatch, Missing, SourceItem
from etaoi_collector.subscriptions.bus_event import MISSED, BusEvent
from etaoi_collector.subscriptions.filters import SubscriptionFilter
from etaoi_collector.subscriptions.span_fold import SpanFold
from etaoi_collector.wire.full_decode import decode_lossless

_SLICE_SECONDS = 0.002
_SLICE_EVENTS = 512


class SubscriptionQueue(Protocol):
    """Where arrivals wait."""

    @property
    def lost(self) -> int:
        """Events that will never be taken."""

    @property
    def overflowed(self) -> int:
        """Events that had to be read back."""

    def __len__(self) -> int:
        """Events that wait."""

    def put(self, item: SourceItem, size: int = 0) -> None:
        """Add an item."""

    def take(self, seconds: float, most: int) -> list[SourceItem]:
        """Return what waits."""


class Arrivals:
    """Turns records and arrivals into the events that a program wanted, a slice at a time.

    Args:
        wanted: Which events.
        mailbox: Holds what arrives until somebody looks.
        recorder: Where older events are read from.
    """

    def __init__(self, wanted: SubscriptionFilter, mailbox: SubscriptionQueue, recorder: Recorder) -> None:
        self._wanted = wanted
        self._mailbox = mailbox
        self._recorder = recorder
        self._splits = FrameCache(recorder.read_frame, lambda: recorder.value_refs)
        self._fold = SpanFold(self._splits.read)
        self._read_along = 0
        self._past: Iterator[SourceItem] | None = None
        self._past_left = 0
        self._ready: deque[BusEvent] = deque()
        self._missed = 0
        self._lost_reported = 0
        self.delivered = 0
        """Events that were popped."""
        self.passed_over = 0
        """Events that did not match."""

    def begin(self, past: Backlog, history: int | None) -> None:
        """Take over what had been recorded before the first `put`; see `Subscription.begin`."""
        if (past.start < past.end or past.missed) and (past.events or history != 0):
            self._past_left = past.events
            wanted = past.events + past.missed
            self._read_along = 0 if history is None else max(0, wanted - history)
            unwanted = min(self._read_along, past.missed)
            self._read_along -= unwanted
            if past.missed > unwanted:
                self._report_missed(past.missed - unwanted, OVER_KEPT_BYTES)
            self._past = recorded(self._recorder, past)

    def put(self, item: SourceItem, size: int) -> None:
        """Take an arrival; called by the collector's thread."""
        self._mailbox.put(item, size)

    @property
    def ready(self) -> bool:
        """Whether `pop` has an event."""
        return bool(self._ready)

    @property
    def behind(self) -> bool:
        """Whether more waits than a slice takes."""
        return self._past_left + len(self._mailbox) > _SLICE_EVENTS

    @property
    def waiting(self) -> int:
        """Events that were not popped yet."""
        return max(0, self._past_left - self._read_along) + len(self._mailbox) + len(self._ready)

    @property
    def missed(self) -> int:
        """Events that nobody will ever pop."""
        return self._missed + self._mailbox.lost - self._lost_reported

    @property
    def read_back(self) -> int:
        """Events that had to be read from the recording."""
        return self._mailbox.overflowed

    def read(self, event: BusEvent) -> dict[str, Any]:
        """Return an event as its sender wrote it.

        Raises:
            LookupError: No recording holds it; the text says why.
        """
        raw = self._splits.read(event.event_ref)
        if isinstance(raw, Missing):
            raise LookupError(raw.reason)
        return decode_lossless(raw)

    def clear(self) -> None:
        """Let go of what `pop` would return."""
        self._ready.clear()

    def pop(self) -> BusEvent:
        """Return the next event."""
        event = self._ready.popleft()
        self.delivered += event.kind != MISSED
        return event

    def pull(self) -> bool:
        """Look at a slice of what waits; False when nothing does."""
        if self._past is not None:
            return self._pull_past(self._past)
        arrivals = self._mailbox.take(_SLICE_SECONDS, _SLICE_EVENTS)
        lost = self._mailbox.lost
        if lost > self._lost_reported:
            self._report_missed(
                lost - self._lost_reported, "too slow for what may wait, or no recording held them"
            )
            self._lost_reported = lost
        for arrival in arrivals:
            self._look(arrival)
        return bool(arrivals)

    def _pull_past(self, past: Iterator[SourceItem]) -> bool:
        deadline = time.monotonic() + _SLICE_SECONDS
        for item in past:
            if type(item) is EventBatch:
                self._past_left -= len(item.events)
                rest = self._pass_along(item)
                if rest is not None:
                    self._look(rest)
            elif self._read_along:
                self._fold.note(item)
            else:
                self._look(item)
            if time.monotonic() >= deadline:
                return True
        self._past = None
        missing = self._past_left - self._read_along
        if missing > 0:
            self._report_missed(missing, "no recording holds them any more")
        self._past_left = self._read_along = 0
        return True

    def _pass_along(self, batch: EventBatch) -> EventBatch | None:
        """Remember what of a batch is older than what is wanted; returns the rest."""
        old = min(self._read_along, len(batch.events))
        if not old:
            return batch
        self._read_along -= old
        number, received = batch.connection, batch.received
        first, events = batch.first_ordinal, batch.events
        self._fold.skip(EventBatch(batch.base_ref, first, events[:old], number, received))
        if old == len(events):
            return None
        return EventBatch(batch.base_ref, first + old, events[old:], number, received)

    def _look(self, item: SourceItem) -> None:
        ready_before = len(self._ready)
        self._ready.extend(self._wanted.of(item, self._fold))
        if type(item) is EventBatch:
            self.passed_over += len(item.events) - (len(self._ready) - ready_before)
            self._fold.add_up()

    def _report_missed(self, count: int, reason: str) -> None:
        self._missed += count
        self._ready.append(BusEvent(kind=MISSED, received=time.time(), count=count, reason=reason))
