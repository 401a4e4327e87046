"""What a recording tells: its runs and spans as scripts read them, and the viewer's pages as text."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from etaoi_collector.pricing.book import price_book
from etaoi_collector.projections.objects import span_object, trace_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_tui.cli.load_recording import load
from etaoi_tui.detail.layout.page import PageLayout
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.view.row_summaries import Summaries
from tests.providers.api.bill import Bill

Map = dict[str, Any]


@dataclass
class Reading:
    """One recording, and what the API says about it."""

    runs: list[Map] = field(default_factory=list)
    spans: list[Map] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    """Every tab of every span, all sections open, by span id."""
    rows: dict[str, str] = field(default_factory=dict)
    """The words in every span's row, by span id."""
    raw: list[Map] = field(default_factory=list)
    """The events as they were recorded."""
    bills: list[Bill] = field(default_factory=list)
    requests: int = 0
    outcome: Any = None

    @property
    def calls(self) -> list[Map]:
        """Its model calls."""
        return [span for span in self.spans if span["kind"] == "llm"]

    @property
    def call(self) -> Map:
        """Its only model call."""
        (call,) = self.calls
        return call

    @property
    def page(self) -> str:
        """The pages of its only model call."""
        return self.pages[self.call["span_id"]]

    @property
    def row(self) -> str:
        """The words in the row of its only model call."""
        return self.rows[self.call["span_id"]]

    def of(self, name: str) -> Map:
        """Return the first span of that name that is no snapshot of an agent."""
        return next(s for s in self.spans if s["name"] == name and s["kind"] != "agent_context")


class _Open(dict[Any, bool]):
    """Every section open."""

    def get(self, key: Any, default: Any = None) -> Any:
        return True


def read(recording: Path) -> Reading:
    """Read a recording: spans, runs, rows and pages."""
    price_book().load()
    reading = Reading(raw=_raw_events(recording))
    now = time.time()
    with load(str(recording)) as loaded:
        payloads = RecordedPayloads(loaded.source)
        rows = Summaries(loaded.source)
        for trace in loaded.store.traces.values():
            reading.runs.append(trace_object(trace))
            for span in trace.spans:
                if span.placeholder:
                    continue
                reading.spans.append(span_object(span, payloads, now))
                reading.rows[span.span_id] = rows.of(span)
                document = describe_span(span, payloads, now)
                texts = []
                for tab in document.tabs:
                    layout = PageLayout(document, tab, 110, _Open())
                    while not layout.done:
                        layout.work(100_000)
                    texts += ["".join(run[0] for run in layout.line(y).runs) for y in range(layout.count)]
                reading.pages[span.span_id] = "\n".join(texts)
    return reading


_FRAME = 2
"""The kind of record that holds a frame; see the trace file's format."""


def _raw_events(recording: Path) -> list[Map]:
    """Read the events with msgpack alone: a header, then records, some of which hold a frame's bytes."""
    events: list[Map] = []
    for record in msgpack.Unpacker(recording.open("rb"), raw=False, strict_map_key=False):
        if isinstance(record, list) and record[0] == _FRAME:
            for envelope in msgpack.unpackb(record[3], raw=False, strict_map_key=False):
                events += envelope["batch"]
    return events
