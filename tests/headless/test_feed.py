"""The feed: from a source into a store, a bounded amount of work at a time."""

from __future__ import annotations

from collections import deque

import pytest

from etaoi_collector.source_items import (
    Closed,
    Ended,
    EventBatch,
    FrameRefused,
    Missing,
    Opened,
    SourceItem,
)
from etaoi_collector.sources.base import Progress
from etaoi_collector.store import LOST_AFTER, Store
from etaoi_collector.store.model import Connection, Status
from etaoi_collector.wire.codec import decode_at_once
from etaoi_collector.wire.event_ref import NO_EVENT, pack_event_ref
from etaoi_collector.wire.events import Reject
from etaoi_tui.feed import SLICE_MS, Feed
from tests import generate
from tests.generate import Scribe


class Ticking:
    """A clock that every slice of work moves on."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class Queue:
    """A source of items that were put there, one a slice; each takes as long as it was given."""

    live = True
    progress: Progress | None = None
    notices: list[str] = []  # noqa: RUF012

    def __init__(self, clock: Ticking, costs_ms: float = 1.0) -> None:
        self.waiting: deque[SourceItem] = deque()
        self.asked: list[float] = []
        self._clock = clock
        self._cost = costs_ms / 1000

    def take(self, seconds: float) -> list[SourceItem]:
        self.asked.append(seconds)
        if not self.waiting:
            return []
        self._clock.now += self._cost
        return [self.waiting.popleft()]

    def read(self, ref: int) -> bytes | Missing:
        return Missing("nothing is kept here")

    def close(self) -> None:
        pass


def events(scribe: Scribe, base: int = 0, first: int = 0, connection: int = 1) -> EventBatch:
    """The scribe's newest events as an item."""
    decoded = decode_at_once(generate.frame(scribe.take()))
    assert decoded is not None
    return EventBatch(base, first, decoded, connection, scribe.clock.seconds)


def test_it_stops_at_the_budget_and_says_that_more_waits() -> None:
    """Slices are short, the budget is kept to within one of them, and the next tick goes on."""
    clock = Ticking()
    source = Queue(clock, costs_ms=4.0)
    scribe = Scribe(1)
    for _ in range(10):
        generate.wide_trace(scribe, 2)
        source.waiting.append(events(scribe))
    feed = Feed(source, Store(), clock=clock)
    feed.tick(10.0, 0.0)
    assert (len(source.waiting), feed.behind) == (7, True)
    assert max(source.asked) <= SLICE_MS / 1000
    feed.tick(1000.0, 0.0)
    assert (len(source.waiting), feed.behind) == (0, False)


def test_a_tiny_budget_gets_on_too() -> None:
    """At least one slice a tick."""
    clock = Ticking()
    source = Queue(clock)
    source.waiting.extend([Opened(Connection(number, "test", 0.0)) for number in (1, 2)])
    feed = Feed(source, Store(), clock=clock)
    feed.tick(0.0, 0.0)
    assert (len(source.waiting), feed.behind) == (1, True)


def test_places_count_from_the_frame_that_holds_the_events() -> None:
    """Part of a frame begins at its first ordinal; what was not kept lies nowhere."""
    clock = Ticking()
    source = Queue(clock)
    store = Store()
    scribe = Scribe(2)
    recorded_span = scribe.start("tool", "kept")
    source.waiting.append(events(scribe, base=pack_event_ref(0, 4096), first=512))
    lost = scribe.start("tool", "lost")
    source.waiting.append(events(scribe, base=NO_EVENT, first=512))
    Feed(source, store, clock=clock).tick(100.0, 0.0)
    places = [store.find_span(span.span_id) for span in (recorded_span, lost)]
    assert [span and span.start_ref for span in places] == [pack_event_ref(0, 4096, 512), NO_EVENT]


def test_every_kind_of_item_reaches_the_store() -> None:
    """Connections, refused frames, rejects, and what time does to spans that nobody ends."""
    clock = Ticking()
    source = Queue(clock)
    store = Store()
    scribe = Scribe(3)
    scribe.start("tool", "open")
    now = scribe.clock.seconds
    source.waiting.append(Opened(Connection(1, "test", now)))
    source.waiting.append(events(scribe))
    source.waiting.append(EventBatch(0, 0, [Reject(0, "no such kind")], 1, now))
    source.waiting.append(FrameRefused(1, now, 5_000, "too large"))
    source.waiting.append(Closed(1, now, 1006, "gone"))
    feed = Feed(source, store, clock=clock)
    changes = feed.tick(100.0, now)
    assert [span.name for span in changes.added] == ["open"]
    assert (store.refused_frames, store.rejected, store.connections[1].close_code) == (1, 2, 1006)
    (trace,) = store.traces.values()
    assert trace.status is Status.RUNNING
    assert not feed.tick(100.0, now + LOST_AFTER - 1)
    assert feed.tick(100.0, now + LOST_AFTER + 1)
    assert trace.status is Status.LOST


@pytest.mark.parametrize("more", [0, 3])
def test_the_end_of_a_recording_ends_the_feed(more: int) -> None:
    """Open spans are lost then. The source is asked on: what left memory may be read from it again."""
    clock = Ticking()
    source = Queue(clock)
    store = Store()
    scribe = Scribe(4)
    scribe.start("tool", "open")
    source.waiting.append(events(scribe))
    source.waiting.append(Ended(0.0))
    feed = Feed(source, store, clock=clock)
    feed.tick(100.0, 0.0)
    asked = len(source.asked)
    for _ in range(more):
        assert not feed.tick(100.0, 0.0)
    assert (feed.ended, feed.behind, len(source.asked)) == (True, False, asked + more)
    assert [trace.status for trace in store.traces.values()] == [Status.LOST]
