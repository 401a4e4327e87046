"""``python -m etaoi_collector.recording.catalogue FOLDER``: bring a state folder's catalogue up to date.

Runs beside a viewer, at the lowest priority, and once at a time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from etaoi_collector.recording.catalogue.lookup import catch_up
from etaoi_collector.wire.trace_records import fcntl

LOCK_NAME = "catalogue.lock"


def main(folder: Path) -> int:
    """Catch up, unless another process does.

    Returns:
        The exit code.
    """
    if hasattr(os, "nice"):
        os.nice(19)
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0  # another one does it, or nothing can be kept here
    catch_up(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
