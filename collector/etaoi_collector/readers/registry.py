"""Finds the reader of a file: every module of this folder that names one ``READER``, and entry points."""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path

from etaoi_collector import readers
from etaoi_collector.readers.door import Reader
from etaoi_collector.readers.trace_file import TraceFile
from etaoi_collector.recording.random_access_file import open_bytes
from etaoi_collector.recording.reader import TraceReader

ENTRY_POINTS = "etaoi_tui.readers"
"""Group of entry points under which other packages offer readers: each names a subclass of `Reader`."""

SNIFFED = 64 << 10


def find_readers() -> list[Reader]:
    """Return all readers, those of this package first."""
    found: list[Reader] = []
    for module in pkgutil.iter_modules(readers.__path__):
        loaded = importlib.import_module(f"{readers.__name__}.{module.name}")
        _add(found, getattr(loaded, "READER", None))
    from importlib.metadata import entry_points  # slow, and only what is no recording needs it

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            _add(found, entry.load())
        except Exception:
            continue
    return found


def offered_files() -> list[Path]:
    """Return the files that other programs left where their readers look for them, the newest first."""
    changed: dict[Path, float] = {}
    for reader in find_readers():
        try:
            changed |= {path: path.stat().st_mtime for path in reader.offered()}
        except Exception:  # somebody else's reader, or a file that went meanwhile
            continue
    return sorted(changed, key=lambda path: changed[path], reverse=True)


def _add(found: list[Reader], reader: object) -> None:
    if isinstance(reader, type) and issubclass(reader, Reader):
        found.append(reader())


def open_recording(path: str | os.PathLike[str], *, follow: bool = False) -> TraceReader:
    """Open a file by the reader that recognises it.

    Raises:
        TraceFileError: It cannot be read, or no reader recognises it.
    """
    own = TraceFile()
    try:
        file = open_bytes(path)
    except (OSError, ValueError):
        return own.open(path, follow=follow)  # which says what is wrong with it
    try:
        start = bytes(file.view(0, SNIFFED))
    finally:
        file.close()
    if start and not own.sniff(start):
        for reader in find_readers():
            if reader.sniff(start):
                return reader.open(path, follow=follow)
    return own.open(path, follow=follow)
