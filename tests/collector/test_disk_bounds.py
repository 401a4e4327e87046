"""A recording that is being written stays within what may be kept, and goes on when a disk has room again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from etaoi_collector.recording import recording_files
from etaoi_collector.recording.chunks import Cursor
from etaoi_collector.recording.directory import list_recordings
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.recorder import Recorder, State
from etaoi_collector.recording.recording_files import OVER_KEPT_BYTES
from etaoi_collector.recording.shared_values import SharedValues
from etaoi_collector.source_items import FrameRefused, Missing, Opened
from etaoi_collector.wire.event_ref import unpack_event_ref
from etaoi_collector.wire.references import digest_of, encode_values, reference_to
from etaoi_collector.wire.trace_records import create_private, read_header, records_in
from tests.collector.making import an_id, events_in, numbered_frame
from tests.collector.serving import serving, wait_for
from tests.collector.test_recorder import file_size_limit, span_at

KEEP_BYTES = 200_000
PAYLOAD = msgpack.packb({"payload": 0})[:-1]
"""How an event begins that has nothing else."""
FRAME = len(numbered_frame(0, 10))


def on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_the_disk_is_bounded_while_it_records(tmp_path: Path) -> None:
    """Ten times as much arrives as may be kept: at no moment there is more, and the newest is all there."""
    old = Recorder(directory=tmp_path, clock=lambda: 1e9)
    old.append(1.0, 1, numbered_frame(0, 200))
    old.close()
    recorder = Recorder(directory=tmp_path, segment_bytes=20_000, keep_bytes=KEEP_BYTES)
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    refs: list[int] = []
    most = 0
    while len(refs) * FRAME < 10 * KEEP_BYTES:
        refs.append(recorder.append(1.0, 1, numbered_frame(len(refs), 10)))
        recorder.flush()
        most = max(most, on_disk(tmp_path))
    assert KEEP_BYTES // 2 < most <= KEEP_BYTES
    assert recorder.bytes_written == on_disk(tmp_path) and recorder.warning == ""
    read = [recorder.read(ref) for ref in refs]
    readable = [number for number, raw in enumerate(read) if isinstance(raw, bytes)]
    assert readable == list(range(readable[0], len(refs))) and len(readable) * FRAME > KEEP_BYTES // 2
    assert {raw.reason for raw in read if isinstance(raw, Missing)} == {OVER_KEPT_BYTES}
    recorder.close()

    (run,) = list_recordings(tmp_path)
    reader = TraceReader(run.path)
    arrivals = list(reader.arrivals())
    assert [event.span_id for event in events_in(arrivals)][::10] == [an_id(100 + n) for n in readable]  # type: ignore[union-attr]
    assert [item.connection.peer for item in arrivals if isinstance(item, Opened)] == ["p"]
    part = unpack_event_ref(refs[readable[0]])[0] + 1
    assert reader.notices == [f"This is part {part} of a recording; earlier parts were not kept."]


def test_a_spool_is_bounded_and_a_chosen_file_is_not(tmp_path: Path) -> None:
    spool = Recorder(segment_bytes=20_000, keep_bytes=KEEP_BYTES)
    chosen = Recorder(path=tmp_path / "a", segment_bytes=20_000, keep_bytes=KEEP_BYTES)
    for recorder in (spool, chosen):
        first = recorder.append(1.0, 1, numbered_frame(0, 10))
        for number in range(1, 600):
            recorder.append(1.0, 1, numbered_frame(number, 10))
        recorder.flush()
        missing = recorder.read(first)
        if recorder is spool:
            assert recorder.bytes_written <= KEEP_BYTES and missing == Missing(OVER_KEPT_BYTES)
        else:
            assert on_disk(tmp_path) == recorder.bytes_written > 3 * KEEP_BYTES and isinstance(missing, bytes)
        recorder.close()


def test_a_reader_that_starts_late_is_told_how_much_was_deleted(tmp_path: Path) -> None:
    recorder = Recorder(directory=tmp_path, segment_bytes=20_000, keep_bytes=KEEP_BYTES)
    for number in range(600):
        recorder.append(float(number), 1, numbered_frame(number, 10))
    position, times, gap, segments = Cursor(), [], 0, []
    while (chunk := recorder.read_chunk(position, 50_000)) is not None:
        head = read_header(chunk.data)
        if head is not None:
            segments.append(head[0].segment)
        else:
            times += [at for _, _, at, _, _ in records_in(chunk.data)]
        if chunk.gap:
            gap += chunk.gap
            assert chunk.why == OVER_KEPT_BYTES and chunk.start.offset == 0
        position = chunk.end
    assert position == recorder.end() and recorder.oldest() == Cursor(segments[0], 0) > Cursor()
    assert segments == list(range(segments[0], segments[-1] + 1))
    assert (
        times == [float(number) for number in range(600 - len(times), 600)]
        and len(times) * FRAME > KEEP_BYTES // 2
    )
    average = (gap + recorder.bytes_written) / 600
    assert gap == pytest.approx((600 - len(times)) * average, rel=0.02)
    recorder.close()


@pytest.mark.parametrize("history", [None, 3_000, 100])
def test_a_late_subscriber_is_told_how_much_was_deleted(tmp_path: Path, history: int | None) -> None:
    with serving(tmp_path, segment_bytes=20_000, keep_bytes=KEEP_BYTES) as (collector, _):
        ingest, recorder = collector._open_hub()
        number = ingest.open("p", "c", b"")
        for first in range(0, 5_000, 10):
            ingest.frame(number, numbered_frame(first, 10))
        with collector.subscribe(history=history, kinds="span_start") as subscription:
            subscription.end()
            events = list(subscription)
        missed = sum(event.count or 0 for event in events if event.kind == "missed")
        span_ids = [event.span_id for event in events if event.kind == "span_start"]
        expected_count = 5_000 if history is None else history
        assert missed + len(span_ids) == expected_count
        assert span_ids == [an_id(100 + at) for at in range(5_000 - len(span_ids), 5_000)]
        assert (
            (missed > 3_000 and events[0].reason == OVER_KEPT_BYTES)
            if history is None
            else len(span_ids) >= 100
        )
        assert isinstance(recorder.read(0), Missing)


def test_a_slow_reader_skips_parts_that_were_deleted(tmp_path: Path) -> None:
    recorder = Recorder(directory=tmp_path, segment_bytes=20_000, keep_bytes=KEEP_BYTES)
    recorder.append(1.0, 1, numbered_frame(0, 10))
    recorder.flush()
    (run,) = list_recordings(tmp_path)
    reader = TraceReader(run.path)
    assert len(events_in(reader.arrivals())) == 10
    for number in range(1, 600):
        recorder.append(1.0, 1, numbered_frame(number, 10))
    recorder.flush()
    events = events_in(reader.arrivals())
    assert events[-1].span_id == an_id(100 + 608) and len(events) * FRAME > 10 * KEEP_BYTES // 2  # type: ignore[union-attr]
    assert len(reader.notices) == 1 and "were not kept" in reader.notices[0]
    recorder.close()


class FullFor:
    """Lets nothing be written while it is full."""

    def __init__(self) -> None:
        self.full = False
        self.opened: list[Path] = []
        self._real = create_private

    def create(self, path: Path) -> Any:
        self.opened.append(path)
        return _Limited(self._real(path), self)


class _Limited:
    def __init__(self, file: Any, disk: FullFor) -> None:
        self._file = file
        self._disk = disk

    def write(self, data: Any) -> int:
        if self._disk.full:
            raise OSError(errno.ENOSPC, "full")
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullFor:
    full_disk = FullFor()
    monkeypatch.setattr(recording_files, "create_private", full_disk.create)
    return full_disk


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for the recorder's next attempt."""
    now = [1_000.0]
    monkeypatch.setattr("etaoi_collector.recording.recorder.time.monotonic", lambda: now[0])

    def add(more: float) -> None:
        now[0] += more

    return add


