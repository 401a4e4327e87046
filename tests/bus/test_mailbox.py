"""The mailbox that keeps the newest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from etaoi_collector.source_items import Closed, EventBatch
from etaoi_collector.subscriptions.drop_oldest_queue import DropOldestQueue
from etaoi_collector.wire.events import Event, Reject


def some(first: int, count: int) -> EventBatch:
    """Events that are told apart by their ordinal."""
    events: list[Event | Reject] = [Reject(number, "") for number in range(first, first + count)]
    return EventBatch(1 << 24, first, events, 1, 0.0)


@given(
    most=st.integers(1, 20),
    steps=st.lists(st.one_of(st.integers(1, 30), st.just("take"), st.just("close")), max_size=40),
)
def test_everything_is_taken_or_counted_and_the_newest_stay(most: int, steps: list[int | str]) -> None:
    """In order; an event keeps its place when its frame is cut."""
    mailbox = DropOldestQueue(most)
    put = taken_count = 0
    for step in [*steps, "take"]:
        if step == "close":
            mailbox.put(Closed(1, 0.0))
        elif isinstance(step, int):
            mailbox.put(some(put, step), step)
            put += step
            assert len(mailbox) <= most
        else:
            newest: list[int] = []
            for item in mailbox.take(0.0, 1000):
                if isinstance(item, EventBatch):
                    ordinals = [event.ordinal for event in item.events if isinstance(event, Reject)]
                    assert ordinals[0] == item.first_ordinal
                    newest += ordinals
            taken_count += len(newest)
            assert newest == list(range(put - len(newest), put))
            assert taken_count + mailbox.lost == put


def test_bytes_are_bounded_too_but_the_newest_item_always_stays() -> None:
    mailbox = DropOldestQueue(1000, max_bytes=100)
    for number in range(5):
        mailbox.put(some(number, 1), 60)
    mailbox.put(some(5, 1), 500)
    assert len(mailbox) == 1 and mailbox.lost == 5


def test_connections_that_come_and_go_do_not_pile_up() -> None:
    mailbox = DropOldestQueue(10)
    for number in range(5000):
        mailbox.put(Closed(number, 0.0))
    assert len(mailbox.take(0.0, 10_000)) == 1024
