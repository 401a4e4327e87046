"""What ``ls`` and ``show`` do once click has read their options."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from etaoi_collector.projections.timestamps import iso
from etaoi_collector.recording.directory import Recording, list_recordings
from etaoi_tui.cli.load_recording import count_traces, load
from etaoi_tui.cli.ls import print_table, print_traces
from etaoi_tui.cli.show import write_traces
from etaoi_tui.console import CommandError, echo
from etaoi_tui.export.json_lines import dumps
from etaoi_tui.text import printable
from etaoi_tui.view.format import size, timestamp

_HEADINGS = ("STARTED", "SIZE", "TRACES", "ERRORS", "FILE")
_RIGHT = frozenset({1, 2, 3})


def ls(name: str | None, *, as_json: bool) -> int:
    """List a recording's traces, or the automatic recordings.

    Returns:
        The exit code.
    """
    if name is None:
        _list_recordings(sys.stdout, as_json=as_json)
        return 0
    with load(name) as loaded:
        print_traces(loaded.store, sys.stdout, as_json=as_json)
    return 0


def show(name: str, *, wanted: str | None, format_name: str, plumbing: bool) -> int:
    """Print a recording's spans in a format.

    Returns:
        The exit code.
    """
    with load(name) as loaded:
        write_traces(
            loaded.store,
            loaded.source,
            sys.stdout,
            time.time(),
            wanted=wanted,
            format_name=format_name,
            plumbing=plumbing,
        )
    return 0


def show_voice(name: str, *, wanted: str | None, as_json: bool) -> int:
    """Print the turns of a recording's voice calls.

    Returns:
        The exit code.
    """
    from etaoi_tui.cli.show_voice import print_calls
    from etaoi_tui.view.voice.thresholds import load as load_thresholds

    thresholds, problem = load_thresholds()
    if problem is not None:
        echo(problem)
    with load(name) as loaded:
        print_calls(
            loaded.store, loaded.source, sys.stdout, wanted=wanted, as_json=as_json, thresholds=thresholds
        )
    return 0


def _list_recordings(out: TextIO, *, as_json: bool) -> None:
    found = list_recordings()
    if not found and not as_json:
        echo("There is no automatic recording yet; run etaoi-tui and let an agent connect.")
        return
    rows = []
    for recording in found:
        traces, errors, problem = _counts(recording)
        if as_json:
            told = {
                "file": str(recording.path),
                "started_at": iso(recording.started),
                "bytes": recording.size,
                "traces": traces,
                "errors": errors,
                "running": recording.running,
                "problem": problem,
            }
            out.write(dumps(told) + "\n")
            continue
        name = printable(str(recording.path))
        rows.append(
            (
                timestamp(recording.started)[:19],
                size(recording.size),
                "–" if traces is None else f"{traces:,}",
                "–" if errors is None else f"{errors:,}",
                f"{name} (running)" if recording.running else f"{name} ({problem})" if problem else name,
            )
        )
    if not as_json:
        print_table(_HEADINGS, rows, _RIGHT, out)


def _counts(recording: Recording) -> tuple[int | None, int | None, str | None]:
    """Count a recording's traces and errors; None where it cannot be read, with the reason."""
    try:
        traces, errors = count_traces(recording.path)
    except CommandError as failure:
        return None, None, failure.message
    return traces, errors, None