@pytest.mark.parametrize("chosen", [True, False])
def test_a_full_disk_is_reported_once_and_recording_resumes_in_a_new_file(
    tmp_path: Path, disk: FullFor, seconds: Callable[[float], None], chosen: bool
) -> None:
    where = {"path": tmp_path / "run.msgpack"} if chosen else {"directory": tmp_path}
    recorder = Recorder(**where)  # type: ignore[arg-type]
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    refs = [recorder.append(1.0, 1, numbered_frame(n, 1)) for n in range(5)]
    recorder.flush()
    disk.full = True
    warnings = set()
    for n in range(5, 15):
        refs.append(recorder.append(2.0, 1, numbered_frame(n, 1)))
        recorder.flush()
        seconds(0.3)
        warnings.add(recorder.warning)
    first = recorder.path
    assert first is not None and warnings == {f"recording stopped: disk full ({first.name})"}
    assert recorder.state is State.STOPPED and os.listdir(tmp_path) == [first.name]
    disk.full = False
    seconds(1.1)
    recorder.flush()
    refs += [recorder.append(3.0, 1, numbered_frame(n, 1)) for n in range(15, 20)]
    assert (recorder.state, recorder.warning) == (State.RECORDING, "")
    assert recorder.trouble == "the recording has a gap of 10 frames: disk full"
    assert [span_at(recorder, ref) for ref in refs] == [an_id(100 + n) for n in range(20)]
    assert refs == sorted(refs) and recorder.unrecorded == 10
    followed = []
    position = Cursor()
    while (chunk := recorder.read_chunk(position, 100_000)) is not None:
        followed += [at for _, kind, at, _, _ in records_in(chunk.data) if kind == 2]
        position = chunk.end
    assert followed == [1.0] * 5 + [2.0] * 10 + [3.0] * 5
    recorder.close()
    arrivals = list(TraceReader(first).arrivals())
    assert [e.span_id for e in events_in(arrivals)] == [an_id(100 + n) for n in (*range(5), *range(15, 20))]  # type: ignore[union-attr]
    (refused,) = [item for item in arrivals if isinstance(item, FrameRefused)]
    assert refused.reason == "10 frames: disk full" and refused.size > 1_000
    assert [item.connection.peer for item in arrivals if isinstance(item, Opened)] == ["p"]


