"""Finds the reader of a file: every module of this folder that names one ``READER``, and entry points."""

from __future__ import annotations

import importlib
import os
import pkgutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from etaoi_collector import readers
from etaoi_collector.readers.door import Reader
from etaoi_collector.readers.trace_file import TraceFile
from etaoi_collector.recording.random_access_file import open_bytes
from etaoi_collector.recording.reader import TraceReader

ENTRY_POINTS = "etaoi_tui.readers"
"""Group of entry points under which other packages offer readers: each names a subclass of `Reader`."""

SNIFFED = 64 << 10

OWN_USER = os.getuid() if hasattr(os, "getuid") else None
"""The user's number; None where users have none."""


def find_readers() -> list[Reader]:
    """Return all readers, those of this package first."""
    all_readers: list[Reader] = []
    for module in pkgutil.iter_modules(readers.__path__):
        loaded = importlib.import_module(f"{readers.__name__}.{module.name}")
        _add(all_readers, getattr(loaded, "READER", None))
    from importlib.metadata import entry_points  # slow, and only what is no recording needs it

    for entry in entry_points(group=ENTRY_POINTS):
        try:
            _add(all_readers, entry.load())
        except Exception:
            continue
    return all_readers


class OfferedFile(NamedTuple):
    """A file that another program left where its reader looks for it.

    Attributes:
        path: Where it lies.
        format: What its format is called.
        modified: When it was written last, in seconds since the epoch.
        size: Bytes.
    """

    path: Path
    format: str
    modified: float
    size: int


def offered_files() -> list[OfferedFile]:
    """Return the files that other programs left where their readers look for them, the newest first.

    Files of other users are left out.
    """
    by_path: dict[Path, OfferedFile] = {}
    for reader in find_readers():
        try:
            for path in reader.offered():
                with suppress(OSError):  # it went meanwhile
                    about = path.stat()
                    if stat.S_ISREG(about.st_mode) and (OWN_USER is None or about.st_uid == OWN_USER):
                        by_path[path] = OfferedFile(path, reader.name, about.st_mtime, about.st_size)
        except Exception:  # somebody else's reader
            continue
    return sorted(by_path.values(), key=lambda file: file.modified, reverse=True)


def _add(all_readers: list[Reader], reader: object) -> None:
    if isinstance(reader, type) and issubclass(reader, Reader):
        all_readers.append(reader())


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
