"""The trace file: its header, its records, and the writer that appends them.

A trace file is a MessagePack stream, so any MessagePack tool can read it: first one map, the header, then
records. A record is an array of four, always spelled the same way, so that a reader hops from one to the next
without decoding anything::

    94 kind  cb float64: seconds since the epoch  ce uint32: connection  c6 uint32: length, then the body

==========  ====  ==================================================================================
kind        code  body
==========  ====  ==================================================================================
`OPENED`    1     map ``{peer, client, hello, again}``; ``hello`` is the client's first message
`FRAME`     2     the frame's bytes as they came, inflated
`REFUSED`   3     map ``{size, reason}``: a message that was not taken
`CLOSED`    4     map ``{code, reason}``
`GAP`       5     map ``{bytes, reason}``: records that are missing here; only in streams to viewers
==========  ====  ==================================================================================

Kinds up to 127 may be added in a new minor version; readers hop over those that they do not know. A long
recording goes on in further files, its segments: ``run.msgpack``, ``run.2.msgpack``, and so on. Each has a
header of its own with the same ``recording`` id, and repeats (``again``) which connections are open.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from etaoi_collector.wire.errors import DamagedHeaderError, HeaderError
from etaoi_collector.wire.limits import LARGEST_FRAME, MAX_TRACE_HEADER
from etaoi_collector.wire.scan import BreaksOff, Budget, TooManyItems, skip

try:
    import fcntl as _fcntl

    fcntl: Any = _fcntl
except ImportError:  # Windows has none; there a file that is being written cannot be told from others
    fcntl = None

FORMAT = "etaoi-trace"
VERSION = "1.1"

OPENED = 1
FRAME = 2
REFUSED = 3
CLOSED = 4
GAP = 5

PREFIX = struct.Struct(">BBBdBIBI")
"""What precedes a record's body: 94, kind, cb, time, ce, connection, c6, length."""

_FLUSH_AT = 1 << 20
_encode = encode_body = msgspec.msgpack.encode


class TraceHeader(msgspec.Struct):
    """The first item of a trace file."""

    format: str = FORMAT
    version: str = VERSION
    created: float = 0.0
    """Seconds since the epoch."""
    writer: str = ""
    """Name and version of the program that wrote it."""
    recording: str = ""
    """The same in all segments of one recording."""
    segment: int = 0
    """0 for the first file of a recording."""


class OpenedBody(msgspec.Struct):
    """A client connected and its Hello was accepted."""

    peer: str = ""
    client: str = ""
    hello: bytes = b""
    again: bool = False
    """Told before, in an earlier segment."""


class RefusedBody(msgspec.Struct):
    """A message was not taken."""

    size: int = 0
    reason: str = ""


class ClosedBody(msgspec.Struct):
    """A connection ended."""

    code: int | None = None
    reason: str = ""


class GapBody(msgspec.Struct):
    """Records that nothing holds any more."""

    bytes: int = 0
    """How far the position in the recording jumps."""
    reason: str = ""


_Body = TypeVar("_Body")


def decode_body(body: bytes | memoryview, kind: type[_Body]) -> _Body:
    """Decode a record's body; one that is damaged counts as one that says nothing."""
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return kind()


def read_header(data: bytes | memoryview) -> tuple[TraceHeader, int] | None:
    """Read the header at the start of a file.

    Args:
        data: The file's first `MAX_TRACE_HEADER` bytes, or all of it.

    Returns:
        The header and the offset of the first record; None when this is no trace file.

    Raises:
        DamagedHeaderError: It is a trace file whose header breaks off or cannot be read.
        HeaderError: It is one that a newer version wrote.
    """
    mark = bytes(data[1 : 1 + len(_MARK)])
    if not data or not 0x80 <= data[0] <= 0x8F or not _MARK.startswith(mark):
        return None
    view = memoryview(data)[:MAX_TRACE_HEADER]
    try:
        end, _ = skip(view, 0, Budget())
    except (BreaksOff, TooManyItems):
        raise DamagedHeaderError("breaks off within its header: nothing was recorded") from None
    try:
        header = msgspec.msgpack.decode(view[:end], type=TraceHeader)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DamagedHeaderError("has a header that cannot be read") from None
    if _major(header.version) > _major(VERSION):
        raise HeaderError(
            f"was written by a newer version ({header.writer or 'unknown'}): please update etaoi-tui"
        )
    return header, end


_MARK = _encode("format") + _encode(FORMAT)


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isascii() and first.isdigit() else 0


def read_prefix(data: bytes | memoryview, position: int) -> tuple[int, float, int, int] | None:
    """Read what precedes a record's body.

    Returns:
        ``(kind, time, connection, body length)``, or None when no record begins there. The caller makes sure
        that `PREFIX` fits.
    """
    array, kind, float64, at, uint32, connection, bin32, length = PREFIX.unpack_from(data, position)
    if array != 0x94 or float64 != 0xCB or uint32 != 0xCE or bin32 != 0xC6 or not 0 < kind < 128:
        return None
    return kind, at, connection, length


