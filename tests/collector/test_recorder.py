"""Recording: files, segments, read-back while writing, and everything that can go wrong with a disk."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest

from etaoi_collector.recording import recording_files
from etaoi_collector.recording.directory import list_recordings
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.recorder import Recorder, State
from etaoi_collector.recording.recording_files import RecordError
from etaoi_collector.source_items import Missing, Opened
from etaoi_collector.wire.event_ref import unpack_event_ref
from etaoi_collector.wire.trace_records import TraceWriter
from tests.collector.making import an_id, events_in, numbered_frame, write_trace


def span_at(recorder: Recorder, ref: int) -> str:
    raw = recorder.read(ref)
    assert isinstance(raw, bytes), raw
    return str(msgpack.unpackb(raw)["span_id"])


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``size`` bytes: a full disk that needs no disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_event_refs_can_be_read_before_and_after_the_flush(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    refs = [recorder.append(float(n), 1, numbered_frame(n * 10, 10)) for n in range(5)]
    assert span_at(recorder, refs[3] + 7) == an_id(137)
    recorder.flush()
    assert span_at(recorder, refs[0]) == an_id(100)
    recorder.closed(9.0, 1, code=1000, reason="")
    recorder.close()
    arrivals = list(TraceReader(tmp_path / "a").arrivals())
    assert len(events_in(arrivals)) == 50
    assert recorder.bytes_written == (tmp_path / "a").stat().st_size
    assert (recorder.state, recorder.warning, recorder.path) == (State.RECORDING, "", tmp_path / "a")


def test_one_thread_reads_while_another_appends(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a", segment_bytes=200_000)
    refs: list[int] = []
    done = threading.Event()

    def append() -> None:
        for number in range(1500):
            refs.append(recorder.append(1.0, 1, numbered_frame(number, 2)))
            if number % 100 == 0:
                recorder.flush()
        done.set()

    thread = threading.Thread(target=append)
    thread.start()
    checked = 0
    while not done.is_set() or checked < len(refs):
        if checked < len(refs):
            assert span_at(recorder, refs[checked] + 1) == an_id(101 + checked)
            checked += 1
    thread.join(60)
    assert checked == 1500 and len(list(tmp_path.iterdir())) > 2


def test_a_recording_goes_on_in_segments(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "run.msgpack", segment_bytes=10_000)
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    recorder.opened(1.0, 2, peer="q", client="d", hello=b"\x80")
    recorder.closed(2.0, 2, code=1000, reason="")
    refs = [recorder.append(float(n), 1, numbered_frame(n, 10)) for n in range(20)]
    assert {unpack_event_ref(ref)[0] for ref in refs} == set(range(len(list(tmp_path.iterdir()))))
    assert len(list(tmp_path.iterdir())) > 3
    for number, ref in enumerate(refs):
        assert span_at(recorder, ref) == an_id(100 + number)
    assert [readable.event_ref for readable in recorder.frames(refs[0], refs[1])] == refs[:2]
    recorder.close()
    reader = TraceReader(tmp_path / "run.msgpack")
    arrivals = list(reader.arrivals())
    assert len(events_in(arrivals)) == 200
    assert [item.connection.peer for item in arrivals if isinstance(item, Opened)] == ["p", "q"]
    alone = list(TraceReader(tmp_path / "run.2.msgpack").arrivals())
    assert [item.connection.peer for item in alone if isinstance(item, Opened)] == ["p"]


def test_a_frame_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "run.msgpack", segment_bytes=5000)
    refs = [recorder.append(1.0, 1, numbered_frame(n, 40)) for n in range(3)]
    assert [unpack_event_ref(ref)[0] for ref in refs] == [0, 1, 2]
    assert span_at(recorder, refs[1] + 39) == an_id(140)


def test_without_recording_a_private_spool_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    recorder = Recorder(segment_bytes=5000)
    refs = [recorder.append(1.0, 1, numbered_frame(n, 10)) for n in range(10)]
    assert recorder.state is State.SPOOLING and recorder.path is None and recorder.warning == ""
    assert [span_at(recorder, ref) for ref in refs] == [an_id(100 + n) for n in range(10)]
    assert list(tmp_path.iterdir()) == []
    recorder.close()
    assert isinstance(recorder.read(refs[0] + 1), Missing)


def test_automatic_recordings_begin_with_the_first_client(tmp_path: Path) -> None:
    recorder = Recorder(directory=tmp_path / "recordings")
    recorder.flush()
    assert recorder.path is None and list_recordings(tmp_path / "recordings") == []
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    assert recorder.path is not None
    (recording,) = list_recordings(tmp_path / "recordings")
    assert recording.path == recorder.path and recording.running
    assert stat.S_IMODE(recorder.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(recorder.path.parent.stat().st_mode) == 0o700
    recorder.close()
    assert not list_recordings(tmp_path / "recordings")[0].running


def test_an_older_recording_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    old = write_trace(tmp_path / "a", [numbered_frame(0, 1)])
    with old.open("rb") as reading:
        Recorder(path=old).close()
        assert len(reading.read()) > 500  # whoever reads the old one keeps it
    (tmp_path / "empty").write_bytes(b"")
    Recorder(path=tmp_path / "empty").close()
    (tmp_path / "notes.txt").write_text("precious")
    running = TraceWriter(tmp_path / "running", writer="t")
    running.flush()
    for name, words in {
        "notes.txt": "it exists and is no recording",
        "absent/a": "its folder does not exist",
        ".": "is no recording",
        "running": "another process is recording to it",
    }.items():
        with pytest.raises(RecordError, match=words):
            Recorder(path=tmp_path / name)
    assert (tmp_path / "notes.txt").read_text() == "precious"
    with pytest.raises(RecordError):
        Recorder(path="/dev/null")


def test_a_full_disk_stops_the_recording_and_memory_takes_over(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a", ring_bytes=40_000)
    recorder.opened(1.0, 1, peer="p", client="c", hello=b"\x80")
    refs = []
    with file_size_limit(20_000):
        for number in range(100):
            refs.append(recorder.append(1.0, 1, numbered_frame(number, 4)))
            if number % 3 == 0:
                recorder.flush()
        assert recorder.state is State.STOPPED
        assert recorder.warning == "recording stopped: file size limit reached (a)"
        recorder.closed(2.0, 1, code=None, reason="")
        recorder.refused(2.0, 1, size=1, reason="")
        read = [recorder.read(ref) for ref in refs]
    readable = [number for number, raw in enumerate(read) if isinstance(raw, bytes)]
    missing = [raw.reason for raw in read if isinstance(raw, Missing)]
    assert readable[0] == 0 and readable[-1] == 99
    assert missing and set(missing) == {"not kept: file size limit reached"}
    on_disk = len(events_in(TraceReader(tmp_path / "a").arrivals())) // 4
    unreadable = [number for number in range(100) if number not in readable]
    assert unreadable == list(range(unreadable[0], unreadable[-1] + 1)) and unreadable[0] == on_disk > 0
    assert recorder.unrecorded == 100 - on_disk
    back = [frame.event_ref for frame in recorder.frames(refs[0], refs[-1])]
    assert back == [refs[number] for number in readable]
    assert (tmp_path / "a").stat().st_size == recorder.bytes_written <= 20_000
    recorder.close()


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk full"), (errno.EROFS, "the folder is read-only"), (errno.EIO, "the disk fails")],
)
def test_every_failing_write_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    real = recording_files.create_private

    class Failing:
        def __init__(self, file: Any) -> None:
            self.file = file
            self.writes = 0

        def write(self, data: Any) -> int:
            self.writes += 1
            if self.writes > 2:
                raise OSError(number, os.strerror(number))
            return int(self.file.write(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    monkeypatch.setattr(recording_files, "create_private", lambda path: Failing(real(path)))
    recorder = Recorder(path=tmp_path / "a")
    refs = []
    for index in range(5):
        refs.append(recorder.append(1.0, 1, numbered_frame(index, 1)))
        recorder.flush()
    assert words in recorder.warning
    assert [span_at(recorder, ref) for ref in refs] == [an_id(100 + n) for n in range(5)]


def test_failing_at_a_segments_end_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(path=tmp_path / "a", segment_bytes=3000)
    refs = [recorder.append(1.0, 1, numbered_frame(0, 5))]

    def refuse(path: Path) -> Any:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(recording_files, "create_private", refuse)
    refs += [recorder.append(1.0, 1, numbered_frame(n, 5)) for n in range(1, 9)]
    assert recorder.warning == "recording stopped: disk full (a)"
    assert [span_at(recorder, ref) for ref in refs] == [an_id(100 + n) for n in range(9)]
    assert len(set(refs)) == 9 and refs == sorted(refs)


def test_a_folder_that_cannot_be_used_warns_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    recorder = Recorder(directory=tmp_path / "file" / "recordings")
    assert recorder.warning.startswith("not recording: ")
    ref = recorder.append(1.0, 1, numbered_frame(0, 1))
    assert span_at(recorder, ref) == an_id(100) and recorder.path is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user for whom the folder is read-only")
def test_a_read_only_folder_warns_and_nothing_else(tmp_path: Path) -> None:
    code = """
        import os, sys
        from pathlib import Path
        from etaoi_collector.recording.recorder import Recorder
        folder = Path(sys.argv[1])
        os.setuid(65534)
        recorder = Recorder(directory=folder)
        place = recorder.append(1.0, 1, b"\\x91\\x81\\xa5batch\\x91\\x80")
        assert recorder.read(place) == b"\\x80", recorder.read(place)
        print(recorder.warning)
    """
    folder = tmp_path / "recordings"
    folder.mkdir()
    for parent in [folder, *folder.parents]:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(0o555 if parent == folder else parent.stat().st_mode | 0o111)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "not recording: the folder is read-only\n", done.stderr
