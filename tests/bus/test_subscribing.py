"""Programs that subscribe to a collector in their own process: real sockets, real recordings."""

from __future__ import annotations

import asyncio
import itertools
import threading
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.subscriptions import hub
from etaoi_collector.subscriptions.bus_event import BusEvent
from etaoi_collector.subscriptions.subscription import Subscription, SubscriptionEnded
from tests.bus.telling import number, numbered, numbers, send
from tests.collector.making import an_id, frame_of, start
from tests.collector.serving import PATIENCE, client, run, serving, wait_for


def end(number: int, **fields: Any) -> dict[str, Any]:
    """The span_end that belongs to `start`."""
    return start(number, kind="span_end", event_id=an_id(5000 + number), **fields)


def delta(number: int, **fields: Any) -> dict[str, Any]:
    """Something added to a span."""
    return start(number, kind="span_delta", event_id=an_id(7000 + number), metadata={}, **fields)


def tick(state: str) -> dict[str, Any]:
    """A change of state in a voice session."""
    return {
        "kind": "state_tick",
        "event_id": an_id(9000),
        "session_id": an_id(1),
        "timestamp": "2026-01-02T03:04:05Z",
        "subject": "agent",
        "state": state,
        "metadata": {},
    }


def everything(subscription: Subscription, collector: Collector) -> list[BusEvent]:
    """Stop the collector and return all that the subscriber hears until its end."""
    collector.stop(60)
    return list(subscription)


def test_an_async_iterator_reacts_while_the_agent_runs(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):

        async def watch() -> list[int]:
            received = []
            agent = await client(collector)
            async with collector.subscribe(kinds="span_start") as subscription:
                await agent.send(numbered(1, 1)[0])
                async for event in subscription:
                    received.append(number(event))
                    if received[-1] == 50:
                        return received
                    await agent.send(numbered(received[-1] + 1, received[-1] + 1)[0])
            return []

        assert run(watch()) == list(range(1, 51))


def test_a_function_is_called_with_each_event_on_a_thread_of_its_own(tmp_path: Path) -> None:
    received: list[tuple[int, int]] = []
    with serving(tmp_path) as (collector, _):
        subscription = collector.subscribe(
            lambda event: received.append((number(event), threading.get_ident()))
        )
        send(collector, numbered(1, 200))
        collector.stop(60)
        assert subscription.join(PATIENCE)
    assert [one for one, _ in received] == list(range(1, 201))
    threads = {thread for _, thread in received}
    assert len(threads) == 1 and threading.get_ident() not in threads
    with pytest.raises(RuntimeError, match="calls a function"):
        subscription.wait(timeout=0)


MIXED = [
    start(1, node_kind="llm", session_id=str(uuid.uuid5(uuid.NAMESPACE_URL, "etaoi:session:chat-7"))),
    start(2, trace_id=an_id(3)),
    delta(1, node_kind="llm"),
    tick("thinking"),
    end(2, trace_id=an_id(3), error="ValueError('no')"),
    end(1, node_kind="llm"),
]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"kinds": "span_start"}, [0, 1]),
        ({"kinds": ["span_end", "state_tick"]}, [3, 4, 5]),
        ({"node_kind": "llm"}, [0, 2, 5]),
        ({"node_kind": ("llm", "tool"), "kinds": {"span_end"}}, [4, 5]),
        ({"trace": an_id(3)}, [1, 4]),
        ({"trace": [an_id(2), an_id(3).upper()]}, [0, 1, 2, 4, 5]),
        ({"session": "chat-7"}, [0]),
        ({"session": an_id(1)}, [1, 2, 3, 4, 5]),
        ({"session": ["chat-7", an_id(1)], "kinds": "span_start", "trace": an_id(2)}, [0]),
        ({"kinds": "connected"}, []),
    ],
)
def test_filters(tmp_path: Path, filters: dict[str, Any], expected: list[int]) -> None:
    """Live and out of the history alike."""
    with serving(tmp_path) as (collector, _):
        early = collector.subscribe(**filters)
        send(collector, [frame_of(MIXED)])
        late = collector.subscribe(**filters)
        kinds_and_ids = [(MIXED[at]["kind"], MIXED[at].get("span_id")) for at in expected]
        events = everything(early, collector)
        if filters == {"kinds": "connected"}:
            assert [event.kind for event in events] == ["connected"]
            return
        assert [(event.kind, event.span_id) for event in events] == kinds_and_ids
        assert [(event.kind, event.span_id) for event in late] == kinds_and_ids
        assert early.stats().passed_over == len(MIXED) - len(expected)


