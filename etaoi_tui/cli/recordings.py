"""What ``ls`` and ``show`` do once click has read their options."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO

from etaoi_collector.projections.timestamps import iso
from etaoi_collector.query import Query
from etaoi_collector.recording.catalogue.catch_up import entry_of, forget_missing
from etaoi_collector.recording.catalogue.database import CatalogueFile, Entry
from etaoi_collector.recording.directory import Recording, list_recordings, state_dir
from etaoi_tui.cli.load_recording import load
from etaoi_tui.cli.ls import print_table, print_traces
from etaoi_tui.cli.show import write_traces
from etaoi_tui.console import echo
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


def show(
    name: str, *, wanted: str | None, format_name: str, plumbing: bool, where: Query | None = None
) -> int:
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
            where=where,
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
    for recording, entry in _catalogued(found):
        readable = entry.problem is None
        if as_json:
            told = {
                "file": str(recording.path),
                "started_at": iso(recording.started),
                "bytes": recording.size,
                "traces": entry.traces if readable else None,
                "errors": entry.errors if readable else None,
                "running": recording.running,
                "problem": entry.problem,
            }
            out.write(dumps(told) + "\n")
            continue
        name = printable(str(recording.path))
        remark = "running" if recording.running else entry.problem
        rows.append(
            (
                timestamp(recording.started)[:19],
                size(recording.size),
                f"{entry.traces:,}" if readable else "–",
                f"{entry.errors:,}" if readable else "–",
                f"{name} ({remark})" if remark else name,
            )
        )
    if not as_json:
        print_table(_HEADINGS, rows, _RIGHT, out)


def _catalogued(recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Entry]]:
    """Look recordings up in the catalogue, which reads those that it does not know."""
    with CatalogueFile(state_dir()) as file:
        for recording in recordings:
            entry = entry_of(file, recording)
            if entry is not None:
                yield recording, entry
        forget_missing(file)
