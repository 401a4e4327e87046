"""Keeps what arrived, before anything is shown: in a trace file, or in a spool that goes with the process.

When a file cannot be written any more the collector goes on: the recording stops, a warning says so, and
frames go to a bounded ring in memory, until there is room again: then it goes on in a next file. Places stay
valid all the same.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from etaoi_collector.recording import directory as recordings
from etaoi_collector.recording.chunks import Chunk, Cursor
from etaoi_collector.recording.frame_cache import FrameCache
from etaoi_collector.recording.next_chunk import next_chunk
from etaoi_collector.recording.random_access_file import read_at
from etaoi_collector.recording.recording_files import OVER_KEPT_BYTES, KnownConnection, RecordingFiles, why
from etaoi_collector.recording.shared_values import with_value_ref
from etaoi_collector.recording.unwritten import Unwritten
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.event_ref import pack_event_ref, unpack_event_ref
from etaoi_collector.wire.references import VALUES_BEGIN
from etaoi_collector.wire.trace_records import (
    FRAME,
    PREFIX,
    TraceWriter,
    read_prefix,
)

SEGMENT_BYTES = 512 << 20
RING_BYTES = 64 << 20
PIECE = 2 << 20
"""Bytes of a large frame that are written in one go."""
RETRY_SECONDS = 1.0
"""Seconds until it is tried again to write to a disk that was full, or to a folder that could not be used."""


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

    event_ref: int
    received: float
    connection: int
    frame: bytes | memoryview


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
        self._files = RecordingFiles(
            directory=directory if path is None else None,
            writer=writer,
            clock=clock,
            segment_bytes=segment_bytes,
            keep_runs=keep_runs,
            keep_bytes=keep_bytes,
        )
        self.gap = ""
        """What is missing in the recording because writing failed for a while; empty while nothing is."""
        self._stopped = ""
        """Why a file cannot be written now; empty while that works."""
        self._failure = "nothing was recording"
        """Why what is in no file is in none."""
        self._retry_at = 0.0
        self._unwritten = Unwritten(ring_bytes)
        self._clock = clock
        self._lock = threading.Lock()
        self.value_refs: list[int] = []
        """Places of the frames that bring values for other frames' events and are still there, in order."""
        self._splits = FrameCache(self.read_frame, lambda: self.value_refs)
        self._files.open_chosen(Path(path)) if path is not None else self._files.check()

    @property
    def path(self) -> Path | None:
        """The first of its files that are there; None for a spool, and before the first record."""
        return self._files.path

    @property
    def state(self) -> State:
        """What becomes of frames now."""
        if self._stopped:
            return State.STOPPED
        return State.SPOOLING if self._files.is_spool else State.RECORDING

    @property
    def warning(self) -> str:
        """Why nothing is recorded any more, for the status bar; empty while all is well."""
        if self._stopped:
            name = f" ({self.path.name})" if self.path is not None else ""
            return f"recording stopped: {self._stopped}{name}"
        return f"not recording: {self._files.unusable}" if self._files.unusable else ""

    @property
    def bytes_written(self) -> int:
        """Bytes of all segments, with what the next flush will write; memory not counted."""
        return self._files.bytes

    @property
    def unrecorded(self) -> int:
        """Frames that no file holds, because writing failed."""
        return self._unwritten.frames

    @property
    def recording(self) -> str:
        """The recording's id; empty before the first record."""
        return self._files.recording or ""

    @property
    def trouble(self) -> str:
        """Why nothing is recorded any more, or else what is missing in the recording."""
        return self.warning or self.gap

    def append(self, received: float, connection: int, frame: bytes, *, in_pieces: bool = False) -> int:
        """Keep a frame; return its event reference. Never raises: a failing file stops the recording.

        Args:
            received: Seconds since the epoch.
            connection: Number of the connection that it came over.
            frame: Its bytes.
            in_pieces: The caller goes on with `write_some` until all is written.
        """
        event_ref = self._keep(received, connection, frame, in_pieces)
        if frame.startswith(VALUES_BEGIN):
            self.value_refs = with_value_ref(self.value_refs, event_ref, pack_event_ref(self._files.first, 0))
        return event_ref

    def _keep(self, received: float, connection: int, frame: bytes, in_pieces: bool) -> int:
        with self._lock:
            if not self._stopped:
                try:
                    writer = self._files.segment_for(len(frame)).writer
                    offset = writer.append(FRAME, received, connection, frame, in_pieces=in_pieces)
                    return pack_event_ref(self._files.number, offset)
                except OSError as error:
                    return self._stop(error, (received, connection, frame))
            return self._unwritten.append(max(0, self._files.number), received, connection, frame)

    def opened(self, at: float, connection: int, *, peer: str, client: str, hello: bytes) -> None:
        """Record that a client connected."""
        self._files.connections[connection] = KnownConnection(peer, client, hello)
        self._record(lambda writer: writer.opened(at, connection, peer=peer, client=client, hello=hello))

    def closed(self, at: float, connection: int, *, code: int | None, reason: str) -> None:
        """Record that a connection ended."""
        self._record(lambda writer: writer.closed(at, connection, code=code, reason=reason))
        self._files.connections.pop(connection, None)

    def refused(self, at: float, connection: int, *, size: int, reason: str) -> None:
        """Record that a message was not taken."""
        self._record(lambda writer: writer.refused(at, connection, size=size, reason=reason))

    def flush(self) -> bool:
        """Write what waits, or try again; every 50 ms. Never raises. False while a large frame is written."""
        with self._lock:
            current = self._files.segments.get(self._files.number)
            is_busy = current is not None and current.writer.in_pieces
            if not is_busy:
                self._flush()
            if self._stopped or self._files.unusable:
                self._retry()
            return not is_busy

    def write_some(self) -> bool:
        """Write a piece of what waits; returns whether more does. Never raises."""
        with self._lock:
            current = self._files.segments.get(self._files.number)
            try:
                return current is not None and not self._stopped and current.writer.write_some(PIECE)
            except OSError as error:
                self._stop(error, None)
                return False

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why there are none. For one thread."""
        return self._splits.read(event_ref)

    def read_frame(self, event_ref: int) -> bytes | memoryview | Missing:
        """Return the bytes of the frame at ``event_ref``, or why they cannot be had."""
        record = self._read_back(event_ref)
        return record if isinstance(record, Missing) else record.frame

    def frames(self, first: int, last: int) -> Iterator[KeptFrame]:
        """Read frames back, in order.

        Args:
            first: Place of the first frame.
            last: Place of the last one, in the same segment.
        """
        event_ref = first
        while event_ref <= last:
            record = self._read_back(event_ref)
            if isinstance(record, Missing):
                with self._lock:
                    later = self._unwritten.next_after(event_ref)
                if later is None or later > last:
                    return
                event_ref = later
                continue
            if record.connection >= 0:
                yield record
            segment, offset, _ = unpack_event_ref(event_ref)
            event_ref = pack_event_ref(segment, offset + PREFIX.size + len(record.frame))

    def end(self) -> Cursor:
        """Return where the next record will lie."""
        with self._lock:
            return self._end()

    def oldest(self) -> Cursor:
        """Return the beginning of what was not deleted again."""
        with self._lock:
            first = self._files.first
            return Cursor(first if first - 1 in self._files.ends else 0, 0)

    def read_chunk(self, position: Cursor, most: int) -> Chunk | None:
        """Read on from a position: the same bytes for everybody, in the order of recording.

        Args:
            position: Where to begin; a `Cursor()`, or the end of another chunk.
            most: Bytes to return, roughly; a record that is larger comes alone.

        Returns:
            None when nothing follows, for now.
        """
        with self._lock:
            return next_chunk(self._files, self._unwritten, position, most, self._flush)

    def close(self) -> None:
        """Flush, and release all files; the spool is gone then. Never raises."""
        with self._lock:
            self._flush()
            for segment in self._files.segments.values():
                with contextlib.suppress(OSError):  # the warning stands already
                    segment.writer.close()
            self._splits.clear()

    def _end(self) -> Cursor:
        number = max(0, self._files.number)
        current = self._files.segments.get(number)
        return Cursor(
            number, self._unwritten.next if self._stopped or current is None else current.writer.size
        )

    def _read_back(self, event_ref: int) -> KeptFrame | Missing:
        """Read the record at an event reference; one that is no frame has the connection -1."""
        with self._lock:
            in_ring = self._unwritten.get(event_ref)
            if in_ring is not None:
                return KeptFrame(event_ref, *in_ring)
            number, offset, _ = unpack_event_ref(event_ref)
            segment = self._files.segments.get(number)
            if segment is None:
                was_removed = number in self._files.ends and number >= 0
                return Missing(OVER_KEPT_BYTES if was_removed else f"not kept: {self._failure}")
            if offset >= segment.writer.written and segment.writer.failed is None:
                self._flush()
            if offset >= segment.writer.written:
                return Missing(f"not kept: {self._failure}")
            try:
                return _read_record(segment.file.fileno(), event_ref, offset)
            except (OSError, ValueError) as error:
                return Missing(f"the recording cannot be read: {error}")

    def _record(self, write: Callable[[TraceWriter], int]) -> None:
        with self._lock:
            if self._stopped:
                return
            try:
                write(self._files.segment_for(0).writer)
            except OSError as error:
                self._stop(error, None)

    def _flush(self) -> None:
        segment = self._files.segments.get(self._files.number)
        if segment is not None and not self._stopped:
            try:
                segment.writer.flush()
            except OSError as error:
                self._stop(error, None)

    def _stop(self, error: OSError, last: tuple[float, int, bytes] | None) -> int:
        """Give up for now; what the file did not take goes to memory. Returns the reference of ``last``."""
        self._stopped = self._failure = why(error)
        self._retry_at = time.monotonic() + RETRY_SECONDS
        number = max(0, self._files.number)
        segment = self._files.segments.get(number)
        event_ref = self._unwritten.begin(number, None if segment is None else segment.writer)
        if last is None:
            return -1
        if event_ref >= 0 and self._unwritten.contains(event_ref, last[2]):
            return event_ref
        return self._unwritten.append(number, *last)

    def _retry(self) -> None:
        """Go on in a next file if there is room again, or if the folder can be used now."""
        now = time.monotonic()
        if now < self._retry_at:
            return
        self._retry_at = now + RETRY_SECONDS
        if not self._stopped and self._files.number < 0:
            self._files.check()
            return
        problem = self._stopped or self._files.unusable
        try:
            self._files.go_on(self._end().offset)
            segment = self._files.segment_for(0)
            frames, size = self._unwritten.since
            if self._stopped and frames:
                missing = "1 frame" if frames == 1 else f"{frames:,} frames"
                self.gap = f"the recording has a gap of {missing}: {problem}"
                segment.writer.refused(self._clock(), 0, size=size, reason=f"{missing}: {problem}")
            elif not self._stopped:
                self.gap = f"the recording begins late: {problem}"
        except OSError:
            return
        self._stopped = ""


def _read_record(descriptor: int, event_ref: int, offset: int) -> KeptFrame | Missing:
    prefix = read_prefix(bytes(read_at(descriptor, offset, PREFIX.size)), 0)
    if prefix is None:
        return Missing("the recording does not hold it any more")
    kind, at, connection, length = prefix
    body = read_at(descriptor, offset + PREFIX.size, length)
    if len(body) < length:
        return Missing("the recording does not hold it any more")
    return KeptFrame(event_ref, at, connection if kind == FRAME else -1, body)
