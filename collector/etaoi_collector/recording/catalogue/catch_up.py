"""Brings the catalogue up to date with the recordings there are: folds those that it does not know."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

from etaoi_collector.recording.catalogue.database import CatalogueFile, Entry
from etaoi_collector.recording.catalogue.identity import RecordingIdentity, identify
from etaoi_collector.recording.catalogue.run_collector import RunCollector
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.directory import Recording
from etaoi_collector.recording.fold import fold_item
from etaoi_collector.recording.reader import TraceFileError, TraceReader
from etaoi_collector.store import DEFAULT_MAX_SPANS, Store

FEW_SPANS = 200_000
"""Spans in memory while a recording is folded; all of them only where runs would be cut by that."""

_ROOM = 8_192
"""Spans that may still come when rows are made before runs leave memory."""
_ROWS_AT_ONCE = 500


def catalogue(
    file: CatalogueFile, recording: Recording, *, clock: Callable[[], float] = time.time
) -> Entry | None:
    """Read a recording and write down what is in it.

    Returns:
        What it holds; None when its files are gone.
    """
    identity = identify(recording.files)
    if identity is None:
        return None
    collects = gc.isenabled()
    gc.disable()  # hardly anything here is garbage, and looking for it takes a quarter of the time
    try:
        for max_spans in (FEW_SPANS, DEFAULT_MAX_SPANS):
            entry = _catalogue(file, recording, identity, max_spans, clock)
            if entry is not None:
                return entry
    finally:
        if collects:
            gc.enable()
    return None


def _catalogue(
    file: CatalogueFile,
    recording: Recording,
    identity: RecordingIdentity,
    max_spans: int,
    clock: Callable[[], float],
) -> Entry | None:
    """Do so with a bound on memory; None where that would cut runs."""
    entry = Entry(identity, False, 0.0)
    try:
        reader = TraceReader(recording.path)
    except TraceFileError as error:
        entry.problem, entry.at, entry.complete = str(error), clock(), True
        if not recording.running:
            file.write(recording.key, entry, (), anew=True)
        return entry
    try:
        store = Store(max_spans=max_spans)
        first = reader.header.segment if reader.header is not None else 0
        collector = RunCollector(store, reader, first)
        is_finished = not recording.running  # of one that is being written, its writer tells
        if is_finished:
            file.write(recording.key, entry, (), anew=True)
        for rows in _rows(reader, store, collector):
            if is_finished:
                file.write(recording.key, entry, rows)
        events = store.events
        store.release()
    finally:
        reader.close()
    if not collector.is_exact and max_spans < DEFAULT_MAX_SPANS:
        return None
    collector.count(entry)
    entry.events = events
    entry.at = clock()
    entry.complete = collector.is_exact and not recording.running and identify(recording.files) == identity
    if is_finished:
        file.write(recording.key, entry, ())
    return entry


def _rows(reader: TraceReader, store: Store, collector: RunCollector) -> Iterator[list[RunRow]]:
    """Fold a recording; rows are made before their runs leave memory, and at the end."""
    made_at = -1
    for item in reader.arrivals():
        fold_item(store, item)
        if store.room < _ROOM and store.evicted_traces != made_at:
            made_at = store.evicted_traces
            yield from _pieces(store, collector)
    yield from _pieces(store, collector)


def _pieces(store: Store, collector: RunCollector) -> Iterator[list[RunRow]]:
    collector.note(store.drain_changes())
    rows: list[RunRow] = []
    for row in collector.rows():
        rows.append(row)
        if len(rows) == _ROWS_AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows
