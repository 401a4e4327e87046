"""Reads a whole recording for the commands that need all of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from etaoi_collector.recording.directory import list_recordings
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_tui.console import CommandError, echo
from etaoi_tui.feed import Feed
from etaoi_tui.view.format import count

_TICK_MS = 200.0

NEWEST = "last"
"""Stands for the newest automatic recording wherever a file is asked for."""

_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class LoadedRecording:
    """A recording in memory, and the file that its payloads are read from."""

    store: Store
    source: Source


def find_recording(name: str) -> Path:
    """Return the file that a person means.

    Args:
        name: A path; or of the automatic recordings `last`, a number (1 for the newest, 2 for the one before
            it), or the beginning of a name, with or without its ``run-``.

    Raises:
        CommandError: There is no such automatic recording, or there are several.
    """
    path = Path(name).expanduser()
    if name != NEWEST and path.exists():
        return path
    matching = list_recordings()
    number = 1 if name == NEWEST else int(name) if _NUMBER.fullmatch(name) else None
    if number is None:
        if not name or os.sep in name:
            return path
        matching = [one for one in matching if one.path.name.startswith((name, f"run-{name}"))]
        if len(matching) > 1:
            raise CommandError(f"{len(matching)} recordings begin with {name!r}; write more of the name.")
        return matching[0].path if matching else path
    if not matching:
        raise CommandError("There is no automatic recording yet; run etaoi-tui and let an agent connect.")
    if not 1 <= number <= len(matching):
        raise CommandError(f"There is no recording {number}: there are {len(matching)}, 1 is the newest.")
    return matching[number - 1].path


def open_recording(name: str) -> Source:
    """Open a recording for reading.

    Raises:
        CommandError: It is none, or cannot be read.
    """
    from etaoi_collector.recording.reader import TraceFileError
    from etaoi_collector.sources.replay import ReplaySource

    try:
        return ReplaySource(find_recording(name))
    except TraceFileError as error:
        raise CommandError(str(error)) from None


@contextmanager
def load(name: str) -> Iterator[LoadedRecording]:
    """Read a recording to its end; what is odd with it is told on stderr.

    A recording that is still being written is read as far as it goes.

    Raises:
        CommandError: It is none, or cannot be read.
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
