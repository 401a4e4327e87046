"""``etaoi-tui ls`` without a file: the automatic recordings, from the catalogue.

Nothing is imported here that reads recordings: that would double the time of a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from etaoi_collector.projections.timestamps import iso
from etaoi_collector.recording.catalogue.database import CatalogueFile, Entry
from etaoi_collector.recording.catalogue.lookup import entry_of, forget_missing
from etaoi_collector.recording.directory import Recording, list_recordings, state_dir
from etaoi_tui.cli.table import print_table
from etaoi_tui.console import echo
from etaoi_tui.json_text import dumps
from etaoi_tui.text import printable
from etaoi_tui.view.format import size, timestamp

_HEADINGS = ("STARTED", "SIZE", "TRACES", "ERRORS", "FILE")
_RIGHT = frozenset({1, 2, 3})


def run(out: TextIO, *, as_json: bool) -> int:
    """List the automatic recordings.

    Returns:
        The exit code.
    """
    recordings = list_recordings()
    if not recordings and not as_json:
        echo("There is no automatic recording yet; run etaoi-tui and let an agent connect.")
        return 0
    rows = []
    for recording, entry in _catalogued(recordings):
        readable = entry.problem is None
        if as_json:
            fields = {
                "file": str(recording.path),
                "started_at": iso(recording.started),
                "bytes": recording.size,
                "traces": entry.traces if readable else None,
                "errors": entry.errors if readable else None,
                "tokens": {
                    model: {"input": input_tokens, "output": output_tokens}
                    for model, (input_tokens, output_tokens) in entry.tokens.items()
                },
                "running": recording.running,
                "problem": entry.problem,
            }
            out.write(dumps(fields) + "\n")
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
    return 0


def _catalogued(recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Entry]]:
    """Look recordings up in the catalogue, which reads those that it does not know."""
    with CatalogueFile(state_dir()) as file:
        for recording in recordings:
            entry = entry_of(file, recording)
            if entry is not None:
                yield recording, entry
        forget_missing(file)
