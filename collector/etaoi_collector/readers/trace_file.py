"""Our own recordings, and plain streams of etaoi frames: opened as they are."""

from __future__ import annotations

import os

from etaoi_collector.readers.door import Reader
from etaoi_collector.recording.formats import detect_format
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.wire.errors import HeaderError
from etaoi_collector.wire.trace_records import read_header


class TraceFile(Reader):
    """What this program and other etaoi servers write."""

    name = "recording"

    def sniff(self, start: bytes) -> bool:
        """Tell whether a file is a recording, also one of a version that cannot be read."""
        try:
            return read_header(start) is not None or detect_format(start) is not None
        except HeaderError:
            return True

    def open(self, path: str | os.PathLike[str], *, follow: bool = False) -> TraceReader:
        """Open a recording with all its segments."""
        return TraceReader(path, follow=follow)


READER = TraceFile