def test_an_event_tells_what_rows_need_and_the_rest_is_read_from_the_recording(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        subscription = collector.subscribe()
        send(collector, [frame_of([start(1, parent_span_id=an_id(9), lc_agent_name="boss"), tick("idle")])])
        event = subscription.wait(lambda event: event.kind == "span_start", PATIENCE)
        assert (event.name, event.node_kind, event.agent) == ("tool 1", "tool", "boss")
        assert (event.session_id, event.trace_id, event.span_id) == (an_id(1), an_id(2), an_id(101))
        assert event.parent_span_id == an_id(9) and event.at == 1767323045.12
        assert event.payload == {"input": "{}", "number": 1}
        assert subscription.read(event)["metadata"] == {"name": "tool 1", "n": "7"}
        state = subscription.wait(timeout=PATIENCE)
        assert (state.subject, state.state, state.payload) == ("agent", "idle", {})


def test_connections_and_rejected_events_are_told_to_who_asks(tmp_path: Path) -> None:
    with serving(tmp_path, max_frame=100_000) as (collector, _):
        kinds = ("connected", "disconnected", "rejected")
        subscription = collector.subscribe(kinds=kinds)
        send(collector, [frame_of([start(1), start(2, span_id="x")])])
        late = collector.subscribe(kinds=kinds)
        events = everything(subscription, collector)
        assert [event.kind for event in events] == ["connected", "rejected", "disconnected"]
        assert [(event.kind, event.reason) for event in late] == [
            (event.kind, event.reason) for event in events
        ]
        assert "schema 0.5.1" in (events[0].reason or "") and "span_id" in (events[1].reason or "")


@pytest.mark.parametrize("segment_bytes", [5_000, 512 << 20])
def test_late_subscribers_get_everything_exactly_once(tmp_path: Path, segment_bytes: int) -> None:
    """They join while the agent sends, over many segments: no event is missing, doubled or out of order."""
    last = 3_000
    with serving(tmp_path, segment_bytes=segment_bytes) as (collector, _):
        joined: list[Subscription] = []
        sending = threading.Thread(target=send, args=(collector, numbered(1, last, per_frame=7)))
        sending.start()
        for goal in range(0, last, 300):
            wait_for(lambda goal=goal: collector.stats().events >= goal)  # type: ignore[misc]
            joined.append(collector.subscribe(history=None))
        sending.join()
        joined.append(collector.subscribe(history=None))
        collector.stop(60)
        for subscription in joined:
            assert numbers(subscription) == list(range(1, last + 1))
            stats = subscription.stats()
            assert (stats.delivered, stats.missed, stats.waiting) == (last, 0, 0)
        parts = len(list(tmp_path.glob("recordings/*")))
        assert parts > 100 if segment_bytes == 5_000 else parts == 1


def test_history_is_bounded_by_what_was_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, segment_bytes=100_000) as (collector, _):
        send(collector, numbered(1, 5_000, per_frame=9))
        subscriptions = {
            count: collector.subscribe(history=count) for count in (0, 1, 1500, 4_999, 5_000, 9_999)
        }
        send(collector, numbered(5_001, 5_010))
        collector.stop(60)
        for count, subscription in subscriptions.items():
            assert numbers(subscription) == list(range(max(0, 5_000 - count) + 1, 5_011))


