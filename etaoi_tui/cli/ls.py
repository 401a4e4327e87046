"""``etaoi-tui ls``: the traces of a recording, or the automatic recordings there are."""

from __future__ import annotations

from typing import TextIO

from etaoi_collector.pricing.total import Total
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.objects import trace_object
from etaoi_collector.projections.trace_names import is_listed, trace_name
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.cli.table import print_table
from etaoi_tui.json_text import dumps
from etaoi_tui.text import one_line
from etaoi_tui.view.format import UNKNOWN, cost, duration, timestamp, tokens

_NAME_CELLS = 40
_TRACE_HEADINGS = (
    "TRACE", "NAME", "STATUS", "STARTED", "DURATION", "SPANS", "EVENTS", "ERRORS", "TOKENS", "COST",
)  # fmt: skip
_TRACE_RIGHT = frozenset({4, 5, 6, 7, 8, 9})


def print_traces(store: Store, out: TextIO, *, as_json: bool) -> None:
    """Print every run of a store, in order of arrival.

    Snapshots of agents and stray marks are none; JSON has them, too, since scripts add its figures up, and
    says which they are.
    """
    if as_json:
        for trace in store.traces.values():
            out.write(dumps(trace_object(trace)) + "\n")
        return
    runs = [trace for trace in store.traces.values() if is_listed(trace)]
    totals = Totals(wait=True)
    rows = [_trace_row(trace, totals.of_run(trace)) for trace in runs]
    waits = [one_line(trace.waits_for or "", _NAME_CELLS) for trace in runs]
    if any(waits):
        rows = [(*row, waits_for) for row, waits_for in zip(rows, waits, strict=True)]
        print_table((*_TRACE_HEADINGS, "WAITS FOR"), rows, _TRACE_RIGHT, out)
        return
    print_table(_TRACE_HEADINGS, rows, _TRACE_RIGHT, out)


def _trace_row(trace: Trace, total: Total) -> tuple[str, ...]:
    return (
        one_line(trace.trace_id, 36),
        one_line(trace_name(trace), _NAME_CELLS),
        trace.status.value,
        timestamp(trace.started_at),
        duration(trace.ended_at - trace.started_at),
        f"{trace.span_count:,}",
        f"{trace.events:,}",
        f"{trace.errors:,}",
        tokens(total.tokens) if total else UNKNOWN,
        cost(total.cost_usd, total.unpriced) or UNKNOWN,
    )
