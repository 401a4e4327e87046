"""Makes the catalogue's rows from a store: of the runs that changed, and each from what is new in it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from etaoi_collector.projections.recorded_content import EventBytes
from etaoi_collector.projections.trace_names import is_listed
from etaoi_collector.recording.catalogue.database import Entry
from etaoi_collector.recording.catalogue.describe_run import run_row
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.catalogue.run_scan import RunScan
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Trace

_SPANS_AT_ONCE = 256


class _ReportedRun:
    """What a run's newest row said."""

    __slots__ = ("errors", "events", "is_listed", "last_segment", "number", "tokens")

    def __init__(self, row: RunRow) -> None:
        self.errors = row.errors
        self.events = row.events
        self.is_listed = row.is_listed
        self.last_segment = row.extents[-1][0] if row.extents else -1
        """The newest file in which something of it lies; -1 for none."""
        self.number = row.number
        self.tokens = row.tokens_by_model


class _Sums:
    """What all rows together say."""

    def __init__(self) -> None:
        self.rows = 0
        self.listed = 0
        self.errors = 0
        self.tokens: dict[str, tuple[int, int]] = {}

    def add(self, report: _ReportedRun, sign: int = 1) -> None:
        """Count what a row says, or, with -1, take it back."""
        self.rows += sign
        self.listed += sign * report.is_listed
        self.errors += sign * report.errors
        for model, (input_tokens, output_tokens) in report.tokens.items():
            previous = self.tokens.get(model, (0, 0))
            updated = previous[0] + sign * input_tokens, previous[1] + sign * output_tokens
            if updated == (0, 0):
                self.tokens.pop(model, None)  # whoever makes a name up for each call is not remembered
            else:
                self.tokens[model] = updated


class RunCollector:
    """Follows a store that one recording is folded into.

    Args:
        store: Only read.
        reader: Reads recorded events.
        first_segment: Number of the oldest segment that is there.
    """

    def __init__(self, store: Store, reader: EventBytes, first_segment: int = 0) -> None:
        self.is_exact = True
        """Every run's row says all of it. False once one left memory before its row was made."""
        self._store = store
        self._reader = reader
        self._pending: dict[Trace, None] = {}
        self._scans: dict[Trace, RunScan] = {}
        self._reported: dict[str, _ReportedRun] = {}
        """By trace id, of the runs of which something is left in the recording."""
        self._sums = _Sums()
        self._oldest_segment = first_segment
        self._newest = (first_segment, 0)
        """Segment and offset of the newest record of which a row tells."""
        self._told_until: tuple[int, int] | None = None
        """The same, when no row was left to be made."""

    @property
    def has_news(self) -> bool:
        """Whether rows are to be made."""
        return bool(self._pending)

    def count(self, entry: Entry) -> None:
        """Write into an entry how many rows were made, what they come to, and up to where they tell all."""
        if self.is_exact and not self.has_news:
            self._told_until = self._newest
        entry.told_until = self._told_until
        sums = self._sums
        entry.rows, entry.traces, entry.errors = sums.rows, sums.listed, sums.errors
        entry.tokens = dict(sums.tokens)
        for trace in self._pending:  # what is said in all does not wait for rows
            if trace.trace_id not in self._reported:
                entry.traces += is_listed(trace)
                entry.errors += trace.errors

    def forget_before(self, segment: int) -> list[int]:
        """Let go of runs of which nothing is left, because a recording's oldest files were deleted.

        Args:
            segment: Number of the oldest segment that is there.

        Returns:
            The numbers of their rows.
        """
        if segment <= self._oldest_segment:
            return []
        self._oldest_segment = segment
        forgotten = {
            id_: report for id_, report in self._reported.items() if 0 <= report.last_segment < segment
        }
        for trace_id, report in forgotten.items():
            del self._reported[trace_id]
            self._sums.add(report, -1)
        self.is_exact = False
        return [report.number for report in forgotten.values()]

    def note(self, changes: Changes) -> None:
        """Remember which runs changed."""
        traces = self._store.traces
        for changed in (changes.traces, changes.restructured):
            for trace in changed:
                if traces.get(trace.trace_id) is trace:
                    self._pending[trace] = None
                else:
                    self._forget_run(trace)
        for session in changes.sessions:
            for trace in session.traces:  # what runs in a session that is gone is lost
                if trace.running:
                    self._pending[trace] = None

    def rows(self, until: float | None = None) -> Iterator[RunRow]:
        """Make the rows of runs that changed.

        Args:
            until: When to stop, by `time.perf_counter`; what is left is made next time. None for no bound.
        """
        for trace in list(self._pending):
            scan = self._scans.get(trace)
            if scan is None:
                scan = self._scans[trace] = RunScan()
            while not scan.look(trace, None if until is None else _SPANS_AT_ONCE):
                if until is not None and time.perf_counter() >= until:
                    return
            row = run_row(trace, scan, self._reader)
            del self._pending[trace]
            reported = self._reported.get(row.trace_id)
            if reported is not None and reported.number != row.number:
                self.is_exact = False  # the rest of one that had left memory
            elif self._tell(row, reported):
                yield row
            if not trace.running:
                del self._scans[trace]  # what comes later is rare, and is found again
            if until is not None and time.perf_counter() >= until:
                return

    def _tell(self, row: RunRow, previous: _ReportedRun | None) -> bool:
        """Count a row; False where nothing is left of what it tells."""
        counted = _ReportedRun(row)
        if 0 <= counted.last_segment < self._oldest_segment:
            return False
        if previous is not None:
            self._sums.add(previous, -1)
        if row.extents:
            segment, _, end = row.extents[-1]
            self._newest = max(self._newest, (segment, end - 1))
        self._reported[row.trace_id] = counted
        self._sums.add(counted)
        return True

    def _forget_run(self, trace: Trace) -> None:
        """Let go of a run that left memory."""
        self._pending.pop(trace, None)
        self._scans.pop(trace, None)
        reported = self._reported.get(trace.trace_id)
        if reported is None or reported.events != trace.events:
            self.is_exact = False
