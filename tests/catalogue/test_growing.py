"""A recording that is being written: its list is there at once, what that lacks comes from the file.

In the end everything is as if it had been read from the beginning.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from etaoi_collector.recording.catalogue.database import FILE_NAME, CatalogueFile, Entry
from etaoi_collector.recording.catalogue.identity import identify
from etaoi_collector.recording.catalogue.lookup import listed_runs
from etaoi_collector.recording.catalogue.run_collector import RunCollector
from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.recording.fold import fold_item
from etaoi_collector.sources import catalogued
from etaoi_collector.sources.catalogued import CataloguedSource, open_catalogued
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from etaoi_collector.wire.event_ref import unpack_event_ref
from etaoi_collector.wire.trace_records import TraceWriter, read_header, records_in, segment_path
from etaoi_tui.cli.recent_recordings import RecentRecordings
from etaoi_tui.feed import Feed
from tests import generate
from tests.catalogue.making import NOW, at
from tests.catalogue.test_catalogued import facts_of, held_by, read_plainly
from tests.catalogue.test_find import native
from tests.catalogue.test_live import PATIENCE, eventually, recorded
from tests.headless.running import running, send

BEGAN = 1_700_000_000.0

Record = tuple[int, float, int, bytes]
"""Kind, time, connection and body."""


def records(path: Path) -> list[Record]:
    """The records of a recording."""
    data = path.read_bytes()
    header = read_header(data)
    assert header is not None
    return [(kind, at, number, bytes(body)) for _, kind, at, number, body in records_in(data[header[1] :])]


def of_clients(folder: Path, *events: int) -> list[Record]:
    """Records of clients that connect, send so many events each at the same time, and go."""
    streams = {
        number: list(generate.frames(itertools.islice(generate.traffic(number, sessions=2), many), 8))
        for number, many in enumerate(events, 1)
    }
    path = folder / "clients.msgpack"
    writer = TraceWriter(path, writer="tests")
    for step in range(max(map(len, streams.values())) + 1):
        for number, frames in streams.items():
            if step == 0:
                writer.opened(BEGAN, number, peer="127.0.0.1:50000", client="tests", hello=generate.hello())
            if step < len(frames):
                writer.append_frame(BEGAN + step, number, frames[step])
            elif step == len(frames):
                writer.closed(BEGAN + step, number, code=1000)
    writer.close()
    return records(path)


class Growing:
    """A recording in the making, and the catalogue that its viewer keeps of it.

    Args:
        state: The state folder.
        content: What is recorded in the end.
        segments: Files that it goes into.
    """

    def __init__(self, state: Path, content: Sequence[Record], *, segments: int = 1) -> None:
        self.path = recordings_dir(state) / "run-20260102-050000-abcd.msgpack"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._state = state
        self._content = content
        self._segments = segments
        self._written = 0
        self._writers = [TraceWriter(self.path, writer="tests")]
        self._writers[0].flush()
        self._reader = ReplaySource(self.path)
        self._store = Store()
        self._collector = RunCollector(self._store, self._reader)

    def write(self, share: float) -> None:
        """Record until a share of everything is there."""
        until = round(len(self._content) * share)
        for number in range(self._written, until):
            if number * self._segments >= len(self._content) * len(self._writers):
                self._next_segment()
            self._writers[-1].append(*self._content[number])
        self._written = max(self._written, until)
        self._writers[-1].flush()

    def tell(self) -> None:
        """Write down what is recorded so far, as the viewer does that records."""
        for item in self._reader.reader.arrivals():
            fold_item(self._store, item)
        self._collector.note(self._store.drain_changes())
        rows = list(self._collector.rows())
        identity = identify(at(self.path).files)
        assert identity is not None
        entry = Entry(identity, False, NOW, events=self._store.events)
        self._collector.count(entry)
        with CatalogueFile(self._state) as file:
            assert file.write(self.path, entry, rows)

    def open(self) -> CataloguedSource:
        """Open it beside its writer."""
        source = open_catalogued(self.path, self._state)
        assert source is not None
        return source

    @property
    def size(self) -> int:
        """Bytes so far."""
        return at(self.path).size

    def finish(self) -> None:
        """Record the rest, and end."""
        self.write(1.0)
        self.stop()

    def stop(self) -> None:
        """End as it is."""
        self._reader.close()
        self._writers[-1].close()

    def _next_segment(self) -> None:
        previous = self._writers[-1]
        number = len(self._writers)
        path = segment_path(self.path, number)
        header = previous.header
        self._writers.append(TraceWriter(path, writer="tests", recording=header.recording, segment=number))
        previous.close()


def read_on(source: CataloguedSource, store: Store) -> Feed:
    """Read to the end of what is there."""
    feed = Feed(source, store)
    feed.work(30_000.0, 0.0)
    assert not feed.behind
    return feed


def runs_of(source: CataloguedSource) -> list[str]:
    """The ids of the runs that it lists."""
    return [row.trace_id for row in source.rows]


@pytest.mark.parametrize("seed", range(4))
def test_after_reading_every_event_is_there_once_and_in_order(tmp_path: Path, seed: int) -> None:
    """Whatever was written, catalogued and requested when."""
    ways = random.Random(seed)
    growing = Growing(tmp_path, of_clients(tmp_path, 1_200, 900, 1_500), segments=1 + seed % 3)
    growing.write(ways.uniform(0.05, 0.6))
    growing.tell()
    growing.write(ways.uniform(0.1, 0.8))
    source, store = growing.open(), Store()
    feed = Feed(source, store)
    runs = runs_of(source)
    for share in sorted(ways.uniform(0.3, 1.0) for _ in range(6)):
        growing.write(share)
        for _ in range(ways.randrange(6)):
            source.prefer(ways.choice(runs), held_by(store))
            feed.work(1.0, 0.0)
    growing.finish()
    while not feed.ended:
        feed.work(50.0, 0.0)
    plain, expected = read_plainly(growing.path)
    assert facts_of(store) == expected
    assert (store.events, store.repeats, store.rejected) == (plain.events, plain.repeats, plain.rejected)
    assert list(store.traces) == list(plain.traces)
    source.close()


def test_recordings_of_real_agents_are_followed_from_any_place(tmp_path: Path) -> None:
    tried = 0
    for path in sorted(native(tmp_path / "whole").iterdir()):
        content = records(path)
        for part in (0.3, 0.6, 0.9):
            state = tmp_path / f"{path.stem}-{part}"
            growing = Growing(state, content)
            growing.write(part)
            growing.tell()
            listed = open_catalogued(growing.path, state)
            if listed is None:
                growing.stop()  # nothing had begun
                continue
            growing.write(part + 0.05)
            store = Store()
            read_on(listed, store)
            growing.finish()
            assert read_on(listed, store).ended
            assert facts_of(store) == read_plainly(growing.path)[1], (path.name, part)
            listed.close()
            tried += 1
    assert tried > 15


@pytest.mark.parametrize("segments", [1, 12])
def test_runs_that_the_catalogue_lacks_are_listed_before_the_rest_is_read(
    tmp_path: Path, segments: int
) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 4_000, 4_000), segments=segments)
    growing.write(0.8)
    growing.tell()
    growing.write(0.9)
    source, store = growing.open(), Store()
    catalogued = set(runs_of(source))
    assert len(catalogued) > 30
    items = source.take(0.001)
    fold_item(store, items[0])
    assert set(store.traces) == catalogued
    feed = Feed(source, store)
    for _ in range(1_000):
        feed.work(0.0, 0.0)
        if set(store.traces) - catalogued:
            break
    assert source.reader.position < growing.size / 2
    new = next(trace for trace in store.traces.values() if trace.trace_id not in catalogued)
    assert new.spans and new.number >= len(catalogued)
    growing.write(0.95)  # and what is appended then
    files, trace_count = len(at(growing.path).files), len(store.traces)
    for _ in range(1_000):
        feed.work(0.0, 0.0)
        newest = max(span.start_ref for trace in store.traces.values() for span in trace.spans)
        if len(store.traces) > trace_count and unpack_event_ref(newest)[0] == files - 1:
            break
    assert len(store.traces) > trace_count and unpack_event_ref(newest)[0] == files - 1
    assert source.reader.position < growing.size * 0.7
    growing.finish()
    source.close()


def test_a_run_that_goes_on_is_read_before_it_does(tmp_path: Path) -> None:
    """No event of it comes before an older one, and its row says that it runs until then."""
    growing = Growing(tmp_path, of_clients(tmp_path, 3_000, 3_000))
    growing.write(0.7)
    growing.tell()
    source, store = growing.open(), Store()
    row = next(row for row in reversed(source.rows) if row.status == Status.RUNNING)
    growing.write(0.8)
    assert source.take(0.0)[0] is not None
    feed = Feed(source, store)
    store.list_runs(source.rows)
    trace = store.traces[row.trace_id]
    assert (trace.status, trace.is_read) == (Status.RUNNING, False)
    for _ in range(1_000):
        feed.work(0.0, 0.0)
        if trace.events > row.events:
            break
    assert source.reader.position < growing.size / 2
    refs = [span.start_ref for span in trace.spans]
    assert refs == sorted(refs) and min(refs) >= 0
    assert trace.unread is None
    growing.finish()
    source.close()


def test_a_run_that_cannot_be_read_ahead_is_read_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogued, "LARGEST_AHEAD", 10)
    monkeypatch.setattr(catalogued, "MOST_AHEAD", 100)
    growing = Growing(tmp_path, of_clients(tmp_path, 1_500, 1_500))
    growing.write(0.6)
    growing.tell()
    growing.write(0.9)
    source, store = growing.open(), Store()
    read_on(source, store)
    growing.finish()
    assert read_on(source, store).ended
    assert facts_of(store) == read_plainly(growing.path)[1]
    source.close()


def test_a_catalogue_that_was_never_brought_up_to_date_only_lists_less(tmp_path: Path) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 1_500, 1_500))
    growing.write(0.2)
    growing.tell()
    growing.write(1.0)
    source, store = growing.open(), Store()
    assert 0 < len(source.rows) < len(read_plainly_so_far(growing.path).traces)
    read_on(source, store)
    assert facts_of(store) == facts_of(read_plainly_so_far(growing.path))
    growing.finish()
    source.close()


def read_plainly_so_far(path: Path) -> Store:
    """Read a recording as far as it goes, without a catalogue."""
    store, source = Store(), ReplaySource(path)
    for item in source.reader.arrivals():
        fold_item(store, item)
    source.close()
    return store


def lose_catalogue(state: Path, path: Path) -> None:
    """The catalogue is deleted."""
    for file in state.glob(f"{FILE_NAME}*"):
        file.unlink()


def lose_recording(state: Path, path: Path) -> None:
    """The recording is deleted."""
    path.unlink()


def put_another(state: Path, path: Path) -> None:
    """Another recording takes its place."""
    other = path.with_name("other")
    writer = TraceWriter(other, writer="tests")
    for number, frame in enumerate(generate.frames(itertools.islice(generate.traffic(9), 300))):
        writer.append_frame(BEGAN + number, 1, frame)
    writer.close()
    other.replace(path)


@pytest.mark.parametrize("change", [lose_catalogue, lose_recording, put_another])
def test_renaming_or_deleting_the_file_changes_nothing(
    tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 1_500, 1_500))
    growing.write(0.5)
    growing.tell()
    growing.write(0.6)
    source, store = growing.open(), Store()
    linked_path = growing.path.with_name("kept")
    os.link(growing.path, linked_path)
    Feed(source, store).work(1.0, 0.0)
    change(tmp_path, growing.path)
    growing.finish()
    assert read_on(source, store).ended
    assert facts_of(store) == read_plainly(linked_path)[1]
    assert change is lose_catalogue or open_catalogued(growing.path, tmp_path) is None
    source.close()


def test_truncating_the_file_while_reading_costs_only_the_truncated_part(tmp_path: Path) -> None:
    """It is mapped: a byte that is gone must not be touched."""
    growing = Growing(tmp_path, of_clients(tmp_path, 3_000, 3_000))
    growing.write(0.8)
    growing.tell()
    growing.write(0.9)
    source, store = growing.open(), Store()
    feed = Feed(source, store)
    feed.work(0.0, 0.0)
    size = growing.path.stat().st_size
    assert size > 2 << 20
    os.truncate(growing.path, size // 3)
    for trace_id in runs_of(source):
        source.prefer(trace_id, held_by(store))
    feed.work(30_000.0, 0.0)
    assert 0 < store.events < 6_000
    assert all(source.read(trace.spans[-1].start_ref) for trace in store.traces.values() if trace.spans)
    assert open_catalogued(growing.path, tmp_path) is None
    growing.stop()
    source.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET row = x'c1' WHERE number = 2",
        "DELETE FROM runs WHERE number = 0",
        "DELETE FROM runs WHERE number = (SELECT max(number) FROM runs)",
    ],
)
def test_missing_or_damaged_rows_are_not_listed(tmp_path: Path, change: str) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 1_500))
    growing.write(0.5)
    growing.tell()
    growing.open().close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute(change)
    database.close()
    assert open_catalogued(growing.path, tmp_path) is None
    growing.stop()


def test_two_readers_follow_a_catalogue_that_is_rewritten(tmp_path: Path) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 1_500, 1_500))
    readers: list[tuple[CataloguedSource, Store]] = []
    for share in (0.3, 0.5, 0.7):
        growing.write(share)
        growing.tell()
        readers.append((growing.open(), Store()))
        for source, store in readers:
            Feed(source, store).work(1.0, 0.0)
    growing.finish()
    expected = read_plainly(growing.path)[1]
    for source, store in readers:
        assert read_on(source, store).ended
        assert facts_of(store) == expected
        source.close()


def test_one_whose_writer_was_killed_is_listed_as_well(tmp_path: Path) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 1_500, 1_500))
    growing.write(0.5)
    growing.tell()
    growing.write(0.6)
    growing.stop()
    source, store = growing.open(), Store()
    assert len(source.rows) > 5
    assert read_on(source, store).ended
    assert facts_of(store) == read_plainly(growing.path)[1]
    source.close()


def test_an_outdated_row_of_an_evicted_run_is_not_used(tmp_path: Path) -> None:
    growing = Growing(tmp_path, of_clients(tmp_path, 2_000, 2_000))
    growing.write(0.5)
    growing.tell()
    growing.finish()
    source, store = growing.open(), Store(max_spans=300)
    listed = {row.trace_id: row.events for row in source.rows}
    assert read_on(source, store).ended
    plain = read_plainly(growing.path)[0]
    assert store.evicted_traces > 0
    for trace in store.traces.values():
        whole = plain.traces[trace.trace_id]
        if trace.unread is not None:
            assert listed[trace.trace_id] == whole.events
        else:
            assert (trace.events, trace.status) == (whole.events, whole.status)
    source.close()


def test_a_recording_viewer_stores_how_far_its_catalogue_reaches(tmp_path: Path) -> None:
    """The real one, while an agent sends; and killed."""
    state = tmp_path / "state"
    with running(state, "--port", "0") as process:
        assert process.stderr is not None
        endpoint = process.stderr.readline().split()[2].rstrip(";")
        send(endpoint)

        def opened() -> CataloguedSource | None:
            source = open_catalogued(recorded(state), state)
            if source is not None and len(source.rows) < 2:
                source.close()
                return None
            return source

        def tells_all_so_far() -> bool:
            with CatalogueFile(state) as file:
                listing = listed_runs(file, at(recorded(state)))
            return listing is not None and listing[0].told_until is not None

        assert eventually(opened)
        assert eventually(tells_all_so_far)  # a busy machine writes some rows before it has made all
        source, store = opened(), Store()
        assert source is not None
        trace_count = len(read_on(source, store).store.traces)
        send(endpoint, seed=2)
        assert eventually(lambda: len(read_on(source, store).store.traces) > trace_count)
        assert source.live
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        assert eventually(lambda: read_on(source, store).ended)
        assert facts_of(store) == read_plainly(recorded(state))[1]
        source.close()


def test_a_list_of_recordings_marks_running_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_TUI_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    growing = Growing(tmp_path, of_clients(tmp_path, 600))
    growing.write(0.5)
    (listed,) = RecentRecordings()()
    assert (listed.path, listed.what) == (str(growing.path), f"● live  {growing.path.name}")
    growing.tell()
    (listed,) = RecentRecordings()()
    assert listed.what.startswith("● live  ") and growing.path.name not in listed.what
    assert RecentRecordings(lambda: growing.path)() == []
    growing.finish()
    (listed,) = RecentRecordings()()
    assert "live" not in listed.what
