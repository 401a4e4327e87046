"""``etaoi-tui show``: the traces of a recording as indented trees, or in any other format there is."""

from __future__ import annotations

from typing import TextIO

from etaoi_collector.query import Query
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.cli.where import matching
from etaoi_tui.console import CommandError
from etaoi_tui.export.door import EXPORTERS, Extract


def traces_to_show(store: Store, wanted: str | None) -> list[Trace]:
    """Return the traces to show, in order of arrival.

    Args:
        store: Everything that was recorded.
        wanted: A trace's id or its beginning; None for all.

    Raises:
        CommandError: No trace has that id, or several ids begin like that.
    """
    if wanted is None:
        return list(store.traces.values())
    wanted = wanted.strip().lower()
    exact = store.traces.get(wanted)
    if exact is not None:
        return [exact]
    traces = [trace for trace_id, trace in store.traces.items() if wanted and trace_id.startswith(wanted)]
    if not traces:
        raise CommandError(f"No trace {wanted!r} in this recording; `etaoi-tui ls FILE` lists what is there.")
    if len(traces) > 1:
        raise CommandError(f"{len(traces):,} traces begin with {wanted!r}; give more of the id.")
    return traces


def write_traces(
    store: Store,
    source: Source,
    out: TextIO,
    now: float,
    *,
    wanted: str | None = None,
    format_name: str = "text-tree",
    plumbing: bool = False,
    where: Query | None = None,
) -> None:
    """Write traces in a format, one after the other.

    Args:
        store: Everything that was recorded.
        source: Where payloads are read from.
        out: Where it goes.
        now: Seconds since the epoch.
        wanted: Id of the only trace to write; None for all.
        format_name: The name of an exporter.
        plumbing: Write a framework's inner steps, too.
        where: Write only spans that match; None for all.

    Raises:
        CommandError: There is no such trace or format.
    """
    try:
        exporter = EXPORTERS.get(format_name)
    except KeyError:
        problems = "".join(f" {failure}" for failure in EXPORTERS.failures)
        names = ", ".join(EXPORTERS.all)
        raise CommandError(f"No format {format_name!r}; there are {names}.{problems}") from None
    traces = traces_to_show(store, wanted)
    extract = Extract(
        traces,
        source,
        now,
        plumbing=plumbing,
        hung_elsewhere=wanted is not None,
        wanted=None if where is None else matching(where, source),
    )
    exporter.write(extract, out)
