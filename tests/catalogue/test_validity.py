"""A catalogue never says of a recording what does not hold any more, and is never in the way."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from etaoi_collector.recording.catalogue.background import catch_up_beside, unknown_recordings
from etaoi_collector.recording.catalogue.database import FILE_NAME, CatalogueFile
from etaoi_collector.recording.catalogue.lookup import entry_of, forget_missing, runs_of, valid_entry
from etaoi_collector.recording.directory import list_recordings, recordings_dir
from etaoi_collector.wire.trace_records import TraceWriter
from tests.catalogue.making import NOW, at, is_known, read, write_run
from tests.headless.running import environment, objects, run_here


def listed(state: Path) -> list[tuple[object, ...]]:
    """What `ls --json` says of each recording."""
    done = run_here(state, "ls", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [
        (Path(one["file"]).name, one["traces"], one["errors"], one["problem"]) for one in objects(done.stdout)
    ]


def test_a_recording_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_run(tmp_path)
    entry, rows = read(tmp_path, path)
    assert entry.complete and len(rows) == entry.rows > 1
    monkeypatch.setattr("etaoi_collector.recording.catalogue.catch_up.TraceReader", None)
    assert read(tmp_path, path) == (entry, rows)


def grow(path: Path) -> None:
    """Something is appended."""
    with path.open("ab") as file:
        file.write(b"\0")


def replace(path: Path) -> None:
    """Another recording of the same size takes its place, with the same time of change."""
    status = path.stat()
    data = path.read_bytes()
    other = path.with_suffix(".new")
    other.write_bytes(data)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def damage(path: Path) -> None:
    """Bytes in the middle change."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xc1" * 100)


def cut(path: Path) -> None:
    """Its end is lost."""
    os.truncate(path, path.stat().st_size - 10)


@pytest.mark.parametrize("change", [grow, replace, damage, cut])
def test_changed_recordings_are_read_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = write_run(tmp_path)
    read(tmp_path, path)
    assert is_known(tmp_path, path)
    change(path)
    assert not is_known(tmp_path, path)
    read(tmp_path, path)
    assert is_known(tmp_path, path)


