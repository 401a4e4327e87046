"""The door for formats that spans are written in: one file of `etaoi_tui.export` each, found by being there.

Other distributions name theirs under the entry point group ``etaoi_tui.exporters``. One that cannot be loaded
is skipped; `ExporterRegistry.failures` says which and why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice
from typing import TextIO

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.payload_reader import EventReader, RecordedPayloads
from etaoi_collector.store.model import Span, Trace
from etaoi_tui.plugins import load_entry_points, load_folder

FOLDER = "etaoi_tui.export"
_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "etaoi_tui.exporters"


@dataclass(slots=True)
class Extract:
    """What is to be written.

    Attributes:
        traces: Whole traces, in order.
        source: Where recorded events are read from.
        now: Seconds since the epoch, to measure running spans with.
        subtree: Only this span and what is below it, in whatever trace; `traces` is then empty.
        plumbing: Write a framework's inner steps, too.
        hung_elsewhere: Write also traces without a root of their own, which stand in another one's tree.
        most_spans: How many spans are written at most; None for all.
        wanted: Write only spans for which it holds; None for all.
        payloads: Reads whole events of the source.
        totals: What spans and all below them took in tokens and dollars.
    """

    traces: Sequence[Trace]
    source: EventReader
    now: float
    subtree: Span | None = None
    plumbing: bool = False
    hung_elsewhere: bool = False
    most_spans: int | None = None
    wanted: Callable[[Span], bool] | None = None
    payloads: RecordedPayloads = field(init=False)
    totals: Totals = field(init=False)

    def __post_init__(self) -> None:
        self.payloads = RecordedPayloads(self.source)
        self.totals = Totals(wait=True)

    def spans(self) -> Iterator[Span]:
        """Yield every span of which something arrived: trace by trace, parents before children."""
        spans: Iterable[Span] = (
            self._all() if self.subtree is None else (one for one, _ in walk([self.subtree]))
        )
        if self.wanted is not None:
            spans = filter(self.wanted, spans)
        yield from spans if self.most_spans is None else islice(spans, self.most_spans)

    def is_cut(self) -> bool:
        """Whether there are more spans than are written."""
        if self.most_spans is None:
            return False
        spans = self._all() if self.subtree is None else (span for span, _ in walk([self.subtree]))
        return next(islice(spans, self.most_spans, None), None) is not None

    def _all(self) -> Iterator[Span]:
        for trace in self.traces:
            stack = list(reversed(tops_of(trace)))
            while stack:
                span = stack.pop()
                if not span.placeholder:
                    yield span
                stack.extend(child for child in reversed(span.children or ()) if child.trace is trace)


def walk(tops: Sequence[Span]) -> Iterator[tuple[Span, int]]:
    """Yield every span under and including some, with its depth: parents first, siblings in start order.

    Other traces that hang in the tree (the turns of a voice session) are part of it.
    """
    stack = [(span, 0) for span in reversed(tops)]
    while stack:
        span, depth = stack.pop()
        yield span, depth
        if span.children is not None:
            stack.extend((child, depth + 1) for child in reversed(span.children))


def tops_of(trace: Trace) -> list[Span]:
    """Return the spans of a trace that hang in another trace's tree, or in none, in start order."""
    tops = [span for span in trace.spans if span.parent is None or span.parent.trace is not trace]
    return sorted(tops, key=lambda span: (span.started_at, span.number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """A format.

    Attributes:
        name: What people and scripts call it, as ``json-lines``.
        label: The format in a few words.
        suffix: What names of its files end with, as ``.jsonl``.
        write: Writes an extract to a stream of text.
    """

    name: str
    label: str
    suffix: str
    write: Callable[[Extract, TextIO], None]

    def text(self, extract: Extract) -> str:
        """Return an extract as text, without a newline at its end."""
        out = StringIO()
        self.write(extract, out)
        return out.getvalue().rstrip("\n")


class ExporterRegistry:
    """All known formats, by name.

    Args:
        folder: The package whose modules hold an ``EXPORTER`` each.
        group: The entry points that third parties add formats by.

    Attributes:
        failures: What could not be loaded, and why; one sentence each.
    """

    def __init__(self, folder: str = FOLDER, group: str = ENTRY_POINT_GROUP) -> None:
        self.failures: list[str] = []
        self._folder = folder
        self._group = group
        self._exporters: dict[str, Exporter] = {}
        self._folder_read = self._plugins_read = False

    @property
    def all(self) -> dict[str, Exporter]:
        """Every format by its name, in the order of the names."""
        self._read_folder()
        if not self._plugins_read:
            self._plugins_read = True
            self._add(load_entry_points(self._group))
        return dict(sorted(self._exporters.items()))

    def get(self, name: str) -> Exporter:
        """Return a format; looks for those of other distributions only where there is no such one here.

        Raises:
            KeyError: There is none of this name.
        """
        self._read_folder()
        return self._exporters.get(name) or self.all[name]

    def _read_folder(self) -> None:
        if not self._folder_read:
            self._folder_read = True
            self._add(load_folder(self._folder, "EXPORTER"))

    def _add(self, loaded: Iterable[tuple[str, object]]) -> None:
        for name, value in loaded:
            if isinstance(value, Exporter):
                self._exporters.setdefault(value.name, value)
                continue
            problem = isinstance(value, Exception)
            why = f"{type(value).__name__}: {value}" if problem else "not an Exporter"
            _log.warning("exporter %s skipped: %s", name, why)
            self.failures.append(f"The format {name} was skipped: {why}"[:300])


EXPORTERS = ExporterRegistry()
"""The formats of this process."""
