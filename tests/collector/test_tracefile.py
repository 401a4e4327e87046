"""Opening recordings: every format, every kind of damage, and files that are still growing."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import msgpack
import pytest
import zstandard

from etaoi_collector.recording.reader import TraceFileError, TraceReader
from etaoi_collector.source_items import Closed, Ended, EventBatch, FrameRefused, Missing, Opened
from etaoi_collector.wire.events import Reject, SpanEnd, SpanStart
from etaoi_collector.wire.handshake import encode_hello
from etaoi_collector.wire.trace_records import FRAME, TraceWriter, encode_record
from tests.collector.making import (
    CAPTURES,
    an_id,
    events_in,
    frame_of,
    numbered_frame,
    pack,
    refs_in,
    start,
    write_trace,
)

COUNTS = {
    row.split("|")[1].strip(): [int(cell) for cell in row.split("|")[3:7]]
    for row in (CAPTURES / "README.md").read_text().splitlines()
    if row.startswith("| s")
}


def test_every_capture_is_listed() -> None:
    assert sorted(COUNTS) == sorted(path.name.partition(".")[0] for path in CAPTURES.glob("*.msgpack*"))


@pytest.mark.parametrize("name", COUNTS)
def test_captures_load_with_the_counts_of_their_readme(name: str) -> None:
    reader = TraceReader(next(CAPTURES.glob(f"{name}.msgpack*")))
    arrivals = list(reader.arrivals())
    events = events_in(arrivals)
    assert not [event for event in events if isinstance(event, Reject)]
    spans = {event.span_id for event in events if isinstance(event, SpanStart)}
    open_spans = spans - {event.span_id for event in events if isinstance(event, SpanEnd)}
    traces = {event.trace_id for event in events if isinstance(event, SpanStart)}
    assert [len(events), len(spans), len(traces), len(open_spans)] == COUNTS[name]
    assert [type(item) for item in arrivals if not isinstance(item, EventBatch)] == [Opened, Closed, Ended]
    assert reader.notices == [] and reader.ended and reader.position == reader.size
    for event, ref in zip(events, refs_in(arrivals), strict=True):
        raw = reader.read(ref)
        assert isinstance(raw, bytes) and msgpack.unpackb(raw)["event_id"] == event.event_id
    reader.close()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_trace(
        tmp_path / "run.msgpack", [numbered_frame(0, 3), numbered_frame(3, 1), numbered_frame(4, 2)]
    )


def test_our_own_format_has_every_field(trace: Path) -> None:
    reader = TraceReader(trace)
    arrivals = list(reader.arrivals())
    assert [type(item) for item in arrivals] == [Opened, EventBatch, EventBatch, EventBatch, Closed, Ended]
    opened, first, closed, ended = arrivals[0], arrivals[1], arrivals[-2], arrivals[-1]
    assert isinstance(opened, Opened) and isinstance(first, EventBatch)
    assert (opened.connection.number, opened.connection.peer) == (1, "127.0.0.1:5")
    assert (opened.connection.client, opened.connection.opened_at) == ("a client", 1000.0)
    assert (first.received, first.connection, first.first_ordinal, len(first.events)) == (1001.0, 1, 0, 3)
    assert closed == Closed(1, 1003.0, 1000, "done") and ended == Ended(1003.0)
    assert list(reader.arrivals()) == [] and reader.header is not None and reader.header.writer == "test 1"


def test_a_file_truncated_anywhere_opens_with_its_earlier_events(trace: Path, tmp_path: Path) -> None:
    data = trace.read_bytes()
    whole = TraceReader(trace)
    boundaries = {item.base_ref >> 24 for item in whole.arrivals() if isinstance(item, EventBatch)}
    event_counts = set()
    for length in range(1, len(data)):
        torn = tmp_path / "torn.msgpack"
        torn.write_bytes(data[:length])
        try:
            reader = TraceReader(torn)
        except TraceFileError as error:
            assert "breaks off within its header" in str(error)
            assert length < min(boundaries)
            continue
        arrivals = list(reader.arrivals())
        events = events_in(arrivals)
        event_counts.add(len(events))
        assert not [event for event in events if isinstance(event, Reject)]
        assert isinstance(arrivals[-1], Ended)
        notices = " ".join(reader.notices)
        assert ("breaks off within a record" in notices) or reader.position == length
        if not events and not any(isinstance(item, Opened) for item in arrivals):
            assert "Nothing was recorded." in notices
        reader.close()
    assert event_counts == {0, 3, 4, 6}


def test_a_file_with_only_a_header_is_reported(tmp_path: Path) -> None:
    TraceWriter(tmp_path / "a", writer="t", created=7.0).close()
    reader = TraceReader(tmp_path / "a")
    assert list(reader.arrivals()) == [Ended(7.0)]
    assert reader.notices == ["Nothing was recorded."]


def test_unusable_files_get_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text('{"trace": 1}')
    (tmp_path / "other").write_bytes(pack([1, 2, 3]))
    (tmp_path / "newer").write_bytes(pack({"format": "etaoi-trace", "version": "9.0", "writer": "x 2"}))
    (tmp_path / "packed").write_bytes(gzip.compress(b"just text"))
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8b nonsense")
    os.mkfifo(tmp_path / "pipe")
    expected = {
        "empty": "is empty: nothing was recorded",
        "text": "is not a recording",
        "other": "is not a recording",
        "newer": "please update etaoi-tui",
        "packed": "is not a recording",
        "bad.gz": "is empty",
        "pipe": "is not a regular file",
        "absent": "does not exist",
        "": "is a folder",
    }
    for name, words in expected.items():
        with pytest.raises(TraceFileError) as caught:
            TraceReader(tmp_path / name)
        assert words in str(caught.value) and "\n" not in str(caught.value)


def test_names_that_would_write_to_the_terminal_are_escaped(tmp_path: Path) -> None:
    with pytest.raises(TraceFileError) as caught:
        TraceReader(tmp_path / "a\x1b[2Jb")
    assert str(caught.value).isprintable()


def test_a_plain_stream_of_frames(tmp_path: Path) -> None:
    frames = [numbered_frame(0, 2), numbered_frame(2, 40)]
    (tmp_path / "a").write_bytes(b"".join(frames))
    reader = TraceReader(tmp_path / "a", events_per_item=16)
    arrivals = list(reader.arrivals())
    assert [type(item) for item in arrivals] == [
        Opened,
        EventBatch,
        EventBatch,
        EventBatch,
        EventBatch,
        Closed,
        Ended,
    ]
    assert len(events_in(arrivals)) == 42
    assert arrivals[1].received == pytest.approx(1767323045.12)  # type: ignore[union-attr]
    assert all(isinstance(reader.read(ref), bytes) for ref in refs_in(arrivals))


def test_hellos_in_foreign_streams_are_connections(tmp_path: Path) -> None:
    hello = encode_hello("0.5.1")
    (tmp_path / "plain").write_bytes(hello + numbered_frame(0, 1) + hello + numbered_frame(1, 1))
    timed = [
        [1.0, hello],
        [2.0, numbered_frame(0, 1)],
        [3, b"\x81\x01\x02"],
        [4, hello],
        [5.5, numbered_frame(1, 1)],
    ]
    (tmp_path / "timed").write_bytes(b"".join(map(pack, timed[:2])) + pack([3.0, b"\x81\x01\x02"]))
    with (tmp_path / "timed").open("ab") as file:
        file.write(b"".join(map(pack, [[4.0, hello], timed[4]])))
    for name in ("plain", "timed"):
        reader = TraceReader(tmp_path / name)
        arrivals = list(reader.arrivals())
        assert [item.connection.number for item in arrivals if isinstance(item, Opened)] == [1, 2]
        assert [item.connection for item in arrivals if isinstance(item, EventBatch)] == [1, 2]
        assert [item.connection for item in arrivals if isinstance(item, Closed)] == [1, 2]
    assert reader.notices == ["A message that is neither a frame nor a client's hello was left out."]
    assert arrivals[-1] == Ended(5.5)


def test_garbage_within_a_foreign_stream_ends_it_with_a_notice(tmp_path: Path) -> None:
    good = numbered_frame(0, 2)
    (tmp_path / "a").write_bytes(good + b"plain text follows")
    reader = TraceReader(tmp_path / "a")
    assert len(events_in(reader.arrivals())) == 2
    assert f"cannot be read from byte {len(good):,} on" in reader.notices[0]


@pytest.mark.parametrize("packing", ["gz", "zst"])
@pytest.mark.parametrize("capture", [False, True])
def test_compressed_recordings(tmp_path: Path, trace: Path, packing: str, capture: bool) -> None:
    source = CAPTURES / "s04_lcel.msgpack" if capture else trace
    data = source.read_bytes()
    packed = tmp_path / f"a.msgpack.{packing}"
    packed.write_bytes(gzip.compress(data) if packing == "gz" else zstandard.compress(data))
    reader, plain = TraceReader(packed), TraceReader(source)
    arrivals = list(reader.arrivals())
    assert [event.event_id for event in events_in(arrivals)] == [  # type: ignore[union-attr]
        event.event_id  # type: ignore[union-attr]
        for event in events_in(plain.arrivals())
    ]
    assert all(isinstance(reader.read(ref), bytes) for ref in refs_in(arrivals))
    assert reader.notices == [] and reader.position == reader.size == packed.stat().st_size
    reader.close()


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_compressed_data_that_breaks_off(tmp_path: Path, packing: str) -> None:
    frames = [numbered_frame(n * 50, 50) for n in range(60)]
    data = write_trace(tmp_path / "a", frames).read_bytes()
    packed = gzip.compress(data, 1) if packing == "gz" else zstandard.ZstdCompressor(level=1).compress(data)
    (tmp_path / "b").write_bytes(packed[: len(packed) * 3 // 4])
    reader = TraceReader(tmp_path / "b")
    count = len(events_in(reader.arrivals()))
    assert 0 < count < 3000
    assert reader.notices


def test_a_compression_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from etaoi_collector.recording import random_access_file as bytefile

    monkeypatch.setattr(bytefile.open_bytes, "__defaults__", (1 << 20,))
    data = write_trace(tmp_path / "a", [numbered_frame(0, 1), b"\x90" + bytes(8 << 20), numbered_frame(1, 1)])
    (tmp_path / "b.gz").write_bytes(gzip.compress(data.read_bytes()))
    reader = TraceReader(tmp_path / "b.gz")
    assert len(events_in(reader.arrivals())) == 1
    assert "unpacks to more than" in reader.notices[-1]


def test_damage_in_the_middle_costs_the_damaged_records(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "a", [numbered_frame(n, 1) for n in range(6)])
    offsets = [i.base_ref >> 24 for i in TraceReader(path).arrivals() if isinstance(i, EventBatch)]
    data = bytearray(path.read_bytes())
    data[offsets[2] : offsets[2] + 30] = b"\xff" * 30
    path.write_bytes(data)
    reader = TraceReader(path)
    arrivals = list(reader.arrivals())
    ids = [event.span_id for event in events_in(arrivals)]  # type: ignore[union-attr]
    assert ids == [an_id(100 + n) for n in (0, 1, 3, 4, 5)]
    assert [notice for notice in reader.notices if "is damaged" in notice]
    assert arrivals[-2] == Closed(1, 1006.0, 1000, "done")


def test_records_of_a_later_version_are_hopped_over(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "a", writer="t", created=1.0)
    writer.append(77, 2.0, 0, b"something new")
    writer.append_frame(3.0, 4, numbered_frame(0, 1))
    writer.refused(4.0, 4, size=10, reason="too large")
    writer.append(1, 5.0, 9, b"\xc1")
    writer.close()
    arrivals = list(TraceReader(tmp_path / "a").arrivals())
    assert [type(item) for item in arrivals] == [
        Opened,
        EventBatch,
        FrameRefused,
        Opened,
        Closed,
        Closed,
        Ended,
    ]
    assert arrivals[0].connection.peer == "unknown"  # type: ignore[union-attr]
    assert arrivals[2] == FrameRefused(4, 4.0, 10, "too large")


def test_bad_events_are_rejects_with_an_event_ref(tmp_path: Path) -> None:
    frame = frame_of([start(1), start(2, kind="other"), start(3)])
    reader = TraceReader(write_trace(tmp_path / "a", [frame]))
    arrivals = list(reader.arrivals())
    events, refs = events_in(arrivals), refs_in(arrivals)
    assert events[1] == Reject(1, "unknown event kind 'other'")
    raw = reader.read(refs[1])
    assert isinstance(raw, bytes) and msgpack.unpackb(raw)["span_id"] == an_id(102)


def test_a_frame_of_many_events_comes_in_slices(tmp_path: Path) -> None:
    reader = TraceReader(write_trace(tmp_path / "a", [numbered_frame(0, 650)]), events_per_item=300)
    items = [item for item in reader.arrivals() if isinstance(item, EventBatch)]
    assert [(item.first_ordinal, len(item.events)) for item in items] == [
        (0, 300),
        (300, 300),
        (600, 50),
    ]
    assert len({item.base_ref for item in items}) == 1


def test_large_frames_are_mapped_and_read_back(tmp_path: Path) -> None:
    frame = frame_of(start(number, payload={"text": "x" * 40_000}) for number in range(100))
    reader = TraceReader(write_trace(tmp_path / "a", [numbered_frame(500, 1), frame, numbered_frame(501, 1)]))
    arrivals = list(reader.arrivals())
    events, refs = events_in(arrivals), refs_in(arrivals)
    assert len(events) == 102 and not [event for event in events if isinstance(event, Reject)]
    raw = reader.read(refs[50])
    assert isinstance(raw, bytes) and msgpack.unpackb(raw)["event_id"] == events[50].event_id  # type: ignore[union-attr]


def test_event_refs_without_an_event_are_reported(trace: Path) -> None:
    reader = TraceReader(trace)
    refs = refs_in(reader.arrivals())
    for ref in (-1, refs[0] + 100, refs[0] + (5 << 24), 1 << 70, refs[-1] + (1 << 40)):
        missing = reader.read(ref)
        assert isinstance(missing, Missing) and missing.reason


def test_a_growing_file_is_followed_to_its_end(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "a", writer="t", created=1.0)
    writer.opened(1.0, 1, peer="p")
    writer.append_frame(2.0, 1, numbered_frame(0, 2))
    writer.flush()
    reader = TraceReader(tmp_path / "a")
    assert [type(item) for item in reader.arrivals()] == [Opened, EventBatch]
    assert reader.growing and not reader.ended and list(reader.arrivals()) == []
    writer.append_frame(3.0, 1, numbered_frame(2, 1))
    writer.flush()
    assert len(events_in(reader.arrivals())) == 1
    writer.append_frame(4.0, 1, numbered_frame(3, 1))
    writer.close()
    assert [type(item) for item in reader.arrivals()] == [EventBatch, Closed, Ended]
    assert not reader.growing and reader.ended


def test_a_record_that_is_half_written_is_waited_for(tmp_path: Path, trace: Path) -> None:
    data = trace.read_bytes()
    grown = tmp_path / "grown"
    grown.write_bytes(b"")
    with grown.open("ab", buffering=0) as file:
        file.write(data[:300])
        reader = TraceReader(grown, follow=True)
        arrivals = list(reader.arrivals())
        for at in range(300, len(data), 97):
            file.write(data[at : at + 97])
            arrivals += reader.arrivals()
    assert len(events_in(arrivals)) == 6 and reader.notices == [] and not reader.ended
    reader.follow(False)
    assert list(reader.arrivals()) == [Ended(1003.0)]


def test_a_file_cut_short_while_it_is_read_does_no_harm(tmp_path: Path) -> None:
    big = frame_of([start(1, payload={"text": "x" * 3_000_000})])
    path = write_trace(tmp_path / "a", [big, numbered_frame(2, 1)])
    reader = TraceReader(path)
    arrivals = list(reader.arrivals())
    os.truncate(path, 1000)
    assert all(isinstance(reader.read(ref), Missing) for ref in refs_in(arrivals))


def test_segments_are_read_as_one_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    for number, name in enumerate(("run.msgpack", "run.2.msgpack", "run.3.msgpack")):
        writer = TraceWriter(tmp_path / name, writer="t", created=1.0, recording="same", segment=number)
        writer.opened(float(number), 1, peer="p", again=number > 0)
        writer.append_frame(float(number), 1, numbered_frame(number, 1))
        writer.close()
    write_trace(tmp_path / "run.4.msgpack", [numbered_frame(9, 1)])  # of another recording
    reader = TraceReader(path)
    arrivals = list(reader.arrivals())
    assert [type(item) for item in arrivals] == [Opened, EventBatch, EventBatch, EventBatch, Closed, Ended]
    assert (
        reader.size
        == reader.position
        == sum((tmp_path / f"run{n}.msgpack").stat().st_size for n in ("", ".2", ".3"))
    )
    for number, ref in enumerate(refs_in(arrivals)):
        raw = reader.read(ref)
        assert isinstance(raw, bytes) and msgpack.unpackb(raw)["span_id"] == an_id(100 + number)
    later = TraceReader(tmp_path / "run.2.msgpack")
    assert len(events_in(later.arrivals())) == 2 and "part 2" in later.notices[0]


@pytest.mark.parametrize("length", range(1, 22))
def test_a_damaged_record_at_a_torn_end_costs_itself_only(tmp_path: Path, length: int) -> None:
    path = write_trace(tmp_path / "a", [numbered_frame(n, 2) for n in range(9)])
    whole = path.read_bytes()
    torn = encode_record(FRAME, 5.0, 1, b"x" * 40)[:length]
    path.write_bytes(whole + b"\x00\x01\x02" + torn)
    reader = TraceReader(path)
    assert len(events_in(list(reader.arrivals()))) == 18
    assert reader.notices


@pytest.mark.parametrize("at", [0, 1, 5, 12, 20])
def test_a_damaged_header_costs_no_record(trace: Path, at: int) -> None:
    good = [
        event.event_id for event in events_in(TraceReader(trace).arrivals()) if not isinstance(event, Reject)
    ]
    data = bytearray(trace.read_bytes())
    data[at] ^= 0x40
    trace.write_bytes(data)
    reader = TraceReader(trace)
    read = events_in(reader.arrivals())
    assert [event.event_id for event in read if not isinstance(event, Reject)] == good
    reader.close()