def test_another_file_in_place_of_a_recording_is_reported(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    listed_before = listed(tmp_path)
    path.write_bytes(b"no recording")
    (entry,) = listed(tmp_path)
    assert entry[:3] == (path.name, None, None)
    assert "is not a recording" in str(entry[3])
    assert listed(tmp_path) == [entry] != listed_before


def test_deleted_recordings_are_forgotten(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    read(tmp_path, path)
    path.unlink()
    assert listed(tmp_path) == []
    with CatalogueFile(tmp_path) as file:
        assert file.paths() == []
        assert file.runs(path) == []


def test_a_recording_whose_first_segments_were_deleted_keeps_its_entry(tmp_path: Path) -> None:
    first = write_run(tmp_path)
    later = first.with_name(f"{first.stem}.2.msgpack")
    first.rename(later)
    (recording,) = list_recordings(recordings_dir(tmp_path))
    assert (recording.path, recording.key) == (later, first)
    with CatalogueFile(tmp_path) as file:
        assert entry_of(file, recording) is not None
        forget_missing(file)
        assert valid_entry(file, recording, NOW) is not None


@pytest.mark.parametrize("junk", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 8_000])
def test_a_damaged_database_is_recreated(tmp_path: Path, junk: bytes) -> None:
    path = write_run(tmp_path)
    listed_before = listed(tmp_path)
    for file in tmp_path.glob(f"{FILE_NAME}*"):
        file.unlink()
    (tmp_path / FILE_NAME).write_bytes(junk)
    assert listed(tmp_path) == listed_before
    assert is_known(tmp_path, path)


def test_a_database_damaged_behind_its_first_page_is_recreated(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=4_000)
    listed_before = listed(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    size = (tmp_path / FILE_NAME).stat().st_size
    assert size > 8_192
    with (tmp_path / FILE_NAME).open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * (size - 4_096))
    assert listed(tmp_path) == listed_before
    assert is_known(tmp_path, path)


def test_rows_that_cannot_be_read_are_no_runs_of_another_kind(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    read(tmp_path, path)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE runs SET row = x'c1' WHERE number = 0")
    database.close()
    with CatalogueFile(tmp_path) as file:
        assert runs_of(file, at(path)) is None


def test_two_readers_do_not_block_each_other(tmp_path: Path) -> None:
    """Both list, while one holds the database for writing."""
    write_run(tmp_path)
    listed_before = listed(tmp_path)
    database = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    second = write_run(tmp_path, "run-20260102-040405-abcd", seed=1)
    assert len(listed(tmp_path)) == 2
    assert not is_known(tmp_path, second)
    database.execute("ROLLBACK")
    database.close()
    assert listed(tmp_path)[1:] == listed_before
    assert is_known(tmp_path, second)


def test_where_nothing_can_be_written_recordings_are_listed_all_the_same(tmp_path: Path) -> None:
    write_run(tmp_path)
    expected = listed(tmp_path)
    for file in tmp_path.glob(f"{FILE_NAME}*"):
        file.unlink()
    (tmp_path / FILE_NAME).mkdir()
    assert listed(tmp_path) == expected


_LIST_WITHIN = """
import resource, sys
from etaoi_tui.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(["ls", "--json"], prog_name="etaoi-tui")
"""


@pytest.mark.parametrize("room", [0, 5_000, 40_000])
def test_a_full_disk_costs_the_catalogue_only(tmp_path: Path, room: int) -> None:
    path = write_run(tmp_path, events=4_000)
    done = subprocess.run(
        [sys.executable, "-c", _LIST_WITHIN, str(room)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )
    assert (done.returncode, done.stderr) == (0, "")
    entries = [
        (Path(one["file"]).name, one["traces"], one["errors"], one["problem"]) for one in objects(done.stdout)
    ]
    assert entries == listed(tmp_path)
    assert is_known(tmp_path, path)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_reader_killed_in_the_middle_leaves_nothing_wrong(tmp_path: Path) -> None:
    paths = [write_run(tmp_path, f"run-20260102-0{n}0405-abcd", seed=n, events=6_000) for n in range(3)]
    killed = 0
    for wait in (0.0, 0.05, 0.1, 0.2, 0.4):
        assert unknown_recordings(tmp_path)
        process = catch_up_beside(tmp_path)
        assert process is not None
        deadline = time.monotonic() + 60
        while not (tmp_path / FILE_NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(wait)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        if not unknown_recordings(tmp_path):
            break
    assert killed
    entries = listed(tmp_path)
    assert [name for name, *_ in entries] == [path.name for path in reversed(paths)]
    fresh = tmp_path / "fresh"
    (fresh / "recordings").mkdir(parents=True)
    for path in paths:
        os.link(path, fresh / "recordings" / path.name)
    assert listed(fresh) == entries


def test_catching_up_beside_a_viewer_knows_everything_in_the_end(tmp_path: Path) -> None:
    paths = [write_run(tmp_path, f"run-20260102-0{n}0405-abcd", seed=n) for n in range(3)]
    process = catch_up_beside(tmp_path)
    assert process is not None
    assert process.wait(60) == 0
    assert all(is_known(tmp_path, path) for path in paths)
    assert catch_up_beside(tmp_path) is None


def test_the_catalogue_is_private(tmp_path: Path) -> None:
    write_run(tmp_path)
    listed(tmp_path)
    with CatalogueFile(tmp_path):
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob(f"{FILE_NAME}*")}
    assert FILE_NAME in modes
    assert set(modes.values()) == {0o600}


def test_a_recording_that_is_being_written_is_never_listed_as_finished(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    data = path.read_bytes()
    path.unlink()
    writer = TraceWriter(path, writer="tests")
    writer.flush()
    for trace_count in (1, 2):
        with CatalogueFile(tmp_path) as file:
            entry = entry_of(file, at(path))
            assert entry is not None and not entry.complete and entry.traces == trace_count - 1
            assert file.entry(path) is None
        writer.append_frame(1.0, 1, next(iter(_frames(data))))
        writer.flush()
    writer.close()


def _frames(data: bytes) -> list[bytes]:
    from etaoi_collector.wire.trace_records import read_header, records_in

    header = read_header(data)
    assert header is not None
    return [bytes(body) for *_, body in records_in(data[header[1] :])]