def encode_record(kind: int, at: float, connection: int, body: bytes) -> bytes:
    """Return one record; see `TraceWriter.append` for the arguments."""
    return PREFIX.pack(0x94, kind, 0xCB, at, 0xCE, connection, 0xC6, len(body)) + body


def records_in(data: bytes | memoryview) -> Iterator[tuple[int, int, float, int, memoryview]]:
    """Walk over the whole records in a piece of a recording.

    Yields:
        ``(offset in the piece, kind, time, connection, body)``; stops where no whole record follows.
    """
    view = memoryview(data)
    position = 0
    while position + PREFIX.size <= len(view):
        prefix = read_prefix(view, position)
        if prefix is None:
            return
        kind, at, connection, length = prefix
        body = position + PREFIX.size
        if body + length > len(view):
            return
        yield position, kind, at, connection, view[body : body + length]
        position = body + length


def segment_path(path: str | os.PathLike[str], segment: int) -> Path:
    """Return the file of a recording's segment: ``run.msgpack`` goes on in ``run.2.msgpack``."""
    first = Path(path)
    if segment == 0:
        return first
    stem, suffix = _split_name(first)
    return first.with_name(f"{stem}.{segment + 1}{suffix}")


def first_segment_path(path: str | os.PathLike[str], segment: int) -> Path:
    """Return the first file of a recording, given the path of its segment with this number."""
    later = Path(path)
    if segment == 0:
        return later
    mark = f".{segment + 1}"
    if later.name.endswith(mark):
        return later.with_name(later.name.removesuffix(mark))
    stem, suffix = _split_name(later)
    return later.with_name(stem.removesuffix(mark) + suffix)


def next_segment(path: str | os.PathLike[str], after: int) -> int:
    """Return the lowest number above ``after`` of the segments that are there; 0 if there is none."""
    first = Path(path)
    stem, suffix = _split_name(first)
    try:
        names = os.listdir(first.parent)
    except OSError:
        return 0
    parts = [
        name[len(stem) + 1 : -len(suffix) or None]
        for name in names
        if name.startswith(f"{stem}.") and name.endswith(suffix)
    ]
    return min((int(part) - 1 for part in parts if part.isdecimal() and int(part) - 1 > after), default=0)


def _split_name(path: Path) -> tuple[str, str]:
    """Split a file name before its ending, that of a compressed file included (``.msgpack.gz``)."""
    packed = path.suffix if path.suffix in (".gz", ".zst") else ""
    name = Path(path.name.removesuffix(packed)) if packed else Path(path.name)
    return name.stem, name.suffix + packed


class Sink(Protocol):
    """What the writer needs of a file."""

    def write(self, data: Any, /) -> int | None:
        """Write some or all of the data; return how many bytes."""

    def close(self) -> None:
        """Release the file."""


