"""Random access to a recording's bytes, plain or compressed, that survives what happens to files.

Small pieces are read, large ones are mapped: a frame of some hundred megabytes must not be copied to look at
one of its events. A file that somebody cuts short yields fewer bytes instead of a fault, because nothing is
mapped that the file does not hold at that moment.
"""

from __future__ import annotations

import mmap
import os
import shutil
import stat
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, Protocol

from etaoi_collector.recording.directory import prepare, state_dir
from etaoi_collector.wire.trace_records import is_being_written

MAX_INFLATED = 16 << 30
"""Bytes that a compressed recording may grow to in the spool file, whatever its size."""

ALWAYS_INFLATED = 256 << 20
INFLATED_RATIO = 250
"""Bytes that any file may unpack to, and how many times its size beyond them: recordings of long threads
reach a hundred times with zstd, what was made to fill a disk a thousand and more."""

LEFT_FREE = 1 << 30
"""Bytes of the file system that the spool leaves free."""

_MAP_FROM = 1 << 20
_STEP = 256 << 10
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class RandomAccessFile(Protocol):
    """A file's bytes by offset."""

    @property
    def notices(self) -> list[str]:
        """Sentences about what is wrong with the file."""

    def view(self, offset: int, length: int) -> bytes | memoryview:
        """Return ``length`` bytes from ``offset`` on, fewer where the file ends."""

    def total(self) -> int:
        """Size of the file on disk in bytes, as it is now."""

    def consumed(self, offset: int) -> int:
        """How much of the file on disk must be read to reach ``offset`` of its content."""

    def growing(self) -> bool:
        """Tell whether somebody still writes the file."""

    def close(self) -> None:
        """Release the file."""


class PlainFile:
    """A regular file.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be opened.
        IsADirectoryError: It is a folder.
        ValueError: It is something else than a regular file, a pipe for example.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
        mode = os.fstat(self._descriptor).st_mode
        if not stat.S_ISREG(mode):
            self.close()
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(str(path))
            raise ValueError("not a regular file")
        self.notices: list[str] = []

    def view(self, offset: int, length: int) -> bytes | memoryview:
        """Return ``length`` bytes from ``offset`` on, fewer where the file ends."""
        return read_at(self._descriptor, offset, length)

    def total(self) -> int:
        """Size of the file in bytes, as it is now."""
        return os.fstat(self._descriptor).st_size

    def consumed(self, offset: int) -> int:
        """Offsets are the file's own."""
        return offset

    def growing(self) -> bool:
        """Tell whether the file is locked by its writer."""
        return is_being_written(self._descriptor)

    def close(self) -> None:
        """Release the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _seek_and_read(descriptor: int, length: int, offset: int) -> bytes:
    """Read as ``os.pread`` does, which Windows lacks; the descriptor's own position stays what it was."""
    with _seeking:
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, offset, os.SEEK_SET)
        try:
            return os.read(descriptor, length)
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)


_read_piece = getattr(os, "pread", _seek_and_read)
_seeking = threading.Lock()


