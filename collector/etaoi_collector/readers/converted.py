"""A foreign file as a recording: translated into a private spool as it is read, and followed as it grows."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from etaoi_collector.recording.random_access_file import open_bytes, printable_path
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.segment import TraceFileError
from etaoi_collector.source_items import SourceItem
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.otel_model import InvalidPayload

AT_ONCE = 1 << 20
"""Bytes of a file that are translated at a time."""
LONGEST_LINE = 256 << 20
WHOLE_FILE = 1 << 30
"""Bytes of a file that is translated as a whole."""
WRITTEN_WITHIN = 10.0
"""Seconds since its last change within which a file counts as still being written."""


class _Translation(Protocol):
    def take(self, pieces: Sequence[bytes]) -> list[bytes]: ...


class ConvertedReader(TraceReader):
    """Reads a foreign file.

    Args:
        path: The file.
        translation: Translates its content.
        by_lines: Each line stands for itself.
        follow: Wait for more at its end, however long ago it was written.

    Raises:
        TraceFileError: The file cannot be read, or nothing in it can.
    """

    def __init__(
        self, path: str | os.PathLike[str], translation: _Translation, *, by_lines: bool, follow: bool = False
    ) -> None:
        self._name = printable_path(path)
        self._foreign_path = Path(path)
        try:
            self._foreign = open_bytes(path)
        except OSError as error:
            raise TraceFileError(f"{self._name} cannot be opened: {error.strerror or error}.") from None
        self._translation = translation
        self._by_lines = by_lines
        self._kept_open = follow
        self._offset_in_foreign = 0
        self._unfinished = b""
        self._unreadable = 0
        self._spool = tempfile.NamedTemporaryFile(prefix="etaoi-tui-", suffix=".msgpack")
        while self._spool.tell() == 0 and self._convert():
            pass
        if self._spool.tell() == 0 and self._unfinished:
            self._write_last_line()
        if self._spool.tell() == 0:
            self._spool.close()
            self._foreign.close()
            raise TraceFileError(f"{self._name} holds nothing that can be shown.")
        super().__init__(self._spool.name, follow=True)
        self.path = self._foreign_path

    @property
    def size(self) -> int:
        """Bytes of the foreign file."""
        return self._foreign.total()

    @property
    def position(self) -> int:
        """Bytes of it that were read."""
        return self._foreign.consumed(self._offset_in_foreign)

    @property
    def notices(self) -> list[str]:
        """Sentences about what is odd with the file."""
        notices = [*super().notices, *self._foreign.notices]
        if self._unreadable:
            parts = "line" if self._by_lines else "part"
            notices.append(f"{self._name}: {self._unreadable:,} {parts}s cannot be read and are left out.")
        return notices

    def follow(self, on: bool = True) -> None:
        """Wait for more at the end, or stop doing so."""
        self._kept_open = on

    def next_arrival(self) -> SourceItem | None:
        """Return the next item; None when nothing more is there for now."""
        while (item := super().next_arrival()) is None and not self.ended:
            if not self._convert() and not self._ends():
                return None
        return item

    def close(self) -> None:
        """Release the file and the spool."""
        super().close()
        self._foreign.close()
        self._spool.close()

    def _ends(self) -> bool:
        """Let the reader come to the end of the spool, if nobody writes the file any more."""
        if self._kept_open:
            return False
        try:
            changed = self._foreign_path.stat().st_mtime
        except OSError:
            changed = 0.0
        if self._by_lines and time.time() - changed < WRITTEN_WITHIN:
            return False
        if self._unfinished:
            self._write_last_line()
        super().follow(False)
        return True

    def _convert(self) -> bool:
        """Translate what follows in the file; False when there is nothing more for now."""
        if not self._by_lines:
            return self._convert_whole()
        data = bytes(self._foreign.view(self._offset_in_foreign, AT_ONCE))
        if not data:
            return False
        self._offset_in_foreign += len(data)
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        if len(self._unfinished) > LONGEST_LINE:
            self._unfinished = b""
            self._unreadable += 1
        self._write([line for line in lines if line.strip()])
        return True

    def _convert_whole(self) -> bool:
        if self._offset_in_foreign:
            return False
        data = bytes(self._foreign.view(0, WHOLE_FILE))
        self._offset_in_foreign = len(data)
        self._write([data] if data else [])
        return bool(data)

    def _write_last_line(self) -> None:
        """Take a last line without its line feed for a whole one."""
        last, self._unfinished = self._unfinished, b""
        self._write([last])

    def _write(self, pieces: Sequence[bytes]) -> None:
        events: list[bytes] = []
        for piece in pieces:
            try:
                events += self._translation.take([piece])
            except InvalidPayload:
                self._unreadable += 1
        for frame in pack_frames(events):
            self._spool.write(frame)
        self._spool.flush()
