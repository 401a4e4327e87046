"""A recording whose runs are listed at once; in the end everything is as if they had not been."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from etaoi_collector.pricing.run_totals import context_tokens
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.trace_names import agent_of, is_run, title, trace_name
from etaoi_collector.recording.catalogue.database import FILE_NAME, CatalogueFile
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.recording.fold import fold_item
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import EventBatch, Missing
from etaoi_collector.sources import catalogued
from etaoi_collector.sources.catalogued import CataloguedSource, open_catalogued
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from etaoi_tui.feed import Feed
from etaoi_tui.view.activity import Activity
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.runs.figures import RunFigures
from tests import generate
from tests.catalogue.making import at, read, write_run
from tests.catalogue.test_find import native


def everything(source: ReplaySource) -> tuple[Store, list[tuple[object, ...]]]:
    """Fold all, and say what is there."""
    store = Store()
    feed = Feed(source, store)
    while not feed.ended:
        feed.tick(50.0, 0.0)
    return store, facts_of(store)


def read_plainly(path: Path) -> tuple[Store, list[tuple[object, ...]]]:
    """Read a recording from its beginning to its end, without a catalogue; see `everything`."""
    source = ReplaySource(path)
    try:
        return everything(source)
    finally:
        source.close()


def facts_of(store: Store) -> list[tuple[object, ...]]:
    """What is in a store."""
    facts: list[tuple[object, ...]] = []
    for trace in sorted(store.traces.values(), key=lambda trace: trace.number):
        spans = [
            (span.span_id, span.name, span.status, span.start_ref, span.end_ref, span.error, span.usage)
            for span in sorted(trace.spans, key=lambda span: span.span_id)
        ]
        facts.append(
            (trace.number, trace.trace_id, trace_name(trace), trace.status, trace.events, trace.errors,
             trace.input_tokens, trace.output_tokens, trace.started_at, trace.ended_at, spans)
        )  # fmt: skip
    return facts


def run_rows(state: Path, path: Path) -> list[RunRow]:
    """The runs of a recording."""
    return read(state, path)[1]


def opened(path: Path, state: Path) -> CataloguedSource:
    """A recording that the catalogue knows."""
    source = open_catalogued(path, state)
    assert source is not None
    return source


def held_by(store: Store) -> Callable[[str], bool]:
    """Tells of which runs a store holds anything."""
    return lambda trace_id: trace_id in store.traces and store.traces[trace_id].events > 0


def take_until(source: CataloguedSource, store: Store, enough: Callable[[], bool]) -> None:
    """Fold items one call after the other."""
    while not enough():
        items = source.take(0.01)
        assert items, "the recording ended before"
        for item in items:
            fold_item(store, item)


def test_after_reading_every_event_is_there_once_and_in_order(tmp_path: Path) -> None:
    tried = 0
    for path in sorted(native(tmp_path).iterdir()):
        source = ReplaySource(path)
        store, expected = everything(source)
        source.close()
        rows = run_rows(tmp_path, path)
        for row in (rows[0], rows[len(rows) // 3], rows[len(rows) // 2], rows[-2], rows[-1]):
            listed = opened(path, tmp_path)
            listed.prefer(row.trace_id, lambda _: False)
            tried += 1
            report, events = everything(listed)
            assert events == expected
            assert (report.events, report.repeats, report.rejected) == (
                store.events,
                store.repeats,
                store.rejected,
            )
            listed.close()
    assert tried > 20


def test_all_runs_are_listed_before_any_event_is_read(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=6_000)
    source = ReplaySource(path)
    whole, _ = everything(source)
    Totals(wait=True).of_trace(next(iter(whole.traces.values())))  # loads prices
    figures = RunFigures(Totals())
    assert figures.prices_came()
    run_rows(tmp_path, path)
    listed, store = opened(path, tmp_path), Store()
    take_until(listed, store, lambda: bool(store.traces))
    assert store.events == 0
    assert list(store.traces) == list(whole.traces)
    words, read_words = Summaries(listed), Summaries(source)
    for trace in whole.traces.values():
        listed_trace = store.traces[trace.trace_id]
        for fact in (title, agent_of, is_run, context_tokens):
            assert fact(listed_trace) == fact(trace)
        for name in ("status", "started_at", "ended_at", "number", "thread", "only_infrastructure"):
            assert getattr(listed_trace, name) == getattr(trace, name), name
        assert words.of_trace(listed_trace)[:100] == " ".join(read_words.of_trace(trace).split())[:100]
        listed_figures, read_figures = figures.of(listed_trace), figures.of(trace)
        assert listed_figures.dollars == pytest.approx(read_figures.dollars, abs=1e-9)
        assert listed_figures._replace(dollars=0, priced=0) == read_figures._replace(dollars=0, priced=0)
    source.close()
    listed.close()


def test_a_requested_run_is_read_first(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=6_000)
    row = run_rows(tmp_path, path)[-2]
    source, store = opened(path, tmp_path), Store()
    source.prefer(row.trace_id, held_by(store))
    take_until(source, store, lambda: store.events >= row.events)
    trace = store.traces[row.trace_id]
    assert store.events == row.events
    assert (trace.number, trace.events, trace.span_count, trace.unread) == (
        row.number,
        row.events,
        row.spans,
        None,
    )
    assert all(not isinstance(source.read(span.end_ref), Missing) for span in trace.spans)
    source.close()


def test_requesting_runs_while_reading_does_not_change_the_result(tmp_path: Path) -> None:
    """Whenever it is asked, and however often."""
    path = write_run(tmp_path, events=6_000)
    _, expected = read_plainly(path)
    rows = run_rows(tmp_path, path)
    source, store = opened(path, tmp_path), Store()
    feed = Feed(source, store)
    ways = random.Random(5)
    while not feed.ended:
        for row in ways.sample(rows, 3):
            source.prefer(row.trace_id, held_by(store))
        feed.work(1.0, 0.0)
    assert facts_of(store) == expected
    source.close()


def test_nothing_seems_to_work_in_a_run_that_is_being_read_and_has_ended(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=2_000)
    run_rows(tmp_path, path)
    source, store, activity = opened(path, tmp_path), Store(), Activity()
    feed = Feed(source, store)
    halves = 0
    while not feed.ended:
        feed.work(0.0, 0.0)
        activity.apply(store.drain_changes())
        halves += any(trace.running for trace in store.traces.values())
        assert activity.running == 0
    assert halves > 5
    source.close()


def test_a_run_that_left_memory_is_listed_and_can_be_read_again(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=6_000)
    whole, _ = read_plainly(path)
    run_rows(tmp_path, path)
    source, store = opened(path, tmp_path), Store(max_spans=400)
    feed = Feed(source, store)
    while not feed.ended:
        feed.work(5.0, 0.0)
    assert store.span_count <= 800
    assert list(store.traces) == list(whole.traces)
    evicted = [trace for trace in store.traces.values() if not trace.spans]
    assert len(evicted) > 10
    requested = next(trace for trace in evicted if trace.unread is not None and trace.unread.is_run)
    like = whole.traces[requested.trace_id]
    assert (title(requested), requested.status) == (title(like), like.status)
    source.prefer(requested.trace_id, held_by(store))
    feed.work(1000.0, 0.0)
    assert feed.ended
    assert requested.unread is None
    assert [span.span_id for span in requested.spans] == [span.span_id for span in like.spans]
    assert (requested.status, requested.events, requested.input_tokens) == (
        like.status,
        like.events,
        like.input_tokens,
    )
    assert not any(span.status is Status.RUNNING for span in requested.spans)
    source.close()


def test_a_frame_of_several_runs_is_handed_over_once(tmp_path: Path) -> None:
    """Events of other runs around it keep their places."""
    path = write_run(tmp_path, events=2_000)
    row = run_rows(tmp_path, path)[3]
    source = opened(path, tmp_path)
    source.prefer(row.trace_id, lambda _: False)
    places: list[int] = []
    while items := source.take(0.05):
        for item in items:
            if type(item) is EventBatch:
                base = item.base_ref + item.first_ordinal
                places += range(base, base + len(item.events))
    source.close()
    assert len(places) == len(set(places)) == 2_000
    assert places != sorted(places)


def test_a_run_that_cannot_be_read_first_is_read_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run(tmp_path)
    assert open_catalogued(path, tmp_path) is None  # nobody has read it
    assert open_catalogued(tmp_path / "gone.msgpack", tmp_path) is None
    row = run_rows(tmp_path, path)[-1]
    monkeypatch.setattr(catalogued, "LARGEST_RUN", 10)
    source, store = opened(path, tmp_path), Store()
    source.prefer(row.trace_id, held_by(store))
    source.prefer("nobody", held_by(store))
    take_until(source, store, lambda: store.events > 0)
    assert store.traces[row.trace_id].events == 0
    source.close()


def test_wrong_event_refs_cost_only_the_order(tmp_path: Path) -> None:
    """A row that is wrong about where its run lies, which no program writes."""
    path = write_run(tmp_path, events=2_000)
    _, expected = read_plainly(path)
    rows = run_rows(tmp_path, path)
    with CatalogueFile(tmp_path) as file:
        entry = file.entry(path)
        assert entry is not None
        for number, row in enumerate(rows):
            row.extents = [[(0, 3, 500), (0, 1 << 39, 1 << 40), (7, 0, 9)], [], row.extents[:0]][number % 3]
        assert file.write(path, entry, rows)
    source, store = opened(path, tmp_path), Store()
    feed = Feed(source, store)
    while not feed.ended:
        for row in rows[:6]:
            source.prefer(row.trace_id, held_by(store))
        feed.work(5.0, 0.0)
    assert facts_of(store) == expected
    source.close()


def test_a_recording_that_is_deleted_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=2_000)
    _, expected = read_plainly(path)
    row = run_rows(tmp_path, path)[-1]
    source, store = opened(path, tmp_path), Store()
    take_until(source, store, lambda: bool(store.traces))
    path.unlink()
    source.prefer(row.trace_id, held_by(store))
    feed = Feed(source, store)
    while not feed.ended:
        feed.work(5.0, 0.0)
    assert facts_of(store) == expected
    source.close()
    assert open_catalogued(path, tmp_path) is None


def test_another_recording_in_its_place_is_not_listed_as_the_first(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=2_000)
    rows = run_rows(tmp_path, path)
    write_run(tmp_path, seed=9, events=2_000)
    assert open_catalogued(path, tmp_path) is None
    others = {row.trace_id for row in run_rows(tmp_path, path)}
    source, store = opened(path, tmp_path), Store()
    take_until(source, store, lambda: bool(store.traces))
    assert set(store.traces) == others
    assert others.isdisjoint(row.trace_id for row in rows)
    source.close()


def test_a_corrupt_catalogue_is_ignored(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=2_000)
    run_rows(tmp_path, path)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE runs SET row = x'c1' WHERE number = 2")
    database.close()
    assert open_catalogued(path, tmp_path) is None
    for file in tmp_path.glob(f"{FILE_NAME}*"):
        file.write_bytes(b"\0" * 5_000)
    assert open_catalogued(path, tmp_path) is None


def test_a_recording_without_its_first_files_is_listed_by_what_is_left(tmp_path: Path) -> None:
    folder = recordings_dir(tmp_path)
    folder.mkdir(parents=True)
    frames = list(generate.frames(itertools.islice(generate.traffic(), 6_000)))
    recorder = Recorder(path=folder / "run-20260102-030405-abcd.msgpack", segment_bytes=400_000)
    for number, frame in enumerate(frames):
        recorder.append(1_700_000_000.0 + number, 1, frame)
    recorder.close()
    key = folder / "run-20260102-030405-abcd.msgpack"
    files = at(key).files
    assert len(files) >= 5
    for path in (files[0], files[1], files[3]):
        path.unlink()
    source = ReplaySource(files[2])
    store, expected = everything(source)
    rows = run_rows(tmp_path, key)
    listed = opened(files[2], tmp_path)
    listed.prefer(rows[1].trace_id, lambda _: False)
    assert everything(listed)[1] == expected
    newest = next(reversed(store.traces.values()))
    refs = [ref for span in newest.spans for ref in (span.start_ref, span.end_ref) if ref >= 0]
    assert len(refs) > 2
    for ref in refs:
        assert isinstance(source.read(ref), bytes)
        assert listed.read(ref) == source.read(ref)
    for one in (source, listed):
        one.close()
    assert open_catalogued(files[4], tmp_path) is None  # a part of it is opened as what it is
