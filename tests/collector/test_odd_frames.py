"""Large and odd messages: nobody waits for them, memory stays in proportion, and what is good is found."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgpack
import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.pipeline import Ingest
from etaoi_collector.recording.record_items import batch_steps, event_batches
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import EventBatch
from etaoi_collector.wire.codec import decode_events, decode_steps, split_frame
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart
from etaoi_collector.wire.frame_scan import scan_byte_ranges
from etaoi_collector.wire.handshake import encode_hello
from etaoi_collector.wire.limits import LARGE_EVENT, MAX_EXPLAINED_REJECTS, REPAIRED_EVENT, SMALL_FRAME
from tests.collector.making import an_id, frame_of, pack, start
from tests.collector.measured_process import started
from tests.collector.odd_frames import ODD, batch_of, list_of_nil, usual

MIB = 1 << 20
LONGEST = 0.02
"""Seconds of work on the collector's loop that other clients may have to wait for."""

SERVER = """
    import sys, time
    from pathlib import Path
    from etaoi_collector.collector import Collector, CollectorOptions
    from tests.collector.callback_times import CallbackTimes
    from tests.collector.measured_process import memory

    callbacks = CallbackTimes()

    collector = Collector(CollectorOptions(port=0, record=Path(sys.argv[1]), watched=False)).bind()
    collector.start()
    assert collector.wait_ready(60)
    print(collector.endpoint, flush=True)
    for _ in sys.stdin:
        while collector.stats().clients:
            time.sleep(0.01)
        print(callbacks.longest, memory("VmHWM"), flush=True)
        callbacks.longest = 0.0
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        print(memory("VmHWM"), flush=True)
    collector.stop()
"""


async def send(url: str, frame: bytes) -> None:
    """Send one message as a client of its own."""
    options: dict[str, Any] = {"max_size": None, "compression": None, "ping_interval": None, "proxy": None}
    async with websockets.connect(url, close_timeout=1, **options) as connection:
        await connection.send(encode_hello("0"))
        await connection.recv()
        await connection.send(frame)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from /proc")
def test_no_frame_blocks_the_loop_or_takes_more_than_two_and_a_half_times_its_size(
    tmp_path: Path,
) -> None:
    """Measured in a process of its own, as processor time, so that a busy machine does not count."""
    size = 8 * MIB
    with started(SERVER, tmp_path / "a.msgpack") as server:
        assert server.stdin is not None and server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            slow: dict[str, float] = {}
            large: dict[str, float] = {}
            base = 0
            # The first message loads what all of them need.
            for name in ["usual", *ODD]:
                frame = ODD[name](size)
                for _ in range(8):  # a busy machine makes work take longer, as processor time, too
                    asyncio.run(send(url, frame))
                    server.stdin.write("\n")
                    server.stdin.flush()
                    longest, peak = server.stdout.readline().split()
                    if base:
                        slow[name] = min(float(longest), slow.get(name, float("inf")))
                        large[name] = min((int(peak) - base) / len(frame), large.get(name, float("inf")))
                    base = int(server.stdout.readline())
                    if large.get(name, 0) <= 2.5 and slow.get(name, 0) <= LONGEST:
                        break
        finally:
            server.kill()
    assert {name: took for name, took in slow.items() if took > LONGEST} == {}
    assert {name: times for name, times in large.items() if times > 2.5} == {}


def events_of(frame: bytes) -> list[Event | Reject]:
    """Decode a frame as the collector does with large ones."""
    events: list[Event | Reject] = []
    for batch in batch_steps(frame, scan_byte_ranges(frame), 0, 1, 0.0):
        if batch is not None:
            assert batch.first_ordinal == len(events) and batch.is_slice
            events += batch.events
    return events


