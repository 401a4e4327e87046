"""The files that a recording is written to, made when they are needed, one after another."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from etaoi_collector.recording import directory as recordings
from etaoi_collector.recording.random_access_file import shown
from etaoi_collector.wire.errors import EtaoiError
from etaoi_collector.wire.limits import MAX_TRACE_HEADER
from etaoi_collector.wire.trace_records import (
    PREFIX,
    HeaderError,
    TraceWriter,
    create_private,
    is_being_written,
    read_header,
    segment_path,
)


class RecordError(EtaoiError):
    """The file that somebody asked for cannot be written; the text is a sentence for a person."""


class WritableSegment(NamedTuple):
    """A file of the recording and what appends to it."""

    file: IO[bytes]
    writer: TraceWriter


class KnownConnection(msgspec.Struct, gc=False):
    """What a new segment repeats of a connection that is open."""

    peer: str
    client: str
    hello: bytes


class RecordingFiles:
    """Makes the files of one recording, in order.

    Args:
        directory: Folder of automatic recordings; None for a private spool, or a chosen file.
        writer: Name and version of this program, for the files' headers.
        clock: Seconds since the epoch.
        segment_bytes: Size from which on the recording goes on in a next file.
        keep_runs: How many automatic recordings are kept.
        keep_bytes: How many bytes they may have together.
    """

    def __init__(
        self,
        *,
        directory: Path | None,
        writer: str,
        clock: Callable[[], float],
        segment_bytes: int,
        keep_runs: int,
        keep_bytes: int,
    ) -> None:
        self.path: Path | None = None
        """The recording's first file, once it exists; None for a spool."""
        self.recording: str | None = None
        """The recording's id; None before the first record."""
        self.segments: list[WritableSegment] = []
        self.connections: dict[int, KnownConnection] = {}
        """Those that are open, by their number."""
        self.is_spool = directory is None
        """They are private files that end with the process."""
        self.unusable = ""
        """Why the folder could not be used, so that there is a spool instead."""
        self._directory = directory
        self._writer_name = writer
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._keep = (keep_runs, keep_bytes)

    def segment_for(self, coming: int) -> WritableSegment:
        """Return the segment to write to; the first is made when it is needed, the next when one is full."""
        if not self.segments:
            self._open_first()
        current = self.segments[-1]
        if current.writer.size + coming > self._segment_bytes and current.writer.size > PREFIX.size + 256:
            current = self._open_next(current)
        return current

    def open_given(self, path: Path) -> None:
        """Record to a chosen file; a recording that it holds is replaced.

        Raises:
            RecordError: It cannot be written.
        """
        name = shown(path)
        self.is_spool = False
        try:
            make_room(path)
            self._start(create_private(path), path)
        except FileNotFoundError:
            raise RecordError(f"Cannot record to {name}: its folder does not exist.") from None
        except (FileExistsError, IsADirectoryError):
            raise RecordError(
                f"Cannot record to {name}: it exists and is no recording. Choose another name."
            ) from None
        except BlockingIOError:
            raise RecordError(f"Cannot record to {name}: another process is recording to it.") from None
        except OSError as error:
            raise RecordError(f"Cannot record to {name}: {error.strerror or error}.") from None

    def check(self) -> None:
        """Find out early that the folder cannot be used, so that the warning is there from the start."""
        directory = self._directory
        if directory is None:
            return
        try:
            recordings.prepare(directory)
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            recordings.prune(directory, keep_runs=self._keep[0], keep_bytes=self._keep[1])
        except OSError as error:
            self._fall_back(error)

    def _fall_back(self, error: OSError) -> None:
        self._directory = None
        self.is_spool = True
        self.unusable = why(error)

    def _open_first(self) -> None:
        if self._directory is not None:
            try:
                recordings.prepare(self._directory)
                path = recordings.new_path(self._directory, self._clock())
                self._start(create_private(path), path)
            except OSError as error:
                self._fall_back(error)
            else:
                recordings.prune(self._directory, keep_runs=self._keep[0], keep_bytes=self._keep[1])
                return
        self._start(tempfile.TemporaryFile(prefix="etaoi-tui-", buffering=0), None)

    def _start(self, file: Any, path: Path | None) -> None:
        self.path = path
        writer = TraceWriter(file, writer=self._writer_name, created=self._clock())
        self.recording = writer.header.recording
        self.segments.append(WritableSegment(file, writer))

    def _open_next(self, full: WritableSegment) -> WritableSegment:
        full.writer.flush()
        number = len(self.segments)
        file: Any
        if self.path is None:
            file = tempfile.TemporaryFile(prefix="etaoi-tui-", buffering=0)
        else:
            path = segment_path(self.path, number)
            make_room(path)
            file = create_private(path)
        now = self._clock()
        writer = TraceWriter(
            file, writer=self._writer_name, created=now, recording=self.recording, segment=number
        )
        self.segments.append(WritableSegment(file, writer))
        for connection, known in self.connections.items():
            writer.opened(
                now, connection, peer=known.peer, client=known.client, hello=known.hello, again=True
            )
        if self._directory is not None:
            recordings.prune(self._directory, keep_runs=self._keep[0], keep_bytes=self._keep[1])
        return self.segments[-1]


def make_room(path: Path) -> None:
    """Remove an older recording at ``path``. Whoever has it open keeps it: it is not overwritten.

    Raises:
        FileExistsError: The file is something else than a recording.
        BlockingIOError: Another process writes it.
        OSError: It cannot be looked at or removed.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.exists():
        return
    if not path.is_file():
        raise FileExistsError(errno.EEXIST, "it is no recording", str(path))
    with open(path, "rb") as file:
        head = file.read(MAX_TRACE_HEADER)
        if is_being_written(file.fileno()):
            raise BlockingIOError(errno.EWOULDBLOCK, "another process records to it", str(path))
    try:
        ours = not head or read_header(head) is not None
    except HeaderError:
        ours = True
    if not ours:
        raise FileExistsError(errno.EEXIST, "it is no recording", str(path))
    path.unlink()


def why(error: OSError) -> str:
    """Say in a few words what is wrong with a file."""
    words = {
        errno.ENOSPC: "disk full",
        errno.EDQUOT: "disk quota reached",
        errno.EFBIG: "file size limit reached",
        errno.EROFS: "the folder is read-only",
        errno.EACCES: "the folder is read-only",
        errno.EPERM: "the folder is read-only",
        errno.EIO: "the disk fails",
    }
    return words.get(error.errno or 0) or (error.strerror or str(error)).lower()
