"""Searches one recording: finds runs that may match by bytes and rows, and asks the query of their spans.

What matches is decided by the same query over the same spans as in the viewer; everything before only leaves
out what cannot match.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from etaoi_collector.query.match import Anywhere, InputContains, OutputContains, Query, Word, byte_forms
from etaoi_collector.query.needed_words import longest_piece, needed_words, needs_error, words_in
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.catalogue.run_scan import BLOCK_BITS
from etaoi_collector.recording.run_reader import Extent, RunReader, SegmentBytes
from etaoi_collector.search.hits import SPANS_SHOWN, RunHit, matching_spans, run_hit, span_hit
from etaoi_collector.search.referring import runs_referring
from etaoi_collector.search.scan import records_with
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_events, split_frame
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.trace_records import FRAME, PREFIX

LARGE_RUN = 8 << 20
"""Bytes around a run from which on only the records with a match are read, where that is enough."""

NEWEST_BYTES = 4 << 20
"""Bytes at the end of a recording that is being written that its rows are not expected to tell of."""


class RecordingSearch:
    """A query in one recording.

    Args:
        file: What the recording is called in hits.
        reader: The recording, open.
        rows: Its runs, from the catalogue.
        query: What is looked for.
        is_running: The recording is being written: its rows may lag behind.
        since: Runs that ended before are left out; seconds since the epoch.
    """

    def __init__(
        self,
        file: str,
        reader: RunReader,
        rows: Sequence[RunRow],
        query: Query,
        *,
        is_running: bool = False,
        since: float = 0.0,
    ) -> None:
        self._file = file
        self._reader = reader
        self._rows = {row.trace_id: row for row in rows}
        self._query = query
        self._words = words_in(query)
        self._by_event = isinstance(query, Anywhere | InputContains | OutputContains)
        self._is_running = is_running
        self._since = since
        self._done: set[str] = {row.trace_id for row in rows if row.ended_at < since}
        self._blocks: dict[tuple[int, int], set[str]] = defaultdict(set)
        """Runs of which something lies in a block, by segment and block."""
        self._covered_until = _covered_until(reader, rows)
        if not is_running:
            for row in rows:
                for number, start, end in row.extents:
                    for block in range(start >> BLOCK_BITS, ((end - 1) >> BLOCK_BITS) + 1):
                        self._blocks[number, block].add(row.trace_id)

    def hits(self) -> Iterator[RunHit]:
        """Yield the runs in which something matches, roughly the newest first.

        Raises:
            CorruptRecord: The recording is damaged.
        """
        needed = needed_words(self._query)
        if needs_error(self._query) and not self._is_running:
            self._done |= {row.trace_id for row in self._rows.values() if not row.errors}
        if needed is None:
            yield from self._all_rows()
            return
        yield from self._by_bytes(needed)
        # Names that were made up for a row stand in no recorded byte.
        for row in sorted(self._rows.values(), key=lambda row: -row.number):
            if row.trace_id not in self._done and _names_have(row, needed):
                yield from self._look_into(row.trace_id, None)

    def _all_rows(self) -> Iterator[RunHit]:
        for row in sorted(self._rows.values(), key=lambda row: -row.number):
            yield from self._look_into(row.trace_id, None)

    def _by_bytes(self, needed: Sequence[Word]) -> Iterator[RunHit]:
        forms = list(dict.fromkeys(form for word in needed for form in byte_forms(longest_piece(word))))
        starts: dict[int, list[int]] = defaultdict(list)
        for row in self._rows.values():
            for number, start, _ in row.extents:
                starts[number].append(start)
        for number in sorted(self._reader.segments, reverse=True):
            segment = self._reader.segments[number]

            is_done = partial(self._is_done, number)
            for offset, end in records_with(segment, forms, sorted(starts[number]), is_done=is_done):
                for trace_id in self._runs_with(segment, offset, end, forms):
                    yield from self._look_into(trace_id, (number, offset, offset + 1))
        for trace_id, record in runs_referring(self._reader, forms):
            yield from self._look_into(trace_id, record)

    def _is_done(self, number: int, begin: int, end: int) -> bool:
        """Whether all runs between two offsets are done with, and those whose records reach into that."""
        for block in range(max(0, (begin >> BLOCK_BITS) - 1), ((end - 1) >> BLOCK_BITS) + 1):
            here = self._blocks.get((number, block))
            if here is None or not here <= self._done:
                return False
        return True

    def _runs_with(self, segment: SegmentBytes, offset: int, end: int, forms: Sequence[bytes]) -> list[str]:
        """Return the runs whose events in a record hold one of the forms."""
        if segment.data[offset + 1] != FRAME:
            return []
        trace_ids: dict[str, None] = {}
        for part in split_frame(segment.data[offset + PREFIX.size : end]):
            if isinstance(part, Reject):
                continue
            lowered = bytes(part).lower()
            if any(form in lowered for form in forms):
                event = decode_events([part])[0]
                trace_id = getattr(event, "trace_id", None)
                if isinstance(trace_id, str) and trace_id not in self._done:
                    trace_ids[trace_id] = None
        return list(trace_ids)

    def _look_into(self, trace_id: str, record: Extent | None) -> Iterator[RunHit]:
        """Ask the query of a run's spans.

        Args:
            trace_id: The run.
            record: Where a word stands that is looked for.
        """
        if trace_id in self._done:
            return
        row = self._rows.get(trace_id)
        extents = self._extents(row)
        size = sum(end - start for _, start, end in extents)
        in_part = self._by_event and record is not None and size > LARGE_RUN
        if in_part and record is not None:
            extents = [record]
        store = Store()
        trace = self._reader.load(store, trace_id, extents)
        if trace is None:
            self._done.add(trace_id)
            return
        if not self._is_running:
            store.finish()
            trace.session.left_at = row.left_at if row is not None else None
        spans = matching_spans(trace, self._query, self._reader)
        if spans or not in_part:
            self._done.add(trace_id)
        if spans and trace.ended_at >= self._since:
            span_hits = [span_hit(span, self._words, self._reader) for span in spans[:SPANS_SHOWN]]
            hit = run_hit(self._file, trace, len(spans), span_hits, self._reader)
            if in_part and row is not None:
                hit.more = True
                hit.name, hit.question, hit.agent, hit.status = row.name, row.question, row.agent, row.status
                hit.started_at, hit.ended_at, hit.errors = row.started_at, row.ended_at, row.errors
            yield hit
        store.release()

    def _extents(self, row: RunRow | None) -> list[Extent]:
        """Return where a run lies; of a recording that is being written, rows do not know the end."""
        extents = list(row.extents) if row is not None else []
        if self._is_running or row is None:
            extents += [
                (number, start, len(self._reader.segments[number].data))
                for number, start in self._covered_until
            ]
        return extents


def _covered_until(reader: RunReader, rows: Sequence[RunRow]) -> list[tuple[int, int]]:
    """Return for each segment that rows may not tell all of the offset of a record that they do tell of."""
    starts = sorted(extent[:2] for row in rows for extent in row.extents)
    offsets: list[tuple[int, int]] = []
    for number, segment in reader.segments.items():
        near_end = (number, max(segment.start, len(segment.data) - NEWEST_BYTES))
        at = bisect_right(starts, near_end)
        start = starts[at - 1][1] if at and starts[at - 1][0] == number else segment.start
        if not starts or number >= starts[-1][0]:
            offsets.append((number, start))
    return offsets


def _names_have(row: RunRow, words: Sequence[Word]) -> bool:
    names = (row.name, row.agent, *row.agents, *row.tools, *row.models, *row.error_texts, *row.other_names)
    return any(word.within(name) for word in words for name in names)
