"""A trace file instead of a viewer, for runs that nobody watches: ``etaoi-tui --replay FILE`` opens it."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import time
from pathlib import Path

from etaoi_collector.wire.handshake import encode_hello
from etaoi_collector.wire.trace_records import FRAME, TraceWriter
from etaoi_collector.wire.versions import PROGRAM_VERSION
from etaoi_tui.sdk.known_values import KnownValues
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.local import TimedOutlet

logger = logging.getLogger("etaoi_tui")

_SDK = f"etaoi-tui-sdk {PROGRAM_VERSION}"
_CONNECTION = 1
_MOST_TRIES = 10_000
_RETRY_SECONDS = 5.0
"""How long a file that could not be written is left alone."""
_ROOM = 64 << 10
"""Bytes that must be free beside what waits, before another file is begun on a disk that was full."""


class FileSink:
    """Where the trace is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """The file; an existing one is never touched, the next free name beside it is taken instead."""


class FileOutlet(TimedOutlet):
    """Writes frames to a trace file, created with the first event and flushed every 100 ms.

    What was flushed survives the death of the process. When a file cannot be written any more (a full disk, a
    folder that is read-only), the log says so once, and another file is begun when that works again.
    """

    sink: FileSink

    def __init__(self, sink: FileSink, stats: Stats) -> None:
        super().__init__(sink, stats, KnownValues())
        self._wanted = sink.path
        self._writer: TraceWriter | None = None
        self._closed = False
        self._failure: OSError | None = None
        self._retry_at = 0.0
        self._has_warned = False
        self._frames = 0
        """Frames that were given to the open file."""
        self._unwritten: list[bytes] = []
        """Frames that a file which failed does not hold; the next one begins with them."""

    def _write(self, frame: bytes, events: int) -> None:
        if self._closed:
            raise ValueError("the trace file is closed")
        writer = self._writer or self._begin_file()
        self._frames += 1
        try:
            writer.append_frame(time.time(), _CONNECTION, frame)
        except OSError as error:
            self._leave_file(error)

    def _begin_file(self) -> TraceWriter:
        """Open a file and write what waits for it.

        Raises:
            OSError: it cannot be written, or it is too early to try again.
        """
        if self._failure is not None and (time.monotonic() < self._retry_at or self._is_still_full()):
            raise self._failure
        try:
            writer = self._open()
        except OSError as error:
            self._note_failure(error)
            raise
        self._writer, self._failure, self._frames = writer, None, 0
        try:
            for frame in self._unwritten:
                self._frames += 1
                writer.append_frame(time.time(), _CONNECTION, frame)
        except OSError as error:
            self._leave_file(error)
            raise
        self._unwritten = []
        if self._stats.state == "failed":
            self._stats.state, self._stats.problem = "writing", ""
        return writer

    def _is_still_full(self) -> bool:
        if self._failure is None or self._failure.errno not in (errno.ENOSPC, errno.EDQUOT):
            return False
        try:
            free = shutil.disk_usage(self._wanted.parent).free
        except OSError:
            return False
        return free < sum(map(len, self._unwritten)) + _ROOM

    def _leave_file(self, error: OSError) -> None:
        """Close a file that cannot be written any more, and keep what it does not hold."""
        if self._sent_values is not None:
            self._sent_values.forget()
        writer, self._writer = self._writer, None
        if writer is not None:
            self._unwritten = [
                bytes(body) for _, prefix, body in writer.unwritten() if prefix and prefix[1] == FRAME
            ]
            with contextlib.suppress(OSError):
                writer.close()
            if len(self._unwritten) == self._frames:
                with contextlib.suppress(OSError):
                    self.sink.path.unlink()  # it holds nothing
        self._note_failure(error)

    def _note_failure(self, error: OSError) -> None:
        self._failure = error
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        reason = error.strerror or str(error)
        self._stats.state = "failed"
        self._stats.problem = f"{self.sink.path}: {reason}"
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "etaoi-tui cannot write to %s: %s. It begins a new file when it can.", self.sink.path, reason
            )

    def _open(self) -> TraceWriter:
        wanted = self._wanted
        wanted.parent.mkdir(parents=True, exist_ok=True)
        path = wanted
        for number in range(2, _MOST_TRIES):
            try:
                writer = TraceWriter(path, writer=_SDK)
            except FileExistsError:
                path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
                continue
            self.sink.path = path
            self._stats.file = str(path)
            if path != wanted:
                logger.warning("etaoi-tui writes to %s: %s exists, and is left as it is", path, wanted.name)
            writer.opened(
                time.time(),
                _CONNECTION,
                peer=f"pid {os.getpid()}",
                client=_SDK,
                hello=encode_hello(PROGRAM_VERSION),
            )
            return writer
        raise FileExistsError(f"{wanted} and {_MOST_TRIES - 2} names beside it exist; name another file")

    def _flush(self) -> None:
        super()._flush()
        with self._lock:
            try:
                if self._writer is None and self._unwritten:
                    self._begin_file()
                if self._writer is not None:
                    self._writer.flush()
            except OSError as error:
                if self._writer is not None:
                    self._leave_file(error)

    def close(self) -> None:
        """Flush and close the file."""
        self._closed = True
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            with self._lock:
                writer.closed(time.time(), _CONNECTION, reason="the program ended")
                writer.close()
        except (OSError, ValueError) as error:
            self._stats.problem = f"{self.sink.path}: {error}"

    def after_fork(self) -> None:
        """Write to a file of the child's own: the open one is the parent's."""
        super().after_fork()
        self._writer = None
        self._unwritten = []
        self._failure = None
        self._dirty_since = None
        self._wanted = self._wanted.with_name(f"{self._wanted.stem}-{os.getpid()}{self._wanted.suffix}")
        self.sink.path = self._wanted
