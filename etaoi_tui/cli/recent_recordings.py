"""Lists what can be opened instead of what is shown: recordings, and what other programs left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etaoi_tui.widgets.welcome import RecentRecording

_NOT_NOTICED = 0.05
"""Seconds that the screen may stand still for the catalogue."""
_OFFERED = 20
"""Newest files of other programs."""


class RecentRecordings:
    """The recordings, the newest first; those that another viewer writes are marked.

    Args:
        own: Tells a file of the recording that this program writes, which is left out.

    What would keep the screen waiting is done beside it, by the first call: recordings are read that nobody
    has read yet, and files of other programs are looked for; both are there for later calls.
    """

    def __init__(self, own: Callable[[], Path | None] = lambda: None) -> None:
        self._own = own
        self._offered: list[tuple[float, RecentRecording]] = []
        self._is_looking = False

    def __call__(self) -> list[RecentRecording]:
        """List them."""
        from etaoi_collector.recording.catalogue.database import CatalogueFile
        from etaoi_collector.recording.catalogue.lookup import newest_question, valid_entry
        from etaoi_collector.recording.directory import key_of, list_recordings, state_dir
        from etaoi_tui.view import format as fmt
        from etaoi_tui.widgets.welcome import RecentRecording

        recent = list(self._offered)
        now = time.time()
        missing = False
        own = self._own()
        own_key = None if own is None else key_of(own)
        with CatalogueFile(state_dir(), locked_for=_NOT_NOTICED) as file:
            for recording in list_recordings():
                if recording.key == own_key:
                    continue
                entry = valid_entry(file, recording, now)
                missing = missing or (entry is None and not recording.running)
                live = ["● live"] if recording.running else []
                what = "  ".join([*live, recording.path.name])
                if entry is not None and entry.problem is None:
                    facts = [*live, fmt.count(entry.traces, "trace")]
                    if entry.errors:
                        facts.append(f"✗{entry.errors:,}")
                    question = newest_question(file, recording)
                    what = "  ".join([*facts, *([question] if question else [])])
                when = fmt.timestamp(recording.started)[:16]
                size = fmt.size(recording.size)
                recent.append((recording.started, RecentRecording(str(recording.path), when, size, what)))
        if not self._is_looking:
            self._is_looking = True
            threading.Thread(target=self._look, name="etaoi-recordings", daemon=True).start()
        elif missing:
            threading.Thread(target=_catch_up, name="etaoi-catch-up", daemon=True).start()
        return [one for _, one in sorted(recent, key=lambda pair: pair[0], reverse=True)]

    def _look(self) -> None:
        from etaoi_collector.readers.registry import offered_files
        from etaoi_tui.view import format as fmt
        from etaoi_tui.widgets.welcome import RecentRecording

        self._offered = [
            (
                file.modified,
                RecentRecording(
                    str(file.path),
                    fmt.timestamp(file.modified)[:16],
                    fmt.size(file.size),
                    f"{file.format}  {file.path.parent.name}/{file.path.name}",
                ),
            )
            for file in offered_files()[:_OFFERED]
        ]
        _catch_up()


def _catch_up() -> None:
    from etaoi_collector.recording.catalogue.background import catch_up_beside
    from etaoi_collector.recording.directory import state_dir

    process = catch_up_beside(state_dir())
    if process is not None:
        process.wait()
