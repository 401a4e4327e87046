"""Looks recordings up in the catalogue; what it does not know is read, and written down."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from etaoi_collector.recording.catalogue.database import CatalogueFile, Entry
from etaoi_collector.recording.catalogue.identity import identify
from etaoi_collector.recording.catalogue.run_row import ListedRow, RunRow
from etaoi_collector.recording.directory import Recording, list_recordings, recording_at, recordings_dir

NEWS_WITHIN = 10.0
"""Seconds after which what a running viewer wrote is not taken for the present any more."""

_NEWEST = 20
"""Runs among which one with a question is looked for."""


def valid_entry(file: CatalogueFile, recording: Recording, now: float) -> Entry | None:
    """Return what the catalogue says of a recording, if that holds for the files as they are."""
    entry = file.entry(recording.key)
    identity = identify(recording.files) if entry is not None else None
    if entry is None or identity is None:
        return None
    if entry.complete:
        return entry if entry.identity == identity and not recording.running else None
    if not recording.running or not entry.identity.grows_into(identity):
        return None
    is_news = entry.identity.size >= identity.size or 0 <= now - entry.at <= NEWS_WITHIN
    return entry if is_news else None


def entry_of(
    file: CatalogueFile, recording: Recording, *, clock: Callable[[], float] = time.time
) -> Entry | None:
    """Return what is known of a recording; read it, and write it down, where that takes it.

    Returns:
        None when its files are gone.
    """
    entry = valid_entry(file, recording, clock())
    if entry is None:
        from etaoi_collector.recording.catalogue.catch_up import catalogue  # a tenth of a second of imports

        entry = catalogue(file, recording, clock=clock)
    return entry


def runs_of(
    file: CatalogueFile, recording: Recording, *, clock: Callable[[], float] = time.time
) -> list[RunRow] | None:
    """Return the runs of a recording as far as the catalogue knows them; None when it does not."""
    entry = valid_entry(file, recording, clock())
    if entry is None:
        return None
    runs = file.runs(recording.key)
    if entry.complete and len(runs) != entry.rows:
        return None  # a row is damaged
    return runs


def listed_runs(file: CatalogueFile, recording: Recording) -> tuple[Entry, list[ListedRow]] | None:
    """Return what a list shows of a recording's runs, in order of arrival, and how much of it that tells.

    Of a recording that is written, or whose writer was killed, rows tell what held at some time; they begin
    with the first run and leave out none.

    Returns:
        None where the catalogue does not know it.
    """
    listing = file.listed_runs(recording.key)
    identity = identify(recording.files)
    if listing is None or identity is None:
        return None
    entry, rows = listing
    if len(rows) != entry.rows:
        return None  # a row is damaged, or not written yet
    if entry.complete:
        holds = entry.identity == identity and not recording.running
    else:
        holds = entry.identity.grows_into(identity)
    if not holds or any(row.number != number for number, row in enumerate(rows)):
        return None
    return entry, rows


def newest_question(file: CatalogueFile, recording: Recording) -> str:
    """Return what the newest runs of a recording were asked; empty if nothing tells. See `valid_entry`."""
    return next((run.question for run in file.newest_runs(recording.key, _NEWEST) if run.question), "")


def forget_missing(file: CatalogueFile) -> None:
    """Say nothing of recordings any more that are gone."""
    file.forget([path for path in file.paths() if recording_at(path) is None])


def catch_up(folder: Path) -> None:
    """Write down all automatic recordings that the catalogue does not know, the newest first.

    Args:
        folder: The state folder.
    """
    with CatalogueFile(folder) as file:
        if not file.is_kept:
            return
        for recording in list_recordings(recordings_dir(folder)):
            if not recording.running:
                entry_of(file, recording)
        forget_missing(file)