def test_a_subscriber_that_never_looks_slows_nothing_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than its mailbox holds waits for it in the recording; all was taken in before it looked once."""
    monkeypatch.setattr(hub, "Inbox", partial(Inbox, max_events=12_000))
    last = 30_000
    with serving(tmp_path) as (collector, _):
        subscription = collector.subscribe()
        send(collector, numbered(1, last, per_frame=5_000))
        assert collector.stats().events == last and subscription.stats().delivered == 0
        assert subscription.stats().waiting == last
        assert numbers(everything(subscription, collector)) == list(range(1, last + 1))
        stats = subscription.stats()
        assert stats.read_back > 0 and stats.missed == 0 and stats.delivered == last


def test_what_a_slow_subscriber_missed_is_counted_and_told_where_it_is_missing(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        subscription = collector.subscribe(most_waiting=100)
        send(collector, numbered(1, 1_000))
        assert collector.stats().events == 1_000
        assert subscription.stats().waiting == 100 and subscription.stats().missed == 900
        missed, *events = itertools.islice(subscription, 101)
        assert missed.kind == "missed" and missed.count == 900 and "slow" in (missed.reason or "")
        assert numbers(events) == list(range(901, 1_001))
        send(collector, numbered(1_001, 1_050))
        assert numbers(everything(subscription, collector)) == list(range(1_001, 1_051))
        stats = subscription.stats()
        assert stats.missed == 900 and stats.delivered == 150


def test_what_no_recording_holds_any_more_counts_as_missed(tmp_path: Path) -> None:
    with serving(tmp_path, record=Record.NONE) as (collector, _):
        send(collector, numbered(1, 70))
        subscription = collector.subscribe()
        collector.stop(60)
        collector.close_recording()
        assert [(event.kind, event.count) for event in subscription] == [("missed", 70)]
        assert subscription.stats().missed == 70 and subscription.stats().delivered == 0


def test_a_function_that_hangs_and_one_that_raises_hold_up_nobody(tmp_path: Path) -> None:
    go_on = threading.Event()
    received: list[int] = []

    def hang(event: BusEvent) -> None:
        assert go_on.wait(PATIENCE)
        received.append(number(event))

    def fail(event: BusEvent) -> None:
        raise ValueError(f"no {event.name}")

    with serving(tmp_path) as (collector, source):
        hanging, failing = collector.subscribe(hang), collector.subscribe(fail)
        send(collector, numbered(1, 500))
        assert received == [] and hanging.stats().delivered <= 1
        assert sum(len(getattr(item, "events", ())) for item in source.take(1)) == 500
        go_on.set()
        collector.stop(60)
        assert hanging.join(PATIENCE) and failing.join(PATIENCE)
        assert received == list(range(1, 501))
        assert failing.stats().failures == 500
        assert failing.stats().last_failure == "ValueError: no tool 500"


def test_wait_finds_what_happened_before_and_what_comes(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        send(collector, numbered(1, 20))
        subscription = collector.subscribe()
        assert number(subscription.wait(lambda event: event.name == "tool 12", PATIENCE)) == 12
        later = threading.Thread(target=send, args=(collector, numbered(21, 30)))
        later.start()
        assert number(subscription.wait(lambda event: number(event) > 22, PATIENCE)) == 23
        later.join(PATIENCE)


def test_wait_for_does_the_same_on_an_event_loop(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):

        async def react() -> tuple[int, int]:
            agent = await client(collector)
            with collector.subscribe(history=0) as subscription:
                waiting = asyncio.create_task(subscription.wait_for(lambda e: e.name == "tool 3", PATIENCE))
                await asyncio.sleep(0)
                with pytest.raises(RuntimeError, match="subscribe once more"):
                    await subscription.wait_for(timeout=PATIENCE)
                for frame in numbered(1, 5, per_frame=1):
                    await agent.send(frame)
                return number(await waiting), number(await subscription.wait_for(timeout=PATIENCE))

        assert run(react()) == (3, 4)


def test_waiting_in_vain_ends_with_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        send(collector, numbered(1, 7))
        with pytest.raises(TimeoutError, match=r"Nothing matched within 0\.01 s; 7 events were looked at\."):
            collector.subscribe().wait(lambda event: False, 0.01)
        with pytest.raises(TimeoutError, match=r"7 events were looked at\."):
            asyncio.run(collector.subscribe().wait_for(lambda event: False, 0.5))
        blocking, awaiting = collector.subscribe(), collector.subscribe()
        collector.stop(60)
        with pytest.raises(SubscriptionEnded, match="7 events were looked at"):
            blocking.wait(lambda event: False, PATIENCE)
        with pytest.raises(SubscriptionEnded, match="7 events were looked at"):
            asyncio.run(awaiting.wait_for(lambda event: False, PATIENCE))


def test_a_waiter_is_woken_by_the_end(tmp_path: Path) -> None:
    ended: list[str] = []
    with serving(tmp_path) as (collector, _):
        subscription = collector.subscribe()

        def wait() -> None:
            try:
                subscription.wait()
            except SubscriptionEnded:
                ended.append("ended")

        waiting = threading.Thread(target=wait)
        waiting.start()
        collector.stop(60)
        waiting.join(PATIENCE)
    assert ended == ["ended"]


def test_a_closed_subscription_is_not_fed_any_more(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        with collector.subscribe() as subscription:
            send(collector, numbered(1, 5))
            assert number(next(subscription)) == 1
        send(collector, numbered(6, 10))
        assert list(subscription) == [] and subscription.stats().waiting == 0
        subscription.close()


def test_a_collector_that_nobody_watches_can_be_subscribed_to(tmp_path: Path) -> None:
    with serving(tmp_path, watched=False) as (collector, _):
        subscription = collector.subscribe()
        send(collector, numbered(1, 5))
        assert numbers(everything(subscription, collector)) == [1, 2, 3, 4, 5]
        assert numbers(collector.subscribe()) == [1, 2, 3, 4, 5]


def test_subscribing_wrongly_is_explained() -> None:
    collector = Collector(CollectorOptions(port=0, record=Record.NONE))
    with pytest.raises(RuntimeError, match="bind"):
        collector.subscribe()
    collector.bind()
    try:
        with pytest.raises(ValueError, match="'span_begin'; there are span_start"):
            collector.subscribe(kinds="span_begin")
        with pytest.raises(ValueError, match="at least"):
            collector.subscribe(history=-1)
        with pytest.raises(ValueError, match="at least"):
            collector.subscribe(most_waiting=0)
    finally:
        collector.stop(60)
        collector.close_recording()
