"""The catalogue of a recording while a viewer makes it, and after that viewer ended, one way or another."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from etaoi_collector.recording.catalogue import writer
from etaoi_collector.recording.catalogue.database import FILE_NAME, CatalogueFile, Entry
from etaoi_collector.recording.catalogue.identity import RecordingIdentity
from etaoi_collector.recording.catalogue.lookup import runs_of, valid_entry
from etaoi_collector.recording.catalogue.run_collector import RunCollector
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.catalogue.writer import CatalogueWriter
from etaoi_collector.recording.directory import list_recordings, recordings_dir
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes
from etaoi_tui.feed import Feed
from tests.catalogue.making import at, read, write_run
from tests.headless.running import command, environment, objects, run_here, running, send
from tests.pty_session import PtySession
from tests.real_env import ROOT

PATIENCE = 60.0


def eventually(holds: Callable[[], object]) -> bool:
    """Whether something comes true before long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def catalogued(state: Path) -> tuple[Entry, list[RunRow]] | None:
    """What the catalogue says of the only recording, without reading it."""
    recordings = list_recordings(recordings_dir(state))
    if not recordings:
        return None
    with CatalogueFile(state) as file:
        entry = valid_entry(file, recordings[0], time.time())
        runs = runs_of(file, recordings[0])
    return None if entry is None or runs is None else (entry, runs)


def recorded(state: Path) -> Path:
    """The only recording."""
    (recording,) = list_recordings(recordings_dir(state))
    return recording.path


def facts(rows: list[RunRow]) -> list[tuple[object, ...]]:
    """What of rows must be the same, however they came about."""
    return [
        (row.trace_id, row.name, row.question, row.status, row.spans, row.events, row.errors,
         row.input_tokens, row.output_tokens, row.calls, sorted(row.tools), row.extents)
        for row in rows
    ]  # fmt: skip


def test_a_viewer_without_a_screen_writes_while_it_records(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state, "--port", "0") as process:
        assert process.stderr is not None
        endpoint = process.stderr.readline().split()[2].rstrip(";")
        send(endpoint)
        assert eventually(lambda: (now := catalogued(state)) is not None and len(now[1]) >= 2)
        first_entry = catalogued(state)
        assert first_entry is not None and not first_entry[0].complete

        def listed() -> list[tuple[bool, bool]]:
            recordings = objects(run_here(state, "ls", "--json").stdout)
            return [(one["running"], one["traces"] >= 2) for one in recordings]

        assert eventually(lambda: listed() == [(True, True)])
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    after = catalogued(state)
    assert after is not None and after[0].complete
    again, rows = read(tmp_path / "other", recorded(state))
    assert (after[0].traces, after[0].errors, after[0].events) == (again.traces, again.errors, again.events)
    assert facts(after[1]) == facts(rows)


@pytest.mark.parametrize("how", ["quit", "terminated", "killed"])
def test_a_viewer_leaves_a_valid_catalogue(tmp_path: Path, how: str) -> None:
    state = tmp_path / "state"
    with PtySession(command("--port", "0"), state) as terminal:
        terminal.wait_for(b"/ingest")
        address = terminal.drawn.split(b"ws://")[1].split(b"/ingest")[0].decode()
        send(f"ws://{address}/ingest")
        assert eventually(lambda: terminal.read(0.1) or catalogued(state) is not None)
        if how == "quit":
            terminal.send(b"q")
        else:
            terminal.process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGTERM)
        terminal.wait()
    path = recorded(state)
    after = catalogued(state)
    if how == "killed":
        assert after is None
    else:
        assert after is not None and after[0].complete
    (listed,) = objects(run_here(state, "ls", "--json").stdout)
    again, rows = read(tmp_path / "other", path)
    assert (listed["traces"], listed["errors"]) == (again.traces, again.errors)
    with CatalogueFile(state) as file:
        catalogue_rows = runs_of(file, at(path))
    assert catalogue_rows is not None
    assert facts(catalogue_rows) == facts(rows)


