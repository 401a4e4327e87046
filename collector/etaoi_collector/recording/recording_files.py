"""The files that a recording is written to: made when needed, one after another, and kept within bounds."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec

from etaoi_collector.recording import directory as recordings
from etaoi_collector.recording.chunks import Chunk, Cursor, read_records
from etaoi_collector.recording.random_access_file import printable_path
from etaoi_collector.wire.errors import EtaoiError, HeaderError
from etaoi_collector.wire.limits import MAX_TRACE_HEADER
from etaoi_collector.wire.trace_records import (
    PREFIX,
    TraceWriter,
    create_private,
    is_being_written,
    read_header,
    segment_path,
)

OVER_KEPT_BYTES = "not kept: over --keep-bytes"
"""Why what lay in a file that was deleted again cannot be had."""

_LEAST_SEGMENT = 256 << 10
"""Bytes of a file that little to keep never asks to stay below."""
_SLACK = 32 << 20
"""Bytes that may be written until it is looked again at how many there are."""
_RESERVE = 4 << 20
"""Bytes that a disk that was full must have room for before the recording goes on."""


class RecordError(EtaoiError):
    """The file that somebody asked for cannot be written; the text is a sentence for a person."""


class WritableSegment:
    """A file of the recording and what appends to it."""

    __slots__ = ("file", "path", "writer")

    def __init__(self, file: IO[bytes], writer: TraceWriter, path: Path | None) -> None:
        self.file = file
        self.writer = writer
        self.path = path
        """Where it lies; None for a spool, which has no name."""

    def chunk(self, number: int, offset: int, most: int) -> Chunk | None:
        """Return what the file holds from an offset on, roughly ``most`` bytes; None when that is nothing."""
        if offset >= self.writer.written:
            return None
        try:
            data = read_records(self.file.fileno(), offset, self.writer.written, most)
        except (OSError, ValueError):
            return None
        return Chunk(Cursor(number, offset), data, Cursor(number, offset + len(data))) if data else None


class KnownConnection(msgspec.Struct, gc=False):
    """What a new segment repeats of a connection that is open."""

    peer: str
    client: str
    hello: bytes


class RecordingFiles:
    """Makes the files of one recording, in order, and keeps them within their bounds.

    Of automatic recordings and spools the oldest closed files go when there are too many bytes. A file that
    somebody chose is left alone, and so are those that follow it.

    Args:
        directory: Folder of automatic recordings; None for a private spool, or a chosen file.
        writer: Name and version of this program, for the files' headers.
        clock: Seconds since the epoch.
        segment_bytes: Size from which on the recording goes on in a next file.
        keep_runs: How many automatic recordings are kept.
        keep_bytes: How many bytes they may have together, this one included.
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
        self.recording: str | None = None
        """The recording's id; None before the first record."""
        self.number = -1
        """The number of the segment that is written to; -1 before there was any."""
        self.segments: dict[int, WritableSegment] = {}
        """Those that can be read, by number, in order."""
        self.ends: dict[int, int] = {}
        """Of each segment that is not written any more the offset after its last record."""
        self.connections: dict[int, KnownConnection] = {}
        """Those that are open, by their number."""
        self.unusable = ""
        """Why the folder cannot be used, so that there is a spool instead."""
        self._chosen: Path | None = None
        self._base: Path | None = None
        """What the files in the folder are called after."""
        self._directory = directory
        self._writer_name = writer
        self._clock = clock
        self._segment_bytes = min(segment_bytes, max(_LEAST_SEGMENT, keep_bytes // 4))
        self._keep_runs = keep_runs
        self._keep_bytes = keep_bytes
        self._slack = min(_SLACK, keep_bytes // 16)
        self._looked_at = 0
        """Bytes of all files when it was last looked at how many there are."""

    @property
    def is_spool(self) -> bool:
        """What is written now goes with the process."""
        return self._chosen is None and (self._directory is None or bool(self.unusable))

    @property
    def path(self) -> Path | None:
        """The first of the files that are still there; None while there is none but a spool."""
        return next((segment.path for segment in self.segments.values() if segment.path is not None), None)

    @property
    def first(self) -> int:
        """The number of the first that can be read."""
        return next(iter(self.segments), 0)

    @property
    def bytes(self) -> int:
        """Bytes of all files that are there, with what the next flush will write; memory not counted."""
        writers = (segment.writer for segment in self.segments.values())
        return sum(writer.size if writer.failed is None else writer.written for writer in writers)

    def segment_for(self, coming: int) -> WritableSegment:
        """Return the segment to write to; the first is made when it is needed, the next when one is full.

        Raises:
            OSError: There is none, and none can be made.
        """
        current = self.segments.get(self.number)
        if current is None:
            return self._open_first()
        size = current.writer.size
        if size + coming > self._segment_bytes and size > PREFIX.size + 256:
            current.writer.flush()
            current = self._open_next(size, coming)
        elif size + coming - self._looked_at > self._slack:
            self._keep_within_bounds(coming)
        return current

    def open_chosen(self, path: Path) -> None:
        """Record to a chosen file; a recording that it holds is replaced.

        Raises:
            RecordError: It cannot be written.
        """
        name = printable_path(path)
        self._chosen = path
        try:
            self._open(0)
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
        if self._directory is None:
            return
        try:
            self._look_at_folder(self._directory)
            recordings.prune(self._directory, keep_runs=self._keep_runs, keep_bytes=self._keep_bytes)
        except OSError as error:
            self.unusable = why(error)

    def go_on(self, end: int) -> None:
        """Open a next segment after writing failed, or in a folder that could not be used.

        Args:
            end: Offset after the last record of the segment before; what memory holds of it included.

        Raises:
            OSError: It still does not work.
        """
        unusable, self.unusable = self.unusable, ""
        try:
            if self._directory is not None and self._chosen is None:
                self._look_at_folder(self._directory)
            self._open_next(end, reserve=_RESERVE)
        except OSError:
            self.unusable = unusable
            raise

    def _look_at_folder(self, directory: Path) -> None:
        recordings.prepare(directory)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def _open_first(self) -> WritableSegment:
        if self._directory is not None and not self.unusable:
            try:
                recordings.prepare(self._directory)
                first = self._open(0)
            except OSError as error:
                self.unusable = why(error)
            else:
                recordings.prune(self._directory, keep_runs=self._keep_runs, keep_bytes=self._keep_bytes)
                return first
        return self._open(0)

    def _open_next(self, end: int, coming: int = 0, *, reserve: int = 0) -> WritableSegment:
        previous_number = max(0, self.number)
        opened = self._open(previous_number + 1, reserve)
        self.ends[previous_number] = end
        now = self._clock()
        for connection, info in self.connections.items():
            opened.writer.opened(
                now, connection, peer=info.peer, client=info.client, hello=info.hello, again=True
            )
        self._keep_within_bounds(coming)
        return opened

    def _open(self, number: int, reserve: int = 0) -> WritableSegment:
        """Make a segment's file.

        Args:
            number: The segment's.
            reserve: Bytes that the disk must have room for.

        Raises:
            OSError: It cannot be made, or has no room.
        """
        file: Any
        path = None
        if self.is_spool:
            file = tempfile.TemporaryFile(prefix="etaoi-tui-", buffering=0)
        else:
            if self._base is None:
                base = self._chosen
                if base is None and self._directory is not None:
                    base = recordings.new_path(self._directory, self._clock())
                self._base = base
            assert self._base is not None
            path = segment_path(self._base, number)
            make_room(path)
            file = create_private(path)
        if reserve:
            try:
                _try_to_write(file, reserve)
            except OSError:
                file.close()
                if path is not None:
                    path.unlink(missing_ok=True)
                raise
        writer = TraceWriter(
            file,
            writer=self._writer_name,
            created=self._clock(),
            recording=self.recording,
            segment=number,
        )
        self.recording = writer.header.recording
        self.number = number
        self._looked_at = 0
        opened = self.segments[number] = WritableSegment(file, writer, path)
        return opened

    def _keep_within_bounds(self, coming: int) -> None:
        """Delete older recordings, then this one's oldest closed files, until there is room for some more."""
        self._looked_at = self.segments[self.number].writer.size + coming
        if self._chosen is not None:
            return
        most = self._keep_bytes - self._slack - coming
        if self._directory is not None:
            recordings.prune(self._directory, keep_runs=self._keep_runs, keep_bytes=most)
            ours = {segment.path for segment in self.segments.values()}
            most -= sum(
                recording.size
                for recording in recordings.list_recordings(self._directory)
                if not ours.intersection(recording.files)
            )
        for number in list(self.segments):
            if number == self.number or self.bytes <= most:
                return
            self._delete(self.segments.pop(number))

    def _delete(self, segment: WritableSegment) -> None:
        try:
            segment.file.close()
            if segment.path is not None:
                segment.path.unlink(missing_ok=True)
        except OSError:
            return  # somebody holds it: it is nothing of ours any more, and goes with the next run


def _try_to_write(file: IO[bytes], size: int) -> None:
    """Find out whether a new file can hold so many bytes; it is empty again afterwards.

    Raises:
        OSError: It cannot.
    """
    remaining = size
    while remaining > 0:
        written = file.write(bytes(min(remaining, 1 << 20)))
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        remaining -= written
    file.truncate(0)
    file.seek(0)


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
