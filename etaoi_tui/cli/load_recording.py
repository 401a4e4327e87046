"""Reads a whole recording for the commands that need all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from etaoi_collector.recording.directory import newest
from etaoi_collector.sources.base import EventBatch, Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Status, status_of_error
from etaoi_collector.wire.events import Reject, SpanDelta, SpanEnd, SpanStart, StateTick
from etaoi_tui.console import CommandError, echo
from etaoi_tui.feed import Feed
from etaoi_tui.view.format import count

_TICK_MS = 200.0

NEWEST = "last"
"""Stands for the newest automatic recording wherever a file is asked for."""


@dataclass(frozen=True, slots=True)
class LoadedRecording:
    """A recording in memory, and the file that its payloads are read from."""

    store: Store
    source: Source


def find_recording(name: str) -> Path:
    """Return the file that a person means: a path, or `last`.

    Raises:
        Failure: There is no automatic recording yet.
    """
    if name != NEWEST:
        return Path(name).expanduser()
    recording = newest()
    if recording is None:
        raise CommandError("There is no automatic recording yet; run etaoi-tui and let an agent connect.")
    return recording.path


def open_recording(name: str) -> Source:
    """Open a recording for reading.

    Raises:
        Failure: It is none, or cannot be read.
    """
    from etaoi_collector.recording.reader import TraceFileError
    from etaoi_collector.sources.replay import ReplaySource

    try:
        return ReplaySource(find_recording(name))
    except TraceFileError as error:
        raise CommandError(str(error)) from None


def count_traces(path: Path) -> tuple[int, int]:
    """Count a recording's traces and failures without holding them in memory.

    Raises:
        Failure: It is none, or cannot be read.
    """
    traces: set[str] = set()
    failures = _Failures()
    source = open_recording(str(path))
    try:
        while items := source.take(_TICK_MS / 1000):
            for item in items:
                if type(item) is not EventBatch:
                    continue
                for event in item.events:
                    if isinstance(event, Reject | StateTick):
                        continue
                    traces.add(event.trace_id)
                    failures.add(event)
    finally:
        source.close()
    return len(traces), failures.count


class _Failures:
    """Counts failures as a store does: one that ended several spans, one inside the other, is one."""

    def __init__(self) -> None:
        self._failed: set[str] = set()
        self._errors_inside: dict[str, set[str]] = {}
        """Errors of the spans that failed in another one, by its id."""
        self._went_on: set[str] = set()
        """Spans in which something began after a failure."""
        self.count = 0

    def add(self, event: SpanStart | SpanDelta | SpanEnd) -> None:
        """Take in an event."""
        parent = event.parent_span_id
        if isinstance(event, SpanStart):
            if parent in self._errors_inside:
                self._went_on.add(str(parent))
            return
        if not isinstance(event, SpanEnd) or status_of_error(event.error) is not Status.ERROR:
            return
        if event.span_id in self._failed:
            return
        self._failed.add(event.span_id)
        error = event.error or ""
        inside = self._errors_inside.get(event.span_id)
        if inside is None or (error not in inside and event.span_id in self._went_on):
            self.count += 1
        if parent is not None:
            self._errors_inside.setdefault(parent, set()).add(error)
            self._went_on.discard(parent)


@contextmanager
def load(name: str) -> Iterator[LoadedRecording]:
    """Read a recording to its end; what is odd with it is told on stderr.

    A recording that is still being written is read as far as it goes.

    Raises:
        Failure: It is none, or cannot be read.
    """
    source = open_recording(name)
    try:
        store = Store()
        feed = Feed(source, store)
        while not feed.ended:
            feed.tick(_TICK_MS, time.time())
            if not feed.behind and not feed.ended:
                echo(f"{name} is still being written; this is what it holds now.")
                break
        for notice in source.notices:
            echo(notice)
        if not store.events and not source.notices:
            echo("Clients connected, but sent nothing.")
        if store.rejected:
            many = count(store.rejected, "event")
            echo(f"{many} could not be taken; the first: {store.rejects[0].reason}")
        if store.evicted_traces:
            echo(f"Too large to hold: the oldest {count(store.evicted_traces, 'trace')} left out.")
        yield LoadedRecording(store, source)
    finally:
        source.close()