def test_two_viewers_at_once_both_keep_the_catalogue(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state, "--port", "0") as one, running(state, "--port", "0") as other:
        for process in (one, other):
            assert process.stderr is not None
            send(process.stderr.readline().split()[2].rstrip(";"))
        recordings = list_recordings(recordings_dir(state))
        assert len(recordings) == 2
        for process in (one, other):
            process.send_signal(signal.SIGINT)
        assert [process.wait(PATIENCE) for process in (one, other)] == [0, 0]
    for recording in list_recordings(recordings_dir(state)):
        with CatalogueFile(state) as file:
            entry, catalogue_rows = valid_entry(file, recording, time.time()), runs_of(file, recording)
        assert entry is not None and entry.complete and catalogue_rows is not None
        assert facts(catalogue_rows) == facts(read(tmp_path / "other", recording.path)[1])


def test_a_flood_takes_a_small_share_of_the_time_and_is_catalogued_completely(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=12_000)
    source, store = ReplaySource(path), Store()
    collector = RunCollector(store, source)
    catalogue = CatalogueWriter(tmp_path / "state", collector, lambda: path)
    feed = Feed(source, store)
    took: list[float] = []
    began = time.perf_counter()
    while not feed.ended:
        changes = feed.tick(5.0, 0.0)
        cpu_before = time.thread_time()
        catalogue.follow(changes)
        took.append(time.thread_time() - cpu_before)
    whole = time.perf_counter() - began
    assert sum(took) < max(whole * 0.25, 0.1)
    assert eventually(lambda: catalogue.follow(store.drain_changes()) or not collector.has_news)
    catalogue.finish(store.events, everything=True)
    source.close()
    with CatalogueFile(tmp_path / "state") as file:
        assert eventually(lambda: valid_entry(file, at(path), time.time()))
        catalogue_rows = runs_of(file, at(path))
    assert catalogue_rows is not None
    assert facts(catalogue_rows) == facts(read(tmp_path / "other", path)[1])


