"""Run below the launcher: an agent that goes on. ``steady.py FOLDER NAME``: until FOLDER/NAME.end is there.

FOLDER/NAME.count gets the number of runs so far.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from agents import sync

if __name__ == "__main__":
    folder, name = Path(sys.argv[1]), sys.argv[2]
    done = 0
    while True:
        ending = (folder / f"{name}.end").exists()
        sync()
        done += 1
        (folder / f"{name}.part").write_text(str(done))
        (folder / f"{name}.part").replace(folder / f"{name}.count")
        if ending:
            break
        time.sleep(0.05)