def read_at(descriptor: int, offset: int, length: int) -> bytes | memoryview:
    """Return ``length`` bytes of an open file from ``offset`` on, fewer where it ends; map large pieces."""
    if length >= _MAP_FROM:
        length = min(length, os.fstat(descriptor).st_size - offset)
        if length <= 0:
            return b""
        start = offset - offset % mmap.ALLOCATIONGRANULARITY
        try:
            window = mmap.mmap(descriptor, offset - start + length, access=mmap.ACCESS_READ, offset=start)
        except (OSError, ValueError):
            pass  # some file systems cannot map
        else:
            return memoryview(window)[offset - start :]
    pieces: list[bytes] = []
    while length > 0:
        piece = _read_piece(descriptor, length, offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def let_go(data: bytes | memoryview) -> None:
    """Give the memory of a mapped piece back to the system; the piece stays valid and is read again on use.

    Splitting a frame touches all of it, and whoever keeps its events keeps the mapping.
    """
    window = data.obj if isinstance(data, memoryview) else None
    advise = getattr(window, "madvise", None)  # which Windows lacks
    if advise is not None and hasattr(mmap, "MADV_DONTNEED"):
        advise(mmap.MADV_DONTNEED)


class InflatedFile:
    """A compressed file, unpacked into a private spool file as far as somebody has asked for its content.

    Args:
        packed: The compressed file; this object closes it.
        stream: Reads the unpacked content of it.
        most: Bytes that the spool may hold.
    """

    def __init__(self, packed: PlainFile, stream: IO[bytes], most: int = MAX_INFLATED) -> None:
        self.notices: list[str] = []
        self._packed = packed
        self._stream: IO[bytes] | None = stream
        by_ratio = max(ALWAYS_INFLATED, packed.total() * INFLATED_RATIO)
        self._spool, free = _open_spool()
        self._most = min(most, by_ratio, max(0, free - LEFT_FREE))
        if self._most == by_ratio:
            self._why = (
                f"more than {by_ratio >> 20:,} MiB, {by_ratio // max(1, packed.total()):,} times its size"
            )
        elif self._most == most:
            self._why = f"more than {most >> 20:,} MiB"
        else:
            self._why = f"more than the {self._most >> 20:,} MiB that may be used of the disk"
        self._inflated = 0
        self._packed_read = 0

    def view(self, offset: int, length: int) -> bytes | memoryview:
        """Return ``length`` bytes of the content from ``offset`` on, fewer where it ends."""
        while self._inflated < offset + length and self._stream is not None:
            self._inflate(self._stream)
        return read_at(self._spool.fileno(), offset, length)

    def total(self) -> int:
        """Size of the compressed file in bytes."""
        return self._packed.total()

    def consumed(self, offset: int) -> int:
        """How much of the compressed file was read; that is all that can be known."""
        return self.total() if self._stream is None else min(self._packed_read, self.total())

    def growing(self) -> bool:
        """A compressed file is taken as it is."""
        return False

    def close(self) -> None:
        """Release the file and its spool."""
        self._stream = None
        self._spool.close()
        self._packed.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next compressed bytes: what the unpacker reads from."""
        piece = bytes(self._packed.view(self._packed_read, _STEP if size < 0 else min(size, _STEP)))
        self._packed_read += len(piece)
        return piece

    def _inflate(self, stream: IO[bytes]) -> None:
        try:
            piece = stream.read(_STEP)
            if piece and self._inflated + len(piece) > self._most:
                self.notices.append(f"It unpacks to {self._why}; the rest is left out.")
                piece = b""
            self._spool.write(piece)
            self._spool.flush()
        except EOFError:
            self.notices.append("Its compressed data breaks off; everything before is shown.")
            piece = b""
        except OSError as error:
            self.notices.append(f"It could not be unpacked to its end: {error.strerror or error}.")
            piece = b""
        except Exception as error:  # each unpacker has errors of its own, and all mean damaged data
            self.notices.append(f"Its compressed data is damaged ({error}); everything before is shown.")
            piece = b""
        self._inflated += len(piece)
        if not piece:
            self._stream = None


def _open_spool() -> tuple[IO[bytes], int]:
    """Open a private file that goes with the process; return it and the bytes that are free beside it.

    It lies in the state folder: the system's folder for temporary files may be memory.
    """
    folder: Path | None = state_dir()
    try:
        prepare(state_dir())
        spool = tempfile.TemporaryFile(prefix="etaoi-tui-", dir=folder)
    except OSError:
        folder = None
        spool = tempfile.TemporaryFile(prefix="etaoi-tui-")
    try:
        return spool, shutil.disk_usage(folder or tempfile.gettempdir()).free
    except (OSError, AttributeError):  # not every system and file system tells
        return spool, MAX_INFLATED + LEFT_FREE


class _Packed:
    """The compressed bytes as the file object that unpackers want."""

    def __init__(self) -> None:
        self.owner: InflatedFile | None = None

    def read(self, size: int = -1) -> bytes:
        return b"" if self.owner is None else self.owner.read(size)


def open_bytes(path: str | os.PathLike[str], most: int = MAX_INFLATED) -> RandomAccessFile:
    """Open a recording, compressed with gzip or zstd or not at all.

    Raises:
        OSError, ValueError: As `PlainFile` does.
    """
    plain = PlainFile(path)
    head = bytes(plain.view(0, 4))
    packed = _Packed()
    stream: Any
    if head.startswith(_GZIP):
        import gzip  # only for those who have such files

        stream = gzip.GzipFile(fileobj=packed, mode="rb")  # type: ignore[call-overload]
    elif head == _ZSTD:
        import zstandard  # only for those who have such files

        stream = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(
            packed,  # type: ignore[arg-type]
            read_across_frames=True,
        )
    else:
        return plain
    packed.owner = InflatedFile(plain, stream, most)
    return packed.owner


def printable_path(path: str | os.PathLike[str]) -> str:
    """Return a path for a message: as it is when it can be printed, else escaped."""
    text = str(Path(path))
    return text if text.isprintable() else ascii(text)