@pytest.mark.parametrize("name", ODD)
def test_rejects_are_bounded_and_all_are_counted(name: str) -> None:
    frame = ODD[name](200_000)
    events = events_of(frame)
    rejects = [event for event in events if isinstance(event, Reject)]
    assert all(event.ordinal == at for at, event in enumerate(events) if isinstance(event, Reject))
    odd = [reject for reject in rejects if reject.count > 1]
    assert len(odd) <= 1 and all(reject.reason for reject in rejects)
    if name in ("list of nil", "batch of nil", "batch of empty maps"):
        assert sum(reject.count for reject in rejects) == 200_000
        assert len(rejects) == MAX_EXPLAINED_REJECTS + 1
        assert rejects[-1].reason == f"and {200_000 - MAX_EXPLAINED_REJECTS:,} more that are no events"


def test_good_events_after_any_number_of_bad_ones_are_found() -> None:
    """In the same batch, and in the envelopes that follow."""
    nil = batch_of(b"\xc0", 500_000)[1:]
    good = pack({"batch": [start(7)]})
    events = events_of(b"\x93" + good + nil + good)
    assert [event.span_id for event in events if isinstance(event, SpanStart)] == [an_id(107)] * 2
    assert sum(event.count for event in events if isinstance(event, Reject)) == 500_000
    events = events_of(b"\xdd" + (500_001).to_bytes(4, "big") + b"\xc0" * 500_000 + good)
    assert isinstance(events[MAX_EXPLAINED_REJECTS], SpanStart)
    assert sum(event.count for event in events if isinstance(event, Reject)) == 500_000


def plain(event: Event | Reject) -> Any:
    if isinstance(event, Reject):
        return "reject", event.ordinal
    heavy = event.payload if not hasattr(event, "state") else b""  # type: ignore[union-attr]
    name = getattr(getattr(event, "metadata", None), "name", None)
    return type(event).__name__, event.event_id, event.timestamp, bytes(heavy), name


_WRONG: list[dict[str, Any]] = [{}, {"span_id": "x"}, {"timestamp": 1}, {"kind": "?"}, {"node_kind": b"\xff"}]


@given(
    st.lists(
        st.tuples(st.sampled_from([10, 9_000, 70_000, LARGE_EVENT + 10]), st.sampled_from(_WRONG))
        | st.sampled_from([b"\xc0", b"\x80", b"\x91\xc0", b"\xc1"]),
        max_size=8,
    ),
    st.integers(0, 150),
)
@settings(max_examples=60, deadline=None)
def test_all_ways_to_decode_a_frame_agree(items: list[Any], short: int) -> None:
    events: list[Any] = [
        item if isinstance(item, bytes) else start(at, payload={"text": "x" * item[0]}, **item[1])
        for at, item in enumerate(items)
    ]
    frame = frame_of([*events, *[b"\xc0"] * short, start(99)])
    whole = [event for batch in event_batches(frame, 0, 1, 0.0, most=3) for event in batch.events]
    assert [plain(event) for event in whole] == [plain(event) for event in events_of(frame)]
    parts = decode_events(split_frame(frame))
    assert [plain(event) for event in whole] == [plain(event) for event in parts]


def finished(event: bytes) -> Event | Reject:
    steps = decode_steps(memoryview(event), 3)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Event | Reject = done.value
            return result


def test_large_values_of_an_event_stay_bytes() -> None:
    big = {"text": ["x"] * LARGE_EVENT}
    end = start(1) | {"kind": "span_end", "error": None, "voice_metrics": big}
    decoded = finished(pack(end | {"payload": big}))
    assert isinstance(decoded, SpanEnd) and msgpack.unpackb(bytes(decoded.payload)) == big
    assert msgpack.unpackb(bytes(decoded.voice_metrics)) == big
    delta = start(1) | {"kind": "span_delta", "metadata": big}
    decoded = finished(pack(delta))
    assert isinstance(decoded, SpanDelta) and msgpack.unpackb(bytes(decoded.metadata)) == big
    decoded = finished(pack(start(1, metadata={"name": "kept", "more": big})))
    assert isinstance(decoded, SpanStart) and decoded.metadata.name == "kept"
    unknown = finished(pack(start(1) | {"what": big}))
    assert isinstance(unknown, SpanStart) and unknown.span_id == an_id(101)
    wrong = finished(pack(start(1, span_id=big)))
    assert wrong == Reject(3, f"the field span_id has {len(pack(big)):,} bytes")
    failed = finished(pack(end | {"error": "x" * (2 * LARGE_EVENT)}))
    assert isinstance(failed, SpanEnd) and failed.error == "x" * (2 * LARGE_EVENT)
    deep = finished(pack(start(1, payload=0))[:-1] + b"\x91" * (2 * REPAIRED_EVENT) + b"\xc0")
    assert isinstance(deep, Reject) and "levels deep" in deep.reason


