"""What ``ls`` and ``show`` do once click has read their options."""

from __future__ import annotations

import sys
import time

from etaoi_collector.query import Query
from etaoi_tui.cli.load_recording import load
from etaoi_tui.cli.ls import print_traces
from etaoi_tui.cli.show import write_traces
from etaoi_tui.console import echo


def ls(name: str, *, as_json: bool) -> int:
    """List a recording's traces.

    Returns:
        The exit code.
    """
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