class TraceWriter:
    """Appends records to a new trace file.

    Records are kept back until `flush` or until a mebibyte has gathered; who owns the writer calls `flush`
    about every 100 ms. What was flushed survives the death of the process. Not safe for use by several
    threads at once.

    Args:
        target: A path, which must not exist yet (the file becomes private to the user, and locked while
            open), or an unbuffered binary file.
        writer: Name and version of the writing program.
        created: Seconds since the epoch; now if None.
        recording: Id shared by all segments; a new one if None.
        segment: Number of this segment.

    Raises:
        FileExistsError: The path exists.
        OSError: It cannot be created.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | Sink,
        *,
        writer: str,
        created: float | None = None,
        recording: str | None = None,
        segment: int = 0,
    ) -> None:
        self._file: Sink = create_private(target) if isinstance(target, (str, os.PathLike)) else target
        self.header = TraceHeader(
            created=time.time() if created is None else created,
            writer=writer,
            recording=recording or os.urandom(8).hex(),
            segment=segment,
        )
        self.written = 0
        """Bytes that the file holds."""
        self.in_pieces = False
        """Somebody writes what waits by `write_some`."""
        self.failed: OSError | None = None
        """Why nothing is written any more."""
        head = _encode(self.header)
        self._waiting: list[tuple[int, bytes, bytes | memoryview]] = [(0, b"", head)]
        self.size = len(head)
        """Bytes of the file once everything is flushed; the offset of the next record."""

    @property
    def pending(self) -> int:
        """Bytes that a flush would write."""
        return self.size - self.written

    def append(
        self, kind: int, at: float, connection: int, body: bytes | memoryview, *, in_pieces: bool = False
    ) -> int:
        """Append a record.

        Args:
            kind: `OPENED`, `FRAME`, `REFUSED` or `CLOSED`.
            at: Seconds since the epoch.
            connection: The connection's number.
            body: The record's content; not copied.
            in_pieces: The caller goes on with `write_some` until all is written.

        Returns:
            The record's offset in the file.

        Raises:
            OSError: A flush that became due failed.
            ValueError: The body is too large for the format.
        """
        if len(body) > LARGEST_FRAME:
            raise ValueError(f"a record holds at most {LARGEST_FRAME:,} bytes")
        offset = self.size
        prefix = PREFIX.pack(0x94, kind, 0xCB, at, 0xCE, connection, 0xC6, len(body))
        self._waiting.append((offset, prefix, body))
        self.size = offset + PREFIX.size + len(body)
        self.in_pieces = in_pieces or (self.in_pieces and self.written < self.size)
        if self.size - self.written >= _FLUSH_AT and not self.in_pieces:
            self.flush()
        return offset

    def append_frame(self, received: float, connection: int, frame: bytes | memoryview) -> int:
        """Append a frame as it came; see `append`."""
        return self.append(FRAME, received, connection, frame)

    def opened(
        self,
        at: float,
        connection: int,
        *,
        peer: str,
        client: str = "",
        hello: bytes = b"",
        again: bool = False,
    ) -> int:
        """Append that a client connected; see `append`."""
        return self.append(OPENED, at, connection, _encode(OpenedBody(peer, client, hello, again)))

    def refused(self, at: float, connection: int, *, size: int, reason: str) -> int:
        """Append that a message was not taken; see `append`."""
        return self.append(REFUSED, at, connection, _encode(RefusedBody(size, reason)))

    def closed(self, at: float, connection: int, *, code: int | None = None, reason: str = "") -> int:
        """Append that a connection ended; see `append`."""
        return self.append(CLOSED, at, connection, _encode(ClosedBody(code, reason)))

    def flush(self) -> None:
        """Write what waits.

        Raises:
            OSError: It could not be written. The file then ends with its last whole record where possible,
                `failed` tells why, and nothing more is written; `unwritten` has what is missing.
        """
        if self.failed is not None:
            raise self.failed
        run: list[bytes | memoryview] = []
        try:
            while self._waiting and self.written > self._waiting[0][0]:
                self._write_first(_FLUSH_AT)
            for _, prefix, body in self._waiting:
                run.append(prefix)
                if len(body) < _FLUSH_AT:
                    run.append(body)
                    continue
                self._write(b"".join(run))
                self._write(body)
                run = []
            if run:
                self._write(b"".join(run))
        except OSError as error:
            self._fail(error)
            raise
        self._waiting.clear()
        self.in_pieces = False

    def write_some(self, most: int) -> bool:
        """Write a part of what waits, so that a large record delays nobody; returns whether more waits.

        Raises:
            OSError: As `flush` does.
        """
        if self.failed is not None:
            raise self.failed
        until = self.written + most
        try:
            while self._waiting and self.written < until:
                self._write_first(until - self.written)
        except OSError as error:
            self._fail(error)
            raise
        self.in_pieces = self.in_pieces and bool(self._waiting)
        return bool(self._waiting)

    def _write_first(self, most: int) -> None:
        """Write up to so many bytes of the first record that waits."""
        offset, prefix, body = self._waiting[0]
        done = self.written - offset
        if done < len(prefix):
            self._write(prefix[done:])
            done = len(prefix)
        start = done - len(prefix)
        self._write(memoryview(body)[start : start + most])
        if self.written >= offset + len(prefix) + len(body):
            del self._waiting[0]

    def unwritten(self) -> list[tuple[int, bytes, bytes | memoryview]]:
        """Return ``(offset, prefix, body)`` of the records that the file does not hold."""
        return list(self._waiting)

    def close(self) -> None:
        """Flush and release the file.

        Raises:
            OSError: As `flush` does; the file is released all the same.
        """
        try:
            if self.failed is None:
                self.flush()
        finally:
            self._file.close()

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            count = self._file.write(rest)
            if not count:
                raise OSError(errno.EAGAIN, "the file takes no more data")
            self.written += count
            rest = rest[count:]

    def _fail(self, error: OSError) -> None:
        self.failed = error
        unwritten = [item for item in self._waiting if item[0] + len(item[1]) + len(item[2]) > self.written]
        intact_size = unwritten[0][0] if unwritten else self.written
        self._waiting = unwritten
        truncate = getattr(self._file, "truncate", None)
        if truncate is not None and intact_size < self.written:
            try:
                truncate(intact_size)
            except (OSError, ValueError):
                return  # a torn last record is something that every reader copes with
            self.written = intact_size


def create_private(path: str | os.PathLike[str]) -> Any:
    """Create a file that only this user can read, unbuffered, and lock it for as long as it is open.

    Raises:
        FileExistsError: The path exists.
        OSError: It cannot be created.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    file = open(os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600), "r+b", buffering=0)
    lock(file.fileno())
    return file


def lock(descriptor: int) -> None:
    """Mark a file as being written. Without support by the system or the file's place nothing happens."""
    if fcntl is None:
        return
    for _ in range(20):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.001)  # somebody asks `is_being_written` just now
        except OSError:
            return


def is_being_written(descriptor: int) -> bool:
    """Tell whether another opener of the file holds `lock`; False where that cannot be known."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
