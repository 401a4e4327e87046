"""What the catalogue says of runs, against a store that holds all of the recording."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from etaoi_collector.projections.trace_names import is_listed, trace_name
from etaoi_collector.readers.registry import open_recording
from etaoi_collector.recording.catalogue import catch_up
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.fold import fold_item
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.store import Store
from etaoi_collector.store.model import NO_CALL, Trace
from etaoi_collector.wire.event_ref import unpack_event_ref
from tests.catalogue.making import CAPTURES, read, write_run

RECORDINGS = sorted(path.name for path in CAPTURES.glob("*.msgpack"))


def folded(path: Path) -> tuple[Store, TraceReader]:
    """A store of all of a recording, and its open reader."""
    reader = open_recording(path)
    store = Store()
    for item in reader.arrivals():
        fold_item(store, item)
    return store, reader


def usage_of(trace: Trace) -> Counter[tuple[object, ...]]:
    """The calls that were paid: names, usage, and how many."""
    return Counter(
        ((span.model or "", (span.call or NO_CALL).requested_model or ""), span.usage)
        for span in trace.calls
        if span.usage is not None and not span.usage.from_cache and not (span.call or NO_CALL).wraps
    )


def usage_of_row(row: RunRow) -> Counter[tuple[object, ...]]:
    """The same from a row."""
    usage: Counter[tuple[object, ...]] = Counter()
    for call in row.calls:
        usage[row.model_names[call.model][:2], call.usage] += call.count
    return usage


@pytest.mark.parametrize("name", RECORDINGS)
def test_rows_equal_the_traces_of_a_store(name: str, tmp_path: Path) -> None:
    path = CAPTURES / name
    store, reader = folded(path)
    entry, rows = read(tmp_path, path)
    assert (entry.rows, entry.traces, entry.errors, entry.events) == (
        len(store.traces),
        sum(is_listed(trace) for trace in store.traces.values()),
        sum(trace.errors for trace in store.traces.values()),
        store.events,
    )
    assert [row.trace_id for row in rows] == list(store.traces)
    assert (
        sum(totals[0] for totals in entry.tokens.values()),
        sum(totals[1] for totals in entry.tokens.values()),
    ) == (
        sum(trace.input_tokens for trace in store.traces.values()),
        sum(trace.output_tokens for trace in store.traces.values()),
    )
    for row, trace in zip(rows, store.traces.values(), strict=True):
        assert row.name == trace_name(trace)
        assert (row.status, row.spans, row.events, row.errors) == (
            trace.status.value,
            trace.span_count,
            trace.events,
            trace.errors,
        )
        assert (row.started_at, row.ended_at) == (trace.started_at, trace.ended_at)
        assert (row.input_tokens, row.output_tokens) == (trace.input_tokens, trace.output_tokens)
        assert usage_of_row(row) == usage_of(trace)
        tokens = row.tokens_by_model.values()
        assert (sum(t[0] for t in tokens), sum(t[1] for t in tokens)) == (
            trace.input_tokens,
            trace.output_tokens,
        )
        assert set(row.tools) == {span.name for span in trace.spans if span.kind == "tool" and span.name}
    reader.close()


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_places_of_a_run_hold_all_its_events(name: str, tmp_path: Path) -> None:
    path = CAPTURES / name
    store, reader = folded(path)
    _, rows = read(tmp_path, path)
    for row, trace in zip(rows, store.traces.values(), strict=True):
        for span in trace.spans:
            for ref in (span.start_ref, span.end_ref, *(span.deltas or ())):
                if ref >= 0:
                    segment, offset, _ = unpack_event_ref(ref)
                    assert any(one[0] == segment and one[1] <= offset < one[2] for one in row.extents)
    reader.close()


def test_the_question_of_a_run_is_stored(tmp_path: Path) -> None:
    _, rows = read(tmp_path, CAPTURES / "s05_streaming.msgpack")
    assert "cancel me" in {row.question for row in rows}


def test_runs_that_are_evicted_meanwhile_have_complete_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that holds a part of the recording's spans changes nothing in the catalogue."""
    path = write_run(tmp_path, events=8_000)
    store, reader = folded(path)
    reader.close()
    monkeypatch.setattr(catch_up, "FEW_SPANS", 1_000)
    monkeypatch.setattr(catch_up, "_ROOM", 600)
    entry, rows = read(tmp_path, path)
    assert entry.complete
    assert [(row.trace_id, row.events, row.errors) for row in rows] == [
        (trace.trace_id, trace.events, trace.errors) for trace in store.traces.values()
    ]


def test_a_run_that_is_cut_by_the_bound_is_read_again_with_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run(tmp_path, events=8_000)
    monkeypatch.setattr(catch_up, "FEW_SPANS", 40)
    monkeypatch.setattr(catch_up, "_ROOM", 0)
    entry, rows = read(tmp_path, path)
    store, reader = folded(path)
    reader.close()
    assert entry.complete
    assert [row.events for row in rows] == [trace.events for trace in store.traces.values()]
