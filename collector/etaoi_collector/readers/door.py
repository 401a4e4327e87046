"""What a reader is: one format of files that can be opened like a recording, one file in this folder each.

A reader recognises the first bytes of a file. That of recordings opens them as they are; one of a foreign
format translates what is in the file into the events of our protocol, piece by piece, so that a file which is
still being written can be followed. Files may be compressed with gzip or zstd; readers see what is inside.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from etaoi_collector.readers.converted import ConvertedReader
from etaoi_collector.recording.reader import TraceReader


class Reader:
    """A format of files. Subclasses are found by ``READER`` in their module, or by an entry point."""

    name: ClassVar[str] = ""
    """What the format is called."""

    def sniff(self, start: bytes) -> bool:
        """Tell whether a file that begins with these bytes (64 KiB, or all of it) has this format."""
        raise NotImplementedError

    def offered(self) -> Iterable[Path]:
        """Return files of this format that lie where their program leaves them; a search looks into them."""
        return ()

    def open(self, path: str | os.PathLike[str], *, follow: bool = False) -> TraceReader:
        """Open a file of this format.

        Args:
            path: The file.
            follow: Wait for more at its end.

        Raises:
            TraceFileError: It cannot be read.
        """
        raise NotImplementedError


class Translation(Protocol):
    """Translates one file, in the order of its bytes."""

    def take(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the encoded events for some lines, or for the whole file."""


class ForeignReader(Reader):
    """A format that is translated."""

    by_lines: ClassVar[bool] = True
    """Each line stands for itself. Else the whole file is translated at once."""

    def translation(self) -> Translation:
        """Begin to translate a file."""
        raise NotImplementedError

    def open(self, path: str | os.PathLike[str], *, follow: bool = False) -> TraceReader:
        """Open a file, whose content is translated as it is read."""
        return ConvertedReader(path, self.translation(), by_lines=self.by_lines, follow=follow)