class _Listener:
    def __init__(self) -> None:
        self.ids: list[str] = []

    def put(self, item: Any, size: int = 0) -> None:
        if isinstance(item, EventBatch):
            self.ids += [event.span_id for event in item.events]  # type: ignore[union-attr]


@pytest.mark.parametrize("most", [100_000, 40])
def test_other_frames_are_interleaved_and_every_subscriber_gets_each_event_once(
    tmp_path: Path, most: int
) -> None:
    """Also where events must be read back from the recording, and for who joins in the middle of it."""
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames, max_events=most)
    ingest = Ingest(recorder, inbox, lambda: 1.0)
    early, late = _Listener(), _Listener()
    ingest.join(early, 0)
    one, two = (ingest.open("p", "c", b"") for _ in range(2))
    large = frame_of(start(number, payload={"text": "x" * 500}) for number in range(4_000))
    assert len(large) > 4 * SMALL_FRAME
    steps = ingest.frame_steps(one, large)
    small = 10_000
    joined_at = 0
    recorded = False
    for step, _ in enumerate(steps):
        recorded = recorded or recorder.end().offset > len(large)
        ingest.frame(two, frame_of([start(small)]))
        small += 1
        if recorded and not joined_at and step > 8:
            joined_at = small
            past = ingest.join(late, None)
            assert past.events == 4_000 + small - 10_000
    assert joined_at and small - joined_at > 3
    span_ids: list[str] = []
    while items := inbox.take(1.0, 500):
        for item in items:
            if isinstance(item, EventBatch):
                span_ids += [event.span_id for event in item.events]  # type: ignore[union-attr]
    expected_ids = {an_id(100 + number) for number in (*range(4_000), *range(10_000, small))}
    assert len(span_ids) == len(expected_ids) and set(span_ids) == expected_ids and inbox.lost == 0
    assert [one for one in span_ids if one < an_id(10_000)] == [
        an_id(100 + number) for number in range(4_000)
    ]
    assert sorted(early.ids) == sorted(expected_ids)
    assert late.ids == [an_id(100 + number) for number in range(joined_at, small)]
    recorder.close()


def test_a_large_frame_is_written_in_pieces_and_read_back_whole(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    frame = usual(9 * MIB)
    first = recorder.append(1.0, 1, b"\x90")
    ref = recorder.append(1.0, 1, frame, in_pieces=True)
    after = recorder.append(1.0, 1, list_of_nil(100))
    recorder.flush()
    pieces = 0
    while recorder.write_some():
        pieces += 1
        assert (tmp_path / "a").stat().st_size <= (pieces + 1) * 2 * MIB
    assert pieces >= 4 and (tmp_path / "a").stat().st_size == recorder.bytes_written
    assert [bytes(recorder.read_frame(at)) for at in (first, ref, after)] == [
        b"\x90",
        frame,
        list_of_nil(100),
    ]  # type: ignore[arg-type]
    recorder.append(1.0, 1, frame, in_pieces=True)
    recorder.write_some()
    recorder.append(2.0, 1, b"\x90")
    recorder.close()
    assert (tmp_path / "a").stat().st_size == recorder.bytes_written > 2 * len(frame)
