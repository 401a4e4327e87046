"""Tells whether a recording's files are still those that something was worked out from."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from etaoi_collector.wire.errors import HeaderError
from etaoi_collector.wire.limits import MAX_TRACE_HEADER
from etaoi_collector.wire.trace_records import read_header


class FileIdentity(msgspec.Struct, array_like=True, frozen=True):
    """One file as it was."""

    name: bytes
    inode: int
    size: int
    """Bytes."""
    modified: int
    """Nanoseconds since the epoch."""


class RecordingIdentity(msgspec.Struct, array_like=True, frozen=True):
    """A recording as it was: its id, and each of its files."""

    recording: str
    """The id in the header; empty for what is no recording of ours."""
    files: tuple[FileIdentity, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def grows_into(self, later: RecordingIdentity) -> bool:
        """Tell whether this is the same recording at an earlier time: some of its files, none of them longer.

        Its oldest segments may have been deleted meanwhile.
        """
        if not self.recording or self.recording != later.recording:
            return False
        now = {file.name: file for file in later.files}
        return all(
            file.name not in now or (now[file.name].inode == file.inode and now[file.name].size >= file.size)
            for file in self.files
        )


def identify(files: Sequence[Path]) -> RecordingIdentity | None:
    """Look at a recording's files; None when one of them cannot be looked at.

    Args:
        files: All of them, in order.
    """
    identities: list[FileIdentity] = []
    recording = ""
    try:
        for path in files:
            # A pipe in the folder must not keep who looks at it waiting for a writer.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    return None
                if not identities:
                    recording = _recording_id(os.read(descriptor, MAX_TRACE_HEADER))
            finally:
                os.close(descriptor)
            identities.append(
                FileIdentity(os.fsencode(path.name), status.st_ino, status.st_size, status.st_mtime_ns)
            )
    except OSError:
        return None
    return RecordingIdentity(recording, tuple(identities)) if identities else None


def _recording_id(head: bytes) -> str:
    try:
        header = read_header(head)
    except HeaderError:
        return ""
    return header[0].recording if header is not None else ""
