"""What the palette has to offer in a workspace: its commands, the runs, the recordings, the themes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

from etaoi_collector.projections.trace_names import title
from etaoi_tui.screens.requests import RecordingChosen
from etaoi_tui.screens.run_filter import filter_runs
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.call_numbers import CALL_NUMBERS
from etaoi_tui.view.palette import PaletteEntry
from etaoi_tui.widgets.welcome import RecentRecording

_MOST_CALLS = 1_000
"""Model calls of the run that can be gone to by their number."""

_MOST_RUNS = 2_000
"""Runs that can be found by name, the newest first; the list's own filter knows them all."""


def palette_entries(at: Workspace, recordings: Iterable[RecentRecording]) -> list[PaletteEntry]:
    """Return everything that can be found by its name.

    Args:
        at: Where commands act.
        recordings: What can be opened instead of what is shown.
    """
    return [
        *_commands(at),
        *_calls(at),
        *_filters(at),
        *_runs(at),
        *_recordings(at, recordings),
        *_themes(at),
    ]


def _commands(at: Workspace) -> Iterator[PaletteEntry]:
    for one in at.commands.in_pane(at.pane):
        if not one.id.startswith("cursor.") and one.id != "palette.open":
            yield PaletteEntry(
                one.id,
                one.help,
                partial(at.action_run, one.id),
                one.shown_key,
                f"{one.label} {one.words} {one.group}",
            )


def _calls(at: Workspace) -> Iterator[PaletteEntry]:
    trace = at.selection.trace
    calls = CALL_NUMBERS.calls(trace) if trace is not None else []
    for number, call in enumerate(calls[:_MOST_CALLS], 1):
        yield PaletteEntry(
            f"call:{number}",
            f"Go to call {number} of {len(calls)}: {call.name}",
            partial(at.go_to_span, call),
            call.status.name.lower(),
            "model request llm",
            offered=False,
        )


def _filters(at: Workspace) -> Iterator[PaletteEntry]:
    for name, query in sorted(at.arrangement.sizes.filters.items()):
        yield PaletteEntry(
            f"filter:{name}",
            f"Filter runs: @{name}",
            partial(filter_runs, at, f"@{name}"),
            query,
            "saved search",
            offered=False,
        )


def _runs(at: Workspace) -> Iterator[PaletteEntry]:
    for trace in islice(at.traces.all.newest_first(), _MOST_RUNS):
        yield PaletteEntry(
            f"run:{trace.trace_id}",
            f"Run: {title(trace)}",
            partial(at.show_trace, trace),
            trace.status.name.lower(),
            "trace",
            offered=False,
        )


def _recordings(at: Workspace, recordings: Iterable[RecentRecording]) -> Iterator[PaletteEntry]:
    stops = ", stops listening" if at.is_live else ""
    for one in recordings:
        yield PaletteEntry(
            f"recording:{one.path}",
            f"Recording: {one.when} {one.what}",
            partial(at.post_message, RecordingChosen(one.path)),
            f"{one.size}{stops}",
            "replay open file",
            offered=False,
        )


def _themes(at: Workspace) -> Iterator[PaletteEntry]:
    for name in sorted(at.app.available_themes):
        yield PaletteEntry(
            f"theme:{name}",
            f"Theme: {name.removeprefix('etaoi-')}",
            partial(setattr, at.app, "theme", name),
            "in use" if name == at.app.theme else "",
            "colour color",
            offered=False,
        )
