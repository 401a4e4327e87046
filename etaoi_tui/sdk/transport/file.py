"""A trace file instead of a viewer, for runs that nobody watches: ``etaoi-tui --replay FILE`` opens it."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from etaoi_collector.wire.handshake import encode_hello
from etaoi_collector.wire.trace_records import TraceWriter
from etaoi_collector.wire.versions import PROGRAM_VERSION
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.local import TimedOutlet

logger = logging.getLogger("etaoi_tui")

_SDK = f"etaoi-tui-sdk {PROGRAM_VERSION}"
_CONNECTION = 1
_MOST_TRIES = 10_000


class FileSink:
    """Where the trace is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """The file; an existing one is never touched, the next free name beside it is taken instead."""


class FileOutlet(TimedOutlet):
    """Writes frames to a trace file, created with the first event and flushed every 100 ms.

    What was flushed survives the death of the process.
    """

    sink: FileSink

    def __init__(self, sink: FileSink, stats: Stats) -> None:
        super().__init__(sink, stats)
        self._wanted = sink.path
        self._writer: TraceWriter | None = None
        self._closed = False

    def _write(self, frame: bytes, events: int) -> None:
        if self._writer is None:
            if self._closed:
                raise ValueError("the trace file is closed")
            self._writer = self._open()
        self._writer.append_frame(time.time(), _CONNECTION, frame)

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
        if self._writer is None:
            return
        try:
            with self._lock:
                self._writer.flush()
        except OSError as error:
            self._stats.state = "failed"
            self._stats.problem = f"{self.sink.path}: {error.strerror or error}"

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
        self._dirty_since = None
        self._wanted = self._wanted.with_name(f"{self._wanted.stem}-{os.getpid()}{self._wanted.suffix}")
        self.sink.path = self._wanted
