"""Searches everything: the automatic recordings, the newest first, and what other programs left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from etaoi_collector.query.match import Query
from etaoi_collector.query.needed_words import words_in
from etaoi_collector.readers.registry import offered_files, open_recording
from etaoi_collector.recording.catalogue.catch_up import catalogue
from etaoi_collector.recording.catalogue.database import CatalogueFile
from etaoi_collector.recording.catalogue.lookup import entry_of, runs_of
from etaoi_collector.recording.directory import Recording, list_recordings, recordings_dir
from etaoi_collector.recording.fold import fold_item
from etaoi_collector.recording.formats import CorruptRecord
from etaoi_collector.recording.run_reader import RunReader
from etaoi_collector.recording.segment import TraceFileError
from etaoi_collector.search.hits import SPANS_SHOWN, RunHit, matching_spans, run_hit, span_hit
from etaoi_collector.search.recording_search import RecordingSearch
from etaoi_collector.store import Store


def find(
    query: Query, folder: Path, *, since: float = 0.0, clock: Callable[[], float] = time.time
) -> Iterator[RunHit]:
    """Yield the runs in which a span matches, recording by recording, roughly the newest first.

    Args:
        query: What is looked for.
        folder: The state folder, with recordings and their catalogue.
        since: Runs that ended before are left out; seconds since the epoch.
        clock: Seconds since the epoch.
    """
    with CatalogueFile(folder) as catalogue_file:
        for recording in list_recordings(recordings_dir(folder)):
            if _changed(recording.files[-1]) >= since:
                yield from _in_recording(catalogue_file, recording, query, since, clock)
    for file in offered_files():
        if file.modified >= since:
            yield from _in_file(file.path, query, since)


def _in_recording(
    file: CatalogueFile, recording: Recording, query: Query, since: float, clock: Callable[[], float]
) -> Iterator[RunHit]:
    if not recording.running:
        entry_of(file, recording, clock=clock)
    rows = runs_of(file, recording, clock=clock)
    if rows is None and not recording.running:  # they cannot be read: another program wrote them, or damage
        catalogue(file, recording, clock=clock)
        rows = runs_of(file, recording, clock=clock)
    if rows is None:
        yield from _in_file(recording.path, query, since)
        return
    trace_ids: set[str] = set()
    try:
        with RunReader(recording) as reader:
            search = RecordingSearch(
                str(recording.path), reader, rows, query, is_running=recording.running, since=since
            )
            for hit in search.hits():
                trace_ids.add(hit.trace_id)
                yield hit
    except (CorruptRecord, TraceFileError):
        for hit in _in_file(recording.path, query, since):
            if hit.trace_id not in trace_ids:
                yield hit


def _in_file(path: Path, query: Query, since: float) -> Iterator[RunHit]:
    """Search a file of any format, whole, in memory."""
    try:
        reader = open_recording(path)
    except TraceFileError:
        return
    store = Store()
    try:
        for item in reader.arrivals():
            fold_item(store, item)
        words = words_in(query)
        for trace in reversed(list(store.traces.values())):
            if trace.ended_at < since:
                continue
            spans = matching_spans(trace, query, reader)
            if spans:
                span_hits = [span_hit(span, words, reader) for span in spans[:SPANS_SHOWN]]
                yield run_hit(str(path), trace, len(spans), span_hits, reader)
    finally:
        store.release()
        reader.close()


def _changed(path: Path) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
