"""Catches up beside a viewer, in a process of its own: reading a large recording would take the interpreter
away from the screen."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from etaoi_collector.recording.catalogue import __name__ as package
from etaoi_collector.recording.catalogue.database import CatalogueFile
from etaoi_collector.recording.catalogue.lookup import valid_entry
from etaoi_collector.recording.directory import Recording, list_recordings, recordings_dir


def unknown_recordings(folder: Path) -> list[Recording]:
    """Return the automatic recordings that the catalogue of a state folder does not know, newest first."""
    with CatalogueFile(folder) as file:
        if not file.is_kept:
            return []
        now = time.time()
        return [
            recording
            for recording in list_recordings(recordings_dir(folder))
            if not recording.running and valid_entry(file, recording, now) is None
        ]


def catch_up_beside(folder: Path) -> subprocess.Popen[bytes] | None:
    """Start to catch up; None when there is nothing to do, or it cannot be started.

    It goes on when this program ends.
    """
    if not unknown_recordings(folder):
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-m", package, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