def test_runs_of_deleted_files_leave_the_catalogue(tmp_path: Path) -> None:
    """A recording that goes on for days has as many rows as its files have runs."""
    state = tmp_path / "state"
    options = ("--port", "0", "--keep-bytes", "4MiB", "--keep-spans", "2000")
    with subprocess.Popen(
        command(*options),
        env=environment(state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            url = process.stderr.readline().split()[2].rstrip(";")
            for seed in range(3):
                load = [sys.executable, "-m", "tests.load", url, "--events", "4000", "--seed", str(seed)]
                subprocess.run(load, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
                files = recordings_dir(state).iterdir()
                assert sum(path.stat().st_size for path in files) <= 4 << 20
            assert eventually(lambda: _tells_what_is_there(state)), catalogued(state)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert catalogued(state) is None  # rows may tell of events whose file is gone: it is read again
    again, rows = read(tmp_path / "other", recorded(state))
    assert again.traces == sum(row.is_listed for row in rows) > 0


def _tells_what_is_there(state: Path) -> bool:
    """Whether there are rows of the running recording, and each of them of a run in its files."""
    (recording,) = list_recordings(recordings_dir(state))
    now = catalogued(state)
    if now is None or not now[1]:
        return False
    oldest = int(recording.path.stem.split(".")[1]) - 1
    return now[0].rows == len(now[1]) and all(row.extents[-1][0] >= oldest for row in now[1])


def test_rows_that_could_not_be_written_are_written_with_later_ones(tmp_path: Path) -> None:
    """Another program holds the database, as a full disk would keep it from being changed."""
    path, state = write_run(tmp_path, events=3_000), tmp_path / "state"
    with CatalogueFile(state):
        database = sqlite3.connect(state / FILE_NAME, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    source, store = ReplaySource(path), Store()
    collector = RunCollector(store, source)
    catalogue = CatalogueWriter(state, collector, lambda: path)
    feed = Feed(source, store)
    while not feed.ended or collector.has_news:
        catalogue.follow(feed.tick(2.0, 0.0))
    database.execute("ROLLBACK")
    database.close()
    catalogue.finish(store.events, everything=True)
    source.close()
    with CatalogueFile(state) as file:
        assert eventually(lambda: valid_entry(file, at(path), time.time()))
        catalogue_rows = runs_of(file, at(path))
    assert catalogue_rows is not None
    assert facts(catalogue_rows) == facts(read(tmp_path / "other", path)[1])


def test_runs_whose_rows_are_not_made_yet_are_counted(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=4_000)
    source, store = ReplaySource(path), Store()
    collector = RunCollector(store, source)
    feed = Feed(source, store)
    while not feed.ended:
        collector.note(feed.tick(5.0, 0.0))
    entry, counted = (
        Entry(RecordingIdentity("", ()), False, 0.0),
        Entry(RecordingIdentity("", ()), False, 0.0),
    )
    collector.count(entry)
    assert (entry.rows, entry.told_until) == (0, None)
    rows = list(collector.rows())
    collector.count(counted)
    assert counted.rows == len(rows) > 10
    assert (entry.traces, entry.errors) == (counted.traces, counted.errors)
    assert counted.errors > 0
    source.close()


class _Endless:
    """A collector that always has rows to make, on a clock of its own."""

    has_news = True

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 0.0
        """Seconds that went into rows."""

    def note(self, changes: Changes) -> None:
        """Remember nothing."""

    def rows(self, until: float) -> list[RunRow]:
        """Take all the time that there is."""
        self.used += until - self.now
        self.now = until
        return []


def test_more_time_goes_into_rows_while_nothing_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run(tmp_path, events=100)
    source, store = ReplaySource(path), Store()
    arriving = Feed(source, store).tick(50.0, 0.0)
    source.close()
    shares = []
    for changes in (arriving, Store().drain_changes()):
        collector = _Endless()
        monkeypatch.setattr(writer, "time", SimpleNamespace(perf_counter=lambda one=collector: one.now))
        catalogue = CatalogueWriter(
            tmp_path / "state", cast(RunCollector, collector), lambda: path, clock=lambda: 0.0
        )
        while collector.now < 10.0:
            collector.now += 0.001
            catalogue.follow(changes)
        shares.append(collector.used / collector.now)
    assert shares == pytest.approx([0.01, 0.2], rel=0.1)


_WITHIN = """
import resource, sys
from etaoi_tui.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:], prog_name="etaoi-tui")
"""


@pytest.mark.parametrize("room", [20_000, 200_000, 600_000])
def test_a_disk_that_is_full_while_a_viewer_records_leaves_nothing_wrong(tmp_path: Path, room: int) -> None:
    """First the recording has no more room, then the catalogue, or the catalogue at once."""
    state = tmp_path / "state"
    with subprocess.Popen(
        [sys.executable, "-c", _WITHIN, str(room), "--port", "0"],
        env=environment(state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            url = process.stderr.readline().split()[2].rstrip(";")
            load = [sys.executable, "-m", "tests.load", url, "--events", "4000"]
            subprocess.run(load, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
            (now,) = objects(run_here(state, "ls", "--json").stdout)
            assert now["running"] and now["bytes"] <= room
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=PATIENCE)[1]
            assert process.returncode == 0
            assert "recording stopped" in errors.lower()
        finally:
            process.kill()
    (listed,) = objects(run_here(state, "ls", "--json").stdout)
    entry, rows = read(tmp_path / "other", recorded(state))
    assert (listed["traces"], listed["errors"], listed["running"]) == (entry.traces, entry.errors, False)
    assert catalogued(state) is not None
    assert facts(catalogued(state)[1]) == facts(rows)  # type: ignore[index]
