"""``etaoi-tui record``: a collector without a viewer, for servers and scripts."""

from __future__ import annotations

import sys
import time
from typing import Any

from etaoi_collector.collector import CollectorOptions
from etaoi_tui.cli.collector_context import running_collector
from etaoi_tui.cli.signals import until_signal
from etaoi_tui.console import echo
from etaoi_tui.json_text import dumps

_LOOK_EVERY = 0.5
"""Seconds between two looks at whether all is still well."""


def run(options: CollectorOptions, *, seconds: float | None) -> int:
    """Record until the time is over or somebody ends it.

    Prints a JSON line once the endpoint listens, and one with the counts at the end.

    Args:
        options: Where to listen and what to record to; nobody watches.
        seconds: How long; None for ever.

    Returns:
        The exit code: 1 when something kept it from recording all the while.
    """
    with until_signal() as stop, running_collector(options) as collector:
        began = time.monotonic()
        file = str(options.record)
        _tell({"event": "listening", "url": collector.endpoint, "file": file})
        warned = ""
        while not stop.is_set() and not collector.failure:
            remaining = _LOOK_EVERY if seconds is None else began + seconds - time.monotonic()
            if remaining <= 0:
                break
            stop.wait(min(_LOOK_EVERY, remaining))
            if collector.recorder.trouble != warned:
                warned = collector.recorder.trouble
                echo(warned)
        recorded_seconds = time.monotonic() - began
        collector.stop()
        stats = collector.stats()
        problem = collector.failure or collector.recorder.trouble
        _tell(
            {
                "event": "stopped",
                "frames": stats.frames,
                "events": stats.events,
                "rejected": stats.rejected,
                "dropped": stats.dropped_by_clients,
                "refused_frames": stats.refused_frames,
                "unrecorded_frames": stats.unrecorded_frames,
                "clients": stats.connections,
                "turned_away": stats.turned_away,
                "bytes": stats.bytes,
                "seconds": round(recorded_seconds, 3),
                "file": file,
                "problem": problem or None,
            }
        )
    return 1 if problem else 0


def _tell(fields: dict[str, Any]) -> None:
    """Write one line, at once: somebody may be waiting for it."""
    sys.stdout.write(dumps(fields) + "\n")
    sys.stdout.flush()