def test_a_disk_with_hardly_any_room_is_left_alone(tmp_path: Path, seconds: Callable[[float], None]) -> None:
    """A file for a few bytes more would be full at once: no row of tiny files."""
    recorder = Recorder(directory=tmp_path)
    with file_size_limit(20_000):
        for n in range(200):
            recorder.append(1.0, 1, numbered_frame(n, 1))
            recorder.flush()
            seconds(1.1)
        assert len(os.listdir(tmp_path)) == 1 and recorder.state is State.STOPPED
    seconds(1.1)
    recorder.flush()
    assert len(os.listdir(tmp_path)) == 2 and recorder.state is State.RECORDING
    recorder.close()


def test_a_folder_that_becomes_usable_is_used(tmp_path: Path, seconds: Callable[[float], None]) -> None:
    (tmp_path / "state").write_text("in the way")
    recorder = Recorder(directory=tmp_path / "state" / "recordings")
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    early = recorder.append(1.0, 1, numbered_frame(0, 1))
    seconds(1.1)
    recorder.flush()
    assert recorder.state is State.SPOOLING and recorder.warning.startswith("not recording: ")
    (tmp_path / "state").unlink()
    seconds(1.1)
    recorder.flush()
    late = recorder.append(2.0, 1, numbered_frame(1, 1))
    assert (recorder.state, recorder.warning) == (State.RECORDING, "")
    assert recorder.trouble.startswith("the recording begins late: ")
    assert [span_at(recorder, ref) for ref in (early, late)] == [an_id(100), an_id(101)]
    recorder.close()
    (run,) = list_recordings(tmp_path / "state" / "recordings")
    assert recorder.path == run.path
    arrivals = list(TraceReader(run.path).arrivals())
    assert len(events_in(arrivals)) == 1
    assert [item.connection.peer for item in arrivals if isinstance(item, Opened)] == ["p"]


def test_a_collector_goes_on_by_itself(tmp_path: Path, disk: FullFor) -> None:
    with serving(tmp_path) as (collector, source):
        ingest, recorder = collector._open_hub()
        number = ingest.open("p", "c", b"")
        ingest.frame(number, numbered_frame(0, 1))
        wait_for(lambda: on_disk(tmp_path / "recordings") > 0)
        disk.full = True
        ingest.frame(number, numbered_frame(1, 1))
        wait_for(lambda: recorder.state is State.STOPPED)
        assert source.status().recording.warning.startswith("recording stopped: disk full")
        disk.full = False
        wait_for(lambda: recorder.state is State.RECORDING)
        assert source.status().recording.warning == ""
        assert source.notices == ["the recording has a gap of 1 frame: disk full"]


def test_where_values_lie_is_forgotten_with_their_files(tmp_path: Path) -> None:
    """A day of values keeps the places of those alone that can be read, and finds each of these."""
    recorder = Recorder(directory=tmp_path, segment_bytes=20_000, keep_bytes=KEEP_BYTES)
    contents = [msgpack.packb({"text": f"{number} " + "x" * 2_000}) for number in range(1_000)]
    for number, content in enumerate(contents):
        recorder.append(1.0, 1, encode_values({digest_of(content): content}))
        event = PAYLOAD + reference_to(digest_of(content))
        event_ref = recorder.append(1.0, 1, b"\x91\x81" + msgpack.packb("batch") + b"\x91" + event)
        if number % 10 == 0:  # somebody looks while they go
            assert recorder.read(event_ref) == PAYLOAD + content
    refs = recorder.value_refs
    assert 10 < len(refs) * 2_000 < KEEP_BYTES
    assert all(isinstance(recorder.read_frame(ref), bytes | memoryview) for ref in refs)
    shared = SharedValues(lambda: recorder.value_refs, recorder.read_frame)
    assert shared.find(digest_of(contents[-1])) == contents[-1]
    assert shared.find(digest_of(contents[-len(refs)])) == contents[-len(refs)]
    assert shared.find(digest_of(contents[0])) is None
    assert len(shared._where) == len(refs)
    recorder.close()
