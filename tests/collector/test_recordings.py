"""The folder of automatic recordings: listing and clearing out."""

from __future__ import annotations

import os
from pathlib import Path

from etaoi_collector.recording import directory as recordings
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.wire.trace_records import TraceWriter
from tests.collector.making import numbered_frame, write_trace


def a_run(folder: Path, minute: int, size: int = 100, segments: int = 1) -> Path:
    path = folder / f"run-20260102-03{minute:02}00-abcd.msgpack"
    path.write_bytes(bytes(size))
    for number in range(2, segments + 1):
        path.with_name(f"{path.stem}.{number}.msgpack").write_bytes(bytes(size))
    return path


def test_the_state_folder_can_be_chosen(tmp_path: Path) -> None:
    assert recordings.state_dir({"ETAOI_TUI_STATE_DIR": str(tmp_path)}) == tmp_path
    assert recordings.state_dir({}).name == "etaoi-tui"
    assert recordings.recordings_dir(tmp_path) == tmp_path / "recordings"


def test_runs_are_listed_newest_first_with_their_segments(tmp_path: Path) -> None:
    first, second = a_run(tmp_path, 1, 10, segments=11), a_run(tmp_path, 2, 7)
    (tmp_path / "other.msgpack").write_bytes(b"x")
    (tmp_path / "run-x.txt").write_bytes(b"x")
    recordings_of_folder = recordings.list_recordings(tmp_path)
    assert [recording.path for recording in recordings_of_folder] == [second, first]
    assert (recordings_of_folder[1].size, len(recordings_of_folder[1].files)) == (110, 11)
    assert recordings_of_folder[1].files[9].name.endswith(".10.msgpack")
    assert (
        recordings_of_folder[0].started - recordings_of_folder[1].started == 60
        and not recordings_of_folder[0].running
    )


def test_no_folder_is_no_recordings(tmp_path: Path) -> None:
    assert recordings.list_recordings(tmp_path / "absent") == []
    assert recordings.prune(tmp_path / "absent") == []


def test_the_newest_runs_stay(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, minute, segments=2) for minute in range(6)]
    deleted = recordings.prune(tmp_path, keep_runs=4)
    assert len(deleted) == 4
    assert [path.exists() for path in runs] == [False, False, True, True, True, True]
    assert len(list(tmp_path.iterdir())) == 8


def test_all_together_stay_below_the_bound(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, minute, size=100) for minute in range(6)]
    recordings.prune(tmp_path, keep_bytes=350)
    assert [path.exists() for path in runs] == [False, False, False, True, True, True]
    recordings.prune(tmp_path, keep_bytes=1)
    assert not any(path.exists() for path in runs)


def test_running_recordings_stay_and_count(tmp_path: Path) -> None:
    running = tmp_path / "run-20260102-030000-aaaa.msgpack"
    writer = TraceWriter(running, writer="t")
    writer.append_frame(1.0, 1, bytes(300))
    writer.flush()
    others = [a_run(tmp_path, minute, size=100) for minute in range(1, 5)]
    recordings.prune(tmp_path, keep_runs=3, keep_bytes=10_000)
    assert [path.exists() for path in others] == [False, False, True, True] and running.exists()
    recordings.prune(tmp_path, keep_runs=3, keep_bytes=1)
    assert not any(path.exists() for path in others) and running.exists()
    writer.close()
    recordings.prune(tmp_path, keep_bytes=1)
    assert not running.exists()


def test_the_folder_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "recordings"
    recordings.prepare(folder)
    folder.chmod(0o755)
    recordings.prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_recorder_clears_out_at_its_start_and_with_each_segment(tmp_path: Path) -> None:
    old = [a_run(tmp_path, minute) for minute in range(4)]
    recorder = Recorder(directory=tmp_path, keep_runs=2, segment_bytes=4000)
    assert [path.exists() for path in old] == [False, False, True, True]
    recorder.append(1.0, 1, numbered_frame(0, 5))
    assert [path.exists() for path in old] == [False, False, False, True]
    late = write_trace(tmp_path / "run-20260102-040000-bbbb.msgpack", [numbered_frame(0, 1)])
    for number in range(1, 6):
        recorder.append(1.0, 1, numbered_frame(number, 5))
    assert late.exists() and not any(path.exists() for path in old)
    assert recorder.path is not None and recorder.path.exists()
    assert len(os.listdir(tmp_path)) == 4  # the late one, and three segments of its own
    recorder.close()
