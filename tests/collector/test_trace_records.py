"""The trace file as other programs see it, and the writer when writing fails."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import msgpack
import pytest

from etaoi_collector.wire.errors import HeaderError
from etaoi_collector.wire.trace_records import (
    FRAME,
    PREFIX,
    TraceHeader,
    TraceWriter,
    first_segment_path,
    is_being_written,
    read_header,
    read_prefix,
    segment_path,
)
from tests.collector.making import numbered_frame, write_trace


class Full:
    """A file that takes so many bytes and then has no space left."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.data = b""

    def write(self, data: Any) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = bytes(data[: self.room])
        self.room -= len(written)
        self.data += written
        return len(written)

    def truncate(self, size: int) -> None:
        self.data = self.data[:size]

    def close(self) -> None:
        pass


def test_any_messagepack_tool_can_read_it(tmp_path: Path) -> None:
    frames = [numbered_frame(0, 2), numbered_frame(2, 3)]
    path = write_trace(tmp_path / "a.msgpack", frames)
    with path.open("rb") as file:
        items = list(msgpack.Unpacker(file))
    header, records = items[0], items[1:]
    assert (header["format"], header["version"], header["writer"]) == ("etaoi-trace", "1.1", "test 1")
    assert (header["created"], header["segment"]) == (1000.0, 0)
    assert [record[0] for record in records] == [1, 2, 2, 4]
    assert msgpack.unpackb(records[0][3])["client"] == "a client"
    assert [record[3] for record in records[1:3]] == frames
    assert records[1][1:3] == [1001.0, 1]


def test_the_file_is_private_and_locked_while_it_is_written(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "a.msgpack", writer="t")
    assert stat.S_IMODE((tmp_path / "a.msgpack").stat().st_mode) == 0o600
    with (tmp_path / "a.msgpack").open("rb") as other:
        assert is_being_written(other.fileno())
        writer.close()
        assert not is_being_written(other.fileno())


def test_an_existing_file_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        TraceWriter(tmp_path / "a", writer="t")
    assert (tmp_path / "a").read_bytes() == b"precious"


def test_offsets_lead_to_records_without_decoding(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "a", writer="t")
    offsets = [writer.append_frame(5.0, 9, bytes(size)) for size in (0, 1, 300, 3 << 20, 7)]
    size = writer.size
    writer.close()
    data = (tmp_path / "a").read_bytes()
    assert len(data) == size
    assert [read_prefix(data, at) for at in offsets] == [(FRAME, 5.0, 9, n) for n in (0, 1, 300, 3 << 20, 7)]
    assert offsets[1] == offsets[0] + PREFIX.size


def test_little_is_written_at_once_and_much_without_being_asked(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "a", writer="t")
    writer.append_frame(1.0, 1, b"x" * 100)
    assert (tmp_path / "a").stat().st_size == 0 and writer.pending > 100
    writer.flush()
    assert (tmp_path / "a").stat().st_size == writer.size and writer.pending == 0
    writer.append_frame(1.0, 1, b"x" * (2 << 20))
    assert (tmp_path / "a").stat().st_size == writer.size


@pytest.mark.parametrize("room", [0, 10, 150, 400, 1000])
def test_a_full_disk_leaves_whole_records_and_reports_the_missing_ones(room: int) -> None:
    sink = Full(room)
    writer = TraceWriter(sink, writer="t")
    offsets = [writer.append_frame(float(n), 1, bytes([n]) * 100) for n in range(12)]
    with pytest.raises(OSError) as caught:
        writer.flush()
    assert caught.value.errno == errno.ENOSPC and writer.failed is caught.value
    assert len(sink.data) == writer.written <= room
    missing = writer.unwritten()
    assert missing[0][0] == writer.written
    assert [offset for offset, _, _ in missing if offset] == [at for at in offsets if at >= writer.written]
    with pytest.raises(OSError):
        writer.flush()
    assert len(sink.data) == writer.written
    writer.close()


def test_a_record_beyond_the_formats_length_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.wire.trace_records.LARGEST_FRAME", 10)
    with pytest.raises(ValueError, match="at most 10 bytes"):
        TraceWriter(Full(100), writer="t").append_frame(1.0, 1, bytes(11))


def test_headers_of_the_same_major_version_are_read() -> None:
    later = msgpack.packb(
        {"format": "etaoi-trace", "version": "1.7", "created": 1.5, "new": [1], "writer": "w 9"}
    )
    assert read_header(later + b"\x94") == (TraceHeader(version="1.7", created=1.5, writer="w 9"), len(later))


def test_a_newer_major_version_asks_for_an_update() -> None:
    newer = msgpack.packb({"format": "etaoi-trace", "version": "2.0", "writer": "etaoi-tui 3.1"})
    with pytest.raises(HeaderError, match=r"newer version \(etaoi-tui 3.1\): please update"):
        read_header(newer)


def test_other_data_has_no_header() -> None:
    for data in (b"", b"\x90", b"{}", b"\x81\xa4kind\xa5hello", msgpack.packb({"format": "other"})):
        assert read_header(data) is None


@pytest.mark.parametrize(
    ("first", "third"),
    [
        ("run.msgpack", "run.3.msgpack"),
        ("run", "run.3"),
        ("a.b.msgpack", "a.b.3.msgpack"),
        ("run.msgpack.gz", "run.3.msgpack.gz"),
        ("run.msgpack.zst", "run.3.msgpack.zst"),
    ],
)
def test_segments_are_named_after_the_first(first: str, third: str) -> None:
    assert segment_path(first, 0) == Path(first)
    assert segment_path(Path("d") / first, 2) == Path("d") / third
    assert first_segment_path(Path("d") / third, 2) == Path("d") / first
