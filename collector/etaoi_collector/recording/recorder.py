"""Keeps what arrived, before anything is shown: in a trace file, or in a spool that goes with the process.

When a file cannot be written any more the collector goes on: the recording stops, a warning says so, and
frames go to a bounded ring in memory. Places stay valid all the same.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from etaoi_collector.recording import directory as recordings
from etaoi_collector.recording.chunks import Chunk, Cursor, read_records
from etaoi_collector.recording.frame_cache import FrameCache
from etaoi_collector.recording.frame_ring_buffer import FrameRingBuffer
from etaoi_collector.recording.random_access_file import read_at, shown
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.errors import EtaoiError
from etaoi_collector.wire.event_ref import pack_event_ref, unpack_event_ref
from etaoi_collector.wire.limits import MAX_TRACE_HEADER
from etaoi_collector.wire.trace_records import (
    FRAME,
    PREFIX,
    HeaderError,
    TraceWriter,
    create_private,
    is_being_written,
    read_header,
    read_prefix,
    segment_path,
)

SEGMENT_BYTES = 512 << 20
RING_BYTES = 64 << 20


class RecordError(EtaoiError):
    """The file that somebody asked for cannot be written; the text is a sentence for a person."""


class State(StrEnum):
    """What becomes of frames."""

    RECORDING = "recording"
    """They go to a file that stays."""
    SPOOLING = "spooling"
    """They go to a private file that ends with the process."""
    STOPPED = "stopped"
    """A file failed; the newest frames are in memory."""


class KeptFrame(NamedTuple):
    """A frame that was read back."""

    place: int
    received: float
    connection: int
    frame: bytes | memoryview


class _Segment(NamedTuple):
    file: IO[bytes]
    writer: TraceWriter


class _Connection(msgspec.Struct, gc=False):
    """What a new segment repeats of a connection that is open."""

    peer: str
    client: str
    hello: bytes


class Recorder:
    """Appends to a recording and reads it back.

    One thread appends; another may call `read` and `frames`. With neither ``path`` nor ``directory`` frames
    go to a private spool file.

    Args:
        path: The file to record to. A recording that it holds is replaced.
        directory: Folder of automatic recordings; the file is created with the first record, so that runs
            without any client leave nothing behind.
        writer: Name and version of this program, for the file's header.
        clock: Seconds since the epoch.
        segment_bytes: Size from which on the recording goes on in a next file.
        ring_bytes: Bytes of frames that stay in memory once writing failed.
        keep_runs: How many automatic recordings are kept.
        keep_bytes: How many bytes they may have together.

    Raises:
        RecordError: ``path`` cannot be written.
    """

    def __init__(
        self,
        *,
        path: str | os.PathLike[str] | None = None,
        directory: Path | None = None,
        writer: str = "etaoi-tui",
        clock: Callable[[], float] = time.time,
        segment_bytes: int = SEGMENT_BYTES,
        ring_bytes: int = RING_BYTES,
        keep_runs: int = recordings.KEEP_RUNS,
        keep_bytes: int = recordings.KEEP_BYTES,
    ) -> None:
        self.path: Path | None = None
        """The recording's first file, once it exists; None for a spool."""
        self.state = State.SPOOLING if path is None and directory is None else State.RECORDING
        self.warning = ""
        """Why nothing is recorded any more, for the status bar; empty while all is well."""
        self.unrecorded = 0
        """Frames that no file holds, because writing failed."""
        self._directory = directory
        self._writer_name = writer
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._keep = (keep_runs, keep_bytes)
        self._segments: list[_Segment] = []
        self._recording: str | None = None
        self._connections: dict[int, _Connection] = {}
        self._ring = FrameRingBuffer(ring_bytes)
        self._failure = "nothing was recording"
        self._next = 0
        self._lock = threading.Lock()
        self._splits = FrameCache(self.read_frame)
        if path is not None:
            self._open_given(Path(path))
        elif directory is not None:
            self._check(directory)

    @property
    def bytes_written(self) -> int:
        """Bytes of all segments, with what the next flush will write; memory not counted."""
        return sum(
            segment.writer.size if segment.writer.failed is None else segment.writer.written
            for segment in self._segments
        )

    @property
    def recording(self) -> str:
        """The recording's id; empty before the first record."""
        return self._recording or ""

    def append(self, received: float, connection: int, frame: bytes) -> int:
        """Keep a frame; return its place. Never raises: a failing file stops the recording."""
        with self._lock:
            if self.state is not State.STOPPED:
                try:
                    segment, offset = self._append(FRAME, received, connection, frame)
                    return pack_event_ref(segment, offset)
                except OSError as error:
                    return self._stop(error, (received, connection, frame))
            return self._to_ring(received, connection, frame)

    def opened(self, at: float, connection: int, *, peer: str, client: str, hello: bytes) -> None:
        """Record that a client connected."""
        self._connections[connection] = _Connection(peer, client, hello)
        self._record(lambda writer: writer.opened(at, connection, peer=peer, client=client, hello=hello))

    def closed(self, at: float, connection: int, *, code: int | None, reason: str) -> None:
        """Record that a connection ended."""
        self._record(lambda writer: writer.closed(at, connection, code=code, reason=reason))
        self._connections.pop(connection, None)

    def refused(self, at: float, connection: int, *, size: int, reason: str) -> None:
        """Record that a message was not taken."""
        self._record(lambda writer: writer.refused(at, connection, size=size, reason=reason))

    def flush(self) -> None:
        """Write what waits; call it about every 100 ms. Never raises."""
        with self._lock:
            self._flush()

    def read(self, place: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``place``, or why they cannot be had. For one thread."""
        return self._splits.read(place)

    def read_frame(self, place: int) -> bytes | memoryview | Missing:
        """Return the bytes of the frame at ``place``, or why they cannot be had."""
        kept = self._kept(place)
        return kept if isinstance(kept, Missing) else kept.frame

    def frames(self, first: int, last: int) -> Iterator[KeptFrame]:
        """Read frames back, in order.

        Args:
            first: Place of the first frame.
            last: Place of the last one, in the same segment.
        """
        place = first
        while place <= last:
            kept = self._kept(place)
            if isinstance(kept, Missing):
                with self._lock:
                    later = self._ring.next_after(place)
                if later is None or later > last:
                    return
                place = later
                continue
            if kept.connection >= 0:
                yield kept
            segment, offset, _ = unpack_event_ref(place)
            place = pack_event_ref(segment, offset + PREFIX.size + len(kept.frame))

    def end(self) -> Cursor:
        """Return where the next record will lie."""
        with self._lock:
            number = max(0, len(self._segments) - 1)
            if self.state is State.STOPPED:
                return Cursor(number, self._next)
            return Cursor(number, self._segments[-1].writer.size if self._segments else 0)

    def stretch(self, position: Cursor, most: int) -> Chunk | None:
        """Read on from a position: the same bytes for everybody, in the order of recording.

        Args:
            position: Where to begin; a `Cursor()`, or the end of another stretch.
            most: Bytes to return, roughly; a record that is larger comes alone.

        Returns:
            None when nothing follows, for now.
        """
        with self._lock:
            segment, offset = position
            while segment + 1 < len(self._segments) and offset >= self._segments[segment].writer.size:
                segment, offset = segment + 1, 0
            if segment >= len(self._segments):
                return self._stretch_of_ring(segment, offset)
            writer = self._segments[segment].writer
            if writer.written <= offset < writer.size:
                self._flush()
            if offset >= writer.written:
                return self._stretch_of_ring(segment, offset)
            try:
                data = read_records(self._segments[segment].file.fileno(), offset, writer.written, most)
            except (OSError, ValueError):
                return None
            if not data:
                return None
            return Chunk(Cursor(segment, offset), data, Cursor(segment, offset + len(data)))

    def close(self) -> None:
        """Flush, and release all files; the spool is gone then. Never raises."""
        with self._lock:
            self._flush()
            for segment in self._segments:
                try:
                    segment.writer.close()
                except OSError:
                    pass  # the warning stands already
            self._splits.clear()

    def _stretch_of_ring(self, segment: int, offset: int) -> Chunk | None:
        """Return the first frame in memory at a position or after it, as the record that no file holds."""
        wanted = pack_event_ref(segment, offset)
        place = wanted if self._ring.get(wanted) is not None else self._ring.next_after(wanted)
        kept = None if place is None else self._ring.get(place)
        if place is None or kept is None:
            return None
        received, connection, frame = kept
        number, found, _ = unpack_event_ref(place)
        prefix = PREFIX.pack(0x94, FRAME, 0xCB, received, 0xCE, connection, 0xC6, len(frame))
        data = b"".join((prefix, frame))
        gap = found - offset if number == segment else found
        return Chunk(Cursor(number, found), data, Cursor(number, found + len(data)), gap)

    def _kept(self, place: int) -> KeptFrame | Missing:
        """Read the record at a place; one that is no frame has the connection -1."""
        with self._lock:
            in_ring = self._ring.get(place)
            if in_ring is not None:
                return KeptFrame(place, *in_ring)
            number, offset, _ = unpack_event_ref(place)
            if number >= len(self._segments):
                return Missing(f"not kept: {self._failure}")
            segment = self._segments[number]
            if offset >= segment.writer.written and segment.writer.failed is None:
                self._flush()
            if offset >= segment.writer.written:
                return Missing(f"not kept: {self._failure}")
            try:
                return _read_record(segment.file.fileno(), place, offset)
            except (OSError, ValueError) as error:
                return Missing(f"the recording cannot be read: {error}")

    def _record(self, write: Callable[[TraceWriter], int]) -> None:
        with self._lock:
            if self.state is State.STOPPED:
                return
            try:
                write(self._segment(0).writer)
            except OSError as error:
                self._stop(error, None)

    def _append(self, kind: int, at: float, connection: int, body: bytes) -> tuple[int, int]:
        segment = self._segment(len(body))
        return len(self._segments) - 1, segment.writer.append(kind, at, connection, body)

    def _segment(self, coming: int) -> _Segment:
        """Return the segment to write to; the first is made when it is needed, the next when one is full."""
        if not self._segments:
            self._open_first()
        current = self._segments[-1]
        if current.writer.size + coming > self._segment_bytes and current.writer.size > PREFIX.size + 256:
            current = self._open_next(current)
        return current

    def _open_given(self, path: Path) -> None:
        name = shown(path)
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

    def _check(self, directory: Path) -> None:
        """Find out early that the folder cannot be used, so that the warning is there from the start."""
        try:
            recordings.prepare(directory)
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            recordings.prune(directory, keep_runs=self._keep[0], keep_bytes=self._keep[1])
        except OSError as error:
            self._fall_back(error)

    def _fall_back(self, error: OSError) -> None:
        self._directory = None
        self.state = State.SPOOLING
        self.warning = f"not recording: {why(error)}"

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
        self._recording = writer.header.recording
        self._segments.append(_Segment(file, writer))

    def _open_next(self, full: _Segment) -> _Segment:
        full.writer.flush()
        number = len(self._segments)
        file: Any
        if self.path is None:
            file = tempfile.TemporaryFile(prefix="etaoi-tui-", buffering=0)
        else:
            path = segment_path(self.path, number)
            make_room(path)
            file = create_private(path)
        now = self._clock()
        writer = TraceWriter(
            file, writer=self._writer_name, created=now, recording=self._recording, segment=number
        )
        self._segments.append(_Segment(file, writer))
        for connection, known in self._connections.items():
            writer.opened(
                now, connection, peer=known.peer, client=known.client, hello=known.hello, again=True
            )
        if self._directory is not None:
            recordings.prune(self._directory, keep_runs=self._keep[0], keep_bytes=self._keep[1])
        return self._segments[-1]

    def _flush(self) -> None:
        if self._segments and self.state is not State.STOPPED:
            try:
                self._segments[-1].writer.flush()
            except OSError as error:
                self._stop(error, None)

    def _stop(self, error: OSError, last: tuple[float, int, bytes] | None) -> int:
        """Give up writing; what the file did not take goes to memory. Returns the place of ``last``."""
        self.state = State.STOPPED
        self._failure = why(error)
        name = f" ({self.path.name})" if self.path is not None else ""
        self.warning = f"recording stopped: {self._failure}{name}"
        place = -1
        number = max(0, len(self._segments) - 1)
        if self._segments:
            writer = self._segments[-1].writer
            self._next = writer.size
            for offset, prefix, body in writer.unwritten():
                if prefix and prefix[1] == FRAME:
                    _, at, connection, _ = read_prefix(prefix, 0) or (0, 0.0, 0, 0)
                    place = pack_event_ref(number, offset)
                    self._ring.put(place, at, connection, body)
                    self.unrecorded += 1
            if last is not None and place >= 0 and self._ring.holds(place, last[2]):
                return place
        return -1 if last is None else self._to_ring(*last)

    def _to_ring(self, received: float, connection: int, frame: bytes) -> int:
        place = pack_event_ref(max(0, len(self._segments) - 1), self._next)
        self._next += PREFIX.size + len(frame)
        self.unrecorded += 1
        self._ring.put(place, received, connection, frame)
        return place


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


def _read_record(descriptor: int, place: int, offset: int) -> KeptFrame | Missing:
    prefix = read_prefix(bytes(read_at(descriptor, offset, PREFIX.size)), 0)
    if prefix is None:
        return Missing("the recording does not hold it any more")
    kind, at, connection, length = prefix
    body = read_at(descriptor, offset + PREFIX.size, length)
    if len(body) < length:
        return Missing("the recording does not hold it any more")
    return KeptFrame(place, at, connection if kind == FRAME else -1, body)
