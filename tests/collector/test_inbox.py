"""The inbox: order, bounds, and nothing lost between two threads."""

from __future__ import annotations

import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.pipeline import Ingest
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import Closed, EventBatch, SourceItem
from etaoi_collector.wire.codec import decode_events, split_frame
from etaoi_collector.wire.events import Reject, SpanStart
from etaoi_collector.wire.limits import WHOLE_DECODE
from tests.collector.making import an_id, frame_of, numbered_frame, start

FOREVER = 1e9


def put_frame(inbox: Inbox, recorder: Recorder, first: int, count: int, slice_size: int = 1000) -> None:
    """What the collector does with a frame."""
    frame = numbered_frame(first, count)
    ref = recorder.append(float(first), 1, frame)
    parts = split_frame(frame)
    for at in range(0, count, slice_size):
        events = decode_events(parts, at, at + slice_size)
        inbox.put(EventBatch(ref, at, events, 1, float(first)), len(frame) * len(events) // count)


def spans(items: list[SourceItem]) -> list[str]:
    return [
        event.span_id
        for item in items
        if isinstance(item, EventBatch)
        for event in item.events
        if isinstance(event, SpanStart)
    ]


def check_places(recorder: Recorder, items: list[SourceItem]) -> None:
    for item in items:
        if isinstance(item, EventBatch):
            for index, event in enumerate(item.events):
                raw = recorder.read(item.base_ref + item.first_ordinal + index)
                assert isinstance(raw, bytes) and isinstance(event, SpanStart)
                assert event.span_id.encode() in raw


def test_items_that_fit_come_out_unchanged(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames)
    closed = Closed(1, 5.0)
    put_frame(inbox, recorder, 0, 3)
    inbox.put(closed)
    put_frame(inbox, recorder, 3, 2)
    assert len(inbox) == 5
    items = inbox.take(FOREVER, 1000)
    assert spans(items) == [an_id(100 + n) for n in range(5)] and items[1] is closed
    assert inbox.take(FOREVER, 1000) == [] and len(inbox) == 0
    assert (inbox.overflowed, inbox.lost) == (0, 0)


def test_a_taker_can_stop_at_a_number_of_events(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames)
    for number in range(10):
        put_frame(inbox, recorder, number * 10, 10)
    assert [len(spans(inbox.take(FOREVER, 25))) for _ in range(5)] == [30, 30, 30, 10, 0]


def test_a_taker_stops_when_its_time_is_over_but_always_gets_on(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    now = iter(range(1000))
    inbox = Inbox(recorder.frames, clock=lambda: next(now))
    for number in range(10):
        put_frame(inbox, recorder, number, 1)
    assert len(inbox.take(0, 1000)) == 1
    assert len(inbox.take(3, 1000)) == 3


def test_overflowing_items_are_read_back_in_order(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "run", segment_bytes=20_000)
    inbox = Inbox(recorder.frames, max_events=50)
    for number in range(30):
        put_frame(inbox, recorder, number * 10, 10, slice_size=4)
        recorder.refused(1.0, 1, size=1, reason="a record that is no frame")
        if number == 15:
            inbox.put(Closed(7, 1.0))
    assert len(inbox) == 300 and inbox.overflowed == 250
    items = inbox.take(FOREVER, 10_000)
    assert spans(items) == [an_id(100 + n) for n in range(300)]
    assert inbox.lost == 0
    check_places(recorder, items)
    first_items = items[: items.index(Closed(7, 1.0))]
    assert len(spans(first_items)) == 160


def test_a_large_frame_is_not_held_in_memory(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames, max_bytes=1000)
    put_frame(inbox, recorder, 0, 20)
    put_frame(inbox, recorder, 20, 1)
    assert inbox.overflowed == 20
    assert spans(inbox.take(FOREVER, 1000)) == [an_id(100 + n) for n in range(21)]


def test_slices_of_a_large_frame_count_by_their_bytes(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames, max_bytes=WHOLE_DECODE // 2)
    ingest = Ingest(recorder, inbox, clock=lambda: 1.0)
    count = 4 * WHOLE_DECODE // len(numbered_frame(0, 1))
    for _ in ingest.frame_steps(1, numbered_frame(0, count)):
        pass
    assert inbox.overflowed > count // 2
    assert spans(inbox.take(FOREVER, count * 2)) == [an_id(100 + n) for n in range(count)]


def test_items_missing_from_the_recording_are_counted(tmp_path: Path) -> None:
    recorder = Recorder(directory=tmp_path / "no", ring_bytes=3000)
    recorder._stop(OSError(28, "full"), None)
    inbox = Inbox(recorder.frames, max_events=10)
    for number in range(20):
        put_frame(inbox, recorder, number * 2, 2)
    items = inbox.take(FOREVER, 1000)
    got = spans(items)
    assert got[:10] == [an_id(100 + n) for n in range(10)] and got[-1] == an_id(139)
    assert inbox.lost == 40 - len(got) > 0


def test_rejects_are_read_back_too(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames, max_events=1)
    frame = frame_of([start(1), b"\x01", start(3)])
    ref = recorder.append(1.0, 1, frame)
    inbox.put(EventBatch(ref, 0, decode_events(split_frame(frame)), 1, 1.0))
    (item,) = inbox.take(FOREVER, 100)
    assert isinstance(item, EventBatch)
    assert [type(event) for event in item.events] == [SpanStart, Reject, SpanStart]


def test_two_threads_lose_and_swap_nothing(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a", segment_bytes=300_000)
    inbox = Inbox(recorder.frames, max_events=64)
    total = 4000
    done = threading.Event()

    def feed() -> None:
        for number in range(0, total, 8):
            put_frame(inbox, recorder, number, 8, slice_size=3)
        done.set()

    thread = threading.Thread(target=feed)
    thread.start()
    got: list[str] = []
    while True:
        finished = done.is_set()
        items = inbox.take(FOREVER, 40)
        got += spans(items)
        if finished and not items:
            break
    thread.join(60)
    assert got == [an_id(100 + n) for n in range(total)]
    assert inbox.lost == 0


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["put", "take", "close"]), st.integers(1, 9)), max_size=40),
    bound=st.integers(1, 30),
    slice_size=st.integers(1, 5),
)
def test_any_rhythm_keeps_the_order(steps: list[tuple[str, int]], bound: int, slice_size: int) -> None:
    recorder = Recorder(segment_bytes=5000)
    inbox = Inbox(recorder.frames, max_events=bound)
    sent: list[object] = []
    got: list[object] = []

    def take(most: int) -> None:
        for item in inbox.take(FOREVER, most):
            got.extend(spans([item]) if isinstance(item, EventBatch) else [item])

    for what, amount in steps:
        if what == "put":
            first = len(sent) * 10
            put_frame(inbox, recorder, first, amount, slice_size)
            sent.extend(an_id(100 + first + n) for n in range(amount))
        elif what == "close":
            inbox.put(Closed(len(sent), 1.0))
            sent.append(Closed(len(sent), 1.0))
        else:
            take(amount)
    take(10**6)
    recorder.close()
    assert inbox.lost == 0
    assert [str(item) for item in got] == [str(item) for item in sent]
