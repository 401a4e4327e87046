"""Recordings and catalogues for these tests."""

from __future__ import annotations

import itertools
from pathlib import Path

from etaoi_collector.recording.catalogue.database import CatalogueFile, Entry
from etaoi_collector.recording.catalogue.lookup import entry_of, runs_of, valid_entry
from etaoi_collector.recording.catalogue.run_row import RunRow
from etaoi_collector.recording.directory import Recording, recording_at, recordings_dir
from etaoi_collector.wire.trace_records import TraceWriter
from tests import generate

CAPTURES = Path(__file__).parents[1] / "captures"
NOW = 2_000_000_000.0


def write_run(
    state: Path, name: str = "run-20260102-030405-abcd", *, seed: int = 0, events: int = 400
) -> Path:
    """An automatic recording of several runs, with a header of its own."""
    folder = recordings_dir(state)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.msgpack"
    path.unlink(missing_ok=True)
    writer = TraceWriter(path, writer="tests")
    sent = itertools.islice(generate.traffic(seed), events)
    for number, frame in enumerate(generate.frames(sent)):
        writer.append_frame(1_700_000_000.0 + number, 1, frame)
    writer.close()
    return path


def at(path: Path) -> Recording:
    """The recording that begins with a file."""
    recording = recording_at(path)
    assert recording is not None
    return recording


def read(state: Path, path: Path, *, now: float = NOW) -> tuple[Entry, list[RunRow]]:
    """What the catalogue tells of a recording, after reading it where that takes it."""
    with CatalogueFile(state) as file:
        entry = entry_of(file, at(path), clock=lambda: now)
        rows = runs_of(file, at(path), clock=lambda: now)
    assert entry is not None
    assert rows is not None
    return entry, rows


def is_known(state: Path, path: Path, *, now: float = NOW) -> bool:
    """Whether the catalogue knows a recording without reading it."""
    with CatalogueFile(state) as file:
        return valid_entry(file, at(path), now) is not None
