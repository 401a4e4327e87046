"""One file of a recording: opened, recognised, and read at places."""

from __future__ import annotations

import os
from pathlib import Path

from etaoi_collector.recording.formats import (
    CorruptRecord,
    NativeFormat,
    PlainStream,
    RecordingFormat,
    detect_format,
)
from etaoi_collector.recording.random_access_file import RandomAccessFile, open_bytes, printable_path
from etaoi_collector.wire.errors import DamagedHeaderError, EtaoiError, HeaderError
from etaoi_collector.wire.limits import MAX_TRACE_HEADER
from etaoi_collector.wire.trace_records import (
    FORMAT,
    PREFIX,
    TraceHeader,
    read_header,
    read_prefix,
)

_NAME_WITHIN = 64
"""Bytes at the beginning in which a damaged header still tells the format's name."""


_RECORD = b"\x94"
"""First byte of a record: an array of four."""


class TraceFileError(EtaoiError):
    """A file that cannot be opened as a recording; its text is one sentence for a person."""


class Segment:
    """One open file of a recording."""

    def __init__(
        self,
        path: Path,
        file: RandomAccessFile,
        form: RecordingFormat,
        header: TraceHeader | None,
        start: int,
    ) -> None:
        self.path = path
        self.file = file
        self.format = form
        self.header = header
        self.start = start
        """Offset of the first record."""
        self.number = max(0, header.segment) if header is not None else 0
        """Its place in the recording, which references to events hold; 0 for the first file."""

    def frame_at(self, offset: int) -> bytes | memoryview | None:
        """Return the bytes of the frame whose record begins at ``offset``, or None."""
        form = PlainStream() if isinstance(self.format, PlainStream) else self.format
        size = 4096
        while True:
            data = self.file.view(offset, size)
            try:
                head = form.head(data, 0)
            except CorruptRecord:
                return None
            if head is not None:
                break
            if len(data) < size:
                return None
            size *= 8
        if head.end <= len(data):
            return memoryview(data)[head.body : head.end]
        body = self.file.view(offset + head.body, head.end - head.body)
        return body if len(body) == head.end - head.body else None


def open_segment(path: str | os.PathLike[str]) -> Segment:
    """Open one file and find out what it is.

    Raises:
        TraceFileError: It is no recording, or one that cannot be read.
    """
    name = printable_path(path)
    try:
        file = open_bytes(path)
    except FileNotFoundError:
        raise TraceFileError(f"{name} does not exist.") from None
    except IsADirectoryError:
        raise TraceFileError(f"{name} is a folder; give one of the recordings in it.") from None
    except ValueError:
        raise TraceFileError(
            f"{name} is not a regular file, so it cannot be opened as a recording."
        ) from None
    except OSError as error:
        raise TraceFileError(f"{name} cannot be opened: {error.strerror or error}.") from None
    try:
        return _recognised(Path(path), file, name)
    except BaseException:
        file.close()
        raise


def _begins_records(head: bytes | memoryview) -> bool:
    """Whether two records stand in a row somewhere in the first bytes of a file."""
    raw = bytes(head)
    at = raw.find(_RECORD)
    while 0 <= at <= len(raw) - PREFIX.size:
        prefix = read_prefix(raw, at)
        if prefix is not None:
            after = at + PREFIX.size + prefix[3]
            if after <= len(raw) - PREFIX.size and read_prefix(raw, after) is not None:
                return True
        at = raw.find(_RECORD, at + 1)
    return False


def _recognised(path: Path, file: RandomAccessFile, name: str) -> Segment:
    head = file.view(0, MAX_TRACE_HEADER)
    if not head:
        trouble = " ".join(file.notices)
        raise TraceFileError(f"{name} is empty: nothing was recorded. {trouble}".rstrip())
    is_ours = FORMAT.encode() in bytes(head[:_NAME_WITHIN])
    try:
        ours = read_header(head)
    except HeaderError as error:
        if not isinstance(error, DamagedHeaderError) or not _begins_records(head):
            raise TraceFileError(f"{name} {error}.") from None
        ours, is_ours = None, True
    if ours is not None:
        return Segment(path, file, NativeFormat(), *ours)
    if is_ours or (0x80 <= head[0] <= 0x8F and _begins_records(head)):
        # Its header is damaged; the records behind it are not.
        return Segment(path, file, NativeFormat(), None, 0)
    form = detect_format(head)
    if form is None:
        raise TraceFileError(
            f"{name} is not a recording: expected an etaoi-tui trace file or a stream of etaoi frames."
        )
    return Segment(path, file, form, None, 0)
