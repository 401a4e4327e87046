"""Prints spans as they happen, for a pipe or a CI log: a line when one is seen running, one when it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store.model import Changes, Span, SpanFlag
from etaoi_tui.console import write_pieces
from etaoi_tui.export.door import Exporter, Extract
from etaoi_tui.export.text_tree import depth_of, span_pieces
from etaoi_tui.text import fit, one_line
from etaoi_tui.view.format import clock
from etaoi_tui.view.row_summaries import Summaries

_AGENT_CELLS = 16
_ENDED_REMEMBERED = 100_000
"""Ended spans of which it is remembered that they were printed: something may still arrive for them."""


class LinePrinter:
    """Writes what changed to a stream, one line per span that began or ended.

    Args:
        out: Where lines go.
        summaries: Where the words behind a name come from.
        plumbing: Print a framework's inner steps, too.
        wanted: Prints only spans for which it holds; None prints all.
    """

    def __init__(
        self,
        out: TextIO,
        summaries: Summaries,
        *,
        plumbing: bool = False,
        wanted: Callable[[Span], bool] | None = None,
    ) -> None:
        self.totals = Totals(wait=True)
        self._out = out
        self._summaries = summaries
        self._plumbing = plumbing
        self._wanted = wanted
        self._running: set[int] = set()
        self._ended: dict[int, None] = {}

    def print_changes(self, changes: Changes) -> None:
        """Print the spans that began or ended since the last call, in the order in which they did."""
        news = self._news(changes)
        if not news:
            return
        news.sort(key=_moment)
        for span in news:
            if self._wanted is None or self._wanted(span):
                self.print_span(span)
        self._out.flush()

    def pass_over(self, changes: Changes) -> None:
        """Take changes as known: nothing of them is printed, not even later."""
        self._news(changes)

    def print_span(self, span: Span) -> None:
        """Print one span: when, of which agent, and what."""
        at, _ = _moment(span)
        depth = depth_of(span, plumbing=self._plumbing)
        pieces = span_pieces(span, depth, None, self._summaries, self.totals)
        text, look = pieces[-1]
        write_pieces(
            self._out,
            [
                (f"{clock(at, milliseconds=True)}  ", "quiet"),
                (f"{fit(one_line(_agent_of(span), _AGENT_CELLS), _AGENT_CELLS)}  ", "agent"),
                *pieces[:-1],
                (text.rstrip() + "\n", look),
            ],
        )

    def _news(self, changes: Changes) -> list[Span]:
        self.totals.apply(changes)
        return [
            span
            for span in dict.fromkeys([*changes.added, *changes.changed])
            if (self._plumbing or not span.is_folded_away) and self._is_news(span)
        ]

    def _is_news(self, span: Span) -> bool:
        number = span.number
        if span.flags & SpanFlag.ENDED:
            if number in self._ended:
                return False
            self._running.discard(number)
            self._ended[number] = None
            if len(self._ended) > _ENDED_REMEMBERED:
                del self._ended[next(iter(self._ended))]
            return True
        if not span.flags & SpanFlag.STARTED or number in self._running:
            return False
        self._running.add(number)
        return True


def _agent_of(span: Span) -> str:
    """Return the name of the agent that a span belongs to: its own word for it, else the agent around it."""
    around: Span | None = span
    while around is not None:
        if around.agent:
            return around.agent
        if around.kind == "sub_agent":
            return around.name
        around = around.parent
    return ""


def _moment(span: Span) -> tuple[float, int]:
    at = span.ended_at
    # Of what ended at the same moment the innermost, which started last, ended first.
    return (span.started_at, span.number) if at is None else (at, -span.number)


def write(extract: Extract, out: TextIO) -> None:
    """Write a line a span, in the order in which they ended."""
    summaries = Summaries(extract.source)
    printer = LinePrinter(out, summaries, plumbing=extract.plumbing)
    spans = [span for span in extract.spans() if extract.plumbing or not span.is_folded_away]
    for span in sorted(spans, key=_moment):
        printer.print_span(span)


EXPORTER = Exporter(name="text-log", label="a line a span, as they ended", suffix=".log", write=write)
