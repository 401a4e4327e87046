"""The catalogue's SQLite file.

Nothing here fails: what cannot be read is not there, what cannot be written is written another time.

A file that is damaged is thrown away and begun anew; where none can be kept, memory is used instead.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from etaoi_collector.recording.catalogue.identity import RecordingIdentity
from etaoi_collector.recording.catalogue.run_row import ListedRow, RunRow, pack_row, read_listed, read_row
from etaoi_collector.recording.directory import prepare

if TYPE_CHECKING:
    import sqlite3

FILE_NAME = "catalogue-6.sqlite"
"""With the number of the layout: a program with another one has a file of its own."""

LOCKED_FOR = 0.5

_TABLES = """
CREATE TABLE IF NOT EXISTS recordings (
  path BLOB PRIMARY KEY,
  entry BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
  path BLOB NOT NULL,
  number INTEGER NOT NULL,
  row BLOB NOT NULL,
  PRIMARY KEY (path, number)
) WITHOUT ROWID;
"""

_ENTRY_AND_RUNS = """
SELECT entry FROM recordings WHERE path = ?
UNION ALL
SELECT row FROM (SELECT row FROM runs WHERE path = ? ORDER BY number)
"""

_encode = msgspec.msgpack.encode


class Entry(msgspec.Struct, array_like=True):
    """What the catalogue says of a recording."""

    identity: RecordingIdentity
    """The files as they were."""
    complete: bool
    """Everything in these files is told; else they are being written, and it is told up to some event."""
    at: float
    """When this was written, in seconds since the epoch."""
    rows: int = 0
    traces: int = 0
    """Those of them that are listed."""
    errors: int = 0
    events: int = 0
    problem: str | None = None
    """Why it cannot be read."""
    tokens: dict[str, tuple[int, int]] = {}
    """Input and output tokens that were paid, by the model that answered; no name if none is known."""
    told_until: tuple[int, int] | None = None
    """While it is not complete: a segment's number and the offset of a record; of everything in front of it,
    the rows tell. None if no such place is known."""


_read_entry = msgspec.msgpack.Decoder(Entry).decode
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, TypeError)


class CatalogueFile:
    """One opener of the file, for use by one thread.

    Args:
        folder: Where it lies; None keeps it in memory.
        locked_for: Seconds that another process is waited for.
    """

    def __init__(self, folder: Path | None, *, locked_for: float = LOCKED_FOR) -> None:
        self._locked_for = locked_for
        self._path = None if folder is None else folder / FILE_NAME
        self._connection: sqlite3.Connection | None = None
        try:
            import sqlite3
        except ImportError:  # a Python may be built without it
            return
        self._error = sqlite3.Error
        self._damaged = sqlite3.DatabaseError
        self._busy = sqlite3.OperationalError
        self._open()

    def __enter__(self) -> CatalogueFile:
        """Use it for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def is_kept(self) -> bool:
        """Whether what is written stays."""
        return self._connection is not None and self._path is not None

    def entry(self, path: Path) -> Entry | None:
        """Return what is said of a recording, whether or not it still holds."""
        rows = self._rows("SELECT entry FROM recordings WHERE path = ?", (_key(path),))
        return next(_readable(_read_entry, rows), None)

    def paths(self) -> list[Path]:
        """Return the keys of the recordings of which something is said."""
        return [
            Path(os.fsdecode(row[0]))
            for row in self._rows("SELECT path FROM recordings", ())
            if isinstance(row[0], bytes)
        ]

    def runs(self, path: Path) -> list[RunRow]:
        """Return the runs of a recording, in order of arrival."""
        rows = self._rows("SELECT row FROM runs WHERE path = ? ORDER BY number", (_key(path),))
        return list(_readable(read_row, rows))

    def listed_runs(self, path: Path) -> tuple[Entry, list[ListedRow]] | None:
        """Return what is said of a recording, and what a list shows of its runs, in order of arrival.

        Both are of the same moment, whoever writes meanwhile.
        """
        heads = self._rows(_ENTRY_AND_RUNS, (_key(path), _key(path)))
        entry = next(_readable(_read_entry, heads[:1]), None)
        return None if entry is None else (entry, list(_readable(read_listed, heads[1:])))

    def newest_runs(self, path: Path, most: int) -> list[RunRow]:
        """Return the newest runs of a recording, the newest first."""
        rows = self._rows(
            "SELECT row FROM runs WHERE path = ? ORDER BY number DESC LIMIT ?", (_key(path), most)
        )
        return list(_readable(read_row, rows))

    def write(
        self,
        path: Path,
        entry: Entry,
        runs: Iterable[RunRow],
        removed: Iterable[int] = (),
        *,
        anew: bool = False,
    ) -> bool:
        """Say something of a recording; False when it could not be written.

        Args:
            path: The recording's key, see `Recording`.
            entry: What is said of it as a whole.
            runs: Runs that are new or changed.
            removed: Numbers of those of which nothing is left.
            anew: Forget all other runs of it.
        """
        rows = [(_key(path), run.number, pack_row(run)) for run in runs]

        def change(connection: sqlite3.Connection) -> None:
            if anew:
                connection.execute("DELETE FROM runs WHERE path = ?", (_key(path),))
            connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", rows)
            connection.executemany(
                "DELETE FROM runs WHERE path = ? AND number = ?", [(_key(path), number) for number in removed]
            )
            connection.execute(
                "INSERT OR REPLACE INTO recordings VALUES (?, ?)", (_key(path), _encode(entry))
            )

        return self._change(change)

    def forget(self, paths: Iterable[Path]) -> None:
        """Say nothing of recordings any more."""
        keys = [(_key(path),) for path in paths]

        def change(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM runs WHERE path = ?", keys)
            connection.executemany("DELETE FROM recordings WHERE path = ?", keys)

        if keys:
            self._change(change)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with contextlib.suppress(self._error):
                self._connection.close()
            self._connection = None

    def _rows(self, query: str, values: tuple[bytes | int, ...]) -> list[tuple[Any, ...]]:
        for _ in range(2):
            if self._connection is None:
                break
            try:
                return self._connection.execute(query, values).fetchall()
            except self._error as error:
                if not self._begin_anew(error):
                    break
        return []

    def _change(self, change: Any) -> bool:
        for _ in range(2):
            if self._connection is None:
                break
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    change(self._connection)
                return True
            except self._error as error:
                if not self._begin_anew(error):
                    break
        return False

    def _begin_anew(self, error: Exception) -> bool:
        """Throw a damaged file away; False for an error that says nothing of the file."""
        if isinstance(error, self._busy) and "no such" not in str(error):
            return False  # another process writes, the disk is full, the folder is read-only
        self.close()
        if self._path is not None:
            for ending in ("", "-wal", "-shm", "-journal"):
                with contextlib.suppress(OSError):
                    self._path.with_name(self._path.name + ending).unlink()
        self._open()
        return True

    def _open(self) -> None:
        if self._path is not None and self._open_file(self._path):
            return
        self._path = None
        self._connect(":memory:")

    def _open_file(self, path: Path) -> bool:
        for again in (False, True):
            try:
                prepare(path.parent)
                # Private from the beginning; what SQLite puts beside it gets the same rights.
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            except OSError:
                return False
            if self._connect(str(path)):
                return True
            if again or not self._is_damaged:
                return False
            with contextlib.suppress(OSError):
                path.unlink()
        return False

    def _connect(self, name: str) -> bool:
        import sqlite3

        connection = None
        self._is_damaged = False
        try:
            connection = sqlite3.connect(name, timeout=self._locked_for, isolation_level=None)
            # What is lost with the power is read from the recordings again.
            connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + _TABLES)
        except sqlite3.Error as error:
            self._is_damaged = not isinstance(error, sqlite3.OperationalError)
            if connection is not None:
                connection.close()
            return False
        self._connection = connection
        return True


def _key(path: Path) -> bytes:
    """A path may hold bytes that are no text."""
    return os.fsencode(path.absolute())


def _readable(read: Any, rows: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    for row in rows:
        try:
            yield read(row[0])
        except _UNREADABLE:
            continue
