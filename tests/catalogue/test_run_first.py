"""One run of a recording comes first; in the end everything is as if it had not."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_collector.projections.trace_names import trace_name
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.fold import fold_item
from etaoi_collector.source_items import EventBatch, Missing
from etaoi_collector.sources import run_first
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.sources.run_first import RunFirstSource, open_run_first
from etaoi_collector.store import Store
from etaoi_tui.feed import Feed
from tests.catalogue.making import at, read, write_run
from tests.catalogue.test_find import native


def everything(source: ReplaySource) -> tuple[Store, list[tuple[object, ...]]]:
    """Fold all, and say what is there."""
    store = Store()
    feed = Feed(source, store)
    while not feed.ended:
        feed.tick(50.0, 0.0)
    facts: list[tuple[object, ...]] = []
    for trace in sorted(store.traces.values(), key=lambda trace: trace.number):
        spans = [
            (span.span_id, span.name, span.status, span.start_ref, span.end_ref, span.error, span.usage)
            for span in sorted(trace.members, key=lambda span: span.span_id)
        ]
        facts.append(
            (trace.number, trace.trace_id, trace_name(trace), trace.status, trace.events, trace.errors,
             trace.input_tokens, trace.output_tokens, trace.started_at, trace.ended_at, spans)
        )  # fmt: skip
    return store, facts


def run_rows(state: Path, path: Path) -> list[RunRow]:
    """The runs of a recording."""
    return read(state, path)[1]


def test_in_the_end_all_is_there_once_and_in_order(tmp_path: Path) -> None:
    tried = 0
    for path in sorted(native(tmp_path).iterdir()):
        source = ReplaySource(path)
        store, expected = everything(source)
        source.close()
        rows = run_rows(tmp_path, path)
        for row in (rows[0], rows[len(rows) // 3], rows[len(rows) // 2], rows[-2], rows[-1]):
            first = open_run_first(path, tmp_path, row.trace_id)
            assert (first is None) == row.has_waits
            if first is None:
                continue
            tried += 1
            told, found = everything(first)
            assert found == expected
            assert (told.events, told.repeats, told.rejected) == (store.events, store.repeats, store.rejected)
            first.close()
    assert tried > 20


def test_the_run_is_whole_before_anything_else_is_read(tmp_path: Path) -> None:
    path = write_run(tmp_path, events=6_000)
    rows = run_rows(tmp_path, path)
    row = rows[-2]
    source = open_run_first(path, tmp_path, row.trace_id)
    assert source is not None
    store = Store()
    events = 0
    while events < row.events:
        for item in source.take(0.01):
            fold_item(store, item)
            if type(item) is EventBatch:
                events += len(item.events)
                assert {getattr(event, "trace_id", None) for event in item.events} == {row.trace_id}
    trace = store.traces[row.trace_id]
    assert (trace.number, trace.events, trace.spans) == (row.number, row.events, row.spans)
    assert all(not isinstance(source.read(span.end_ref), Missing) for span in trace.members)
    source.close()


def test_a_frame_of_several_runs_is_handed_over_once(tmp_path: Path) -> None:
    """Events of other runs around it keep their places."""
    path = write_run(tmp_path, events=2_000)
    row = run_rows(tmp_path, path)[3]
    source = RunFirstSource(at(path), row)
    places: list[int] = []
    while items := source.take(0.05):
        for item in items:
            if type(item) is EventBatch:
                base = item.base_ref + item.first_ordinal
                places += range(base, base + len(item.events))
    source.close()
    assert len(places) == len(set(places)) == 2_000
    assert places != sorted(places)


def test_what_cannot_come_first_comes_in_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_run(tmp_path)
    assert open_run_first(path, tmp_path, "nobody") is None
    assert open_run_first(tmp_path / "gone.msgpack", tmp_path, "nobody") is None
    row = run_rows(tmp_path, path)[0]
    monkeypatch.setattr(run_first, "LARGEST_RUN", 10)
    assert open_run_first(path, tmp_path, row.trace_id) is None
