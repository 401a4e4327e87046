"""``etaoi-tui tail``: follows a running viewer from another terminal or a script, and only reads."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from etaoi_collector.projections.objects import span_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.query import Query
from etaoi_collector.sources.remote import RemoteError, RemoteSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_tui.cli.signals import until_signal
from etaoi_tui.cli.since_filter import SinceFilter
from etaoi_tui.cli.where import matching
from etaoi_tui.console import CommandError, echo
from etaoi_tui.export.text_log import LinePrinter
from etaoi_tui.feed import Feed
from etaoi_tui.json_text import dumps
from etaoi_tui.view.row_summaries import Summaries

_POLL_SECONDS = 0.05
_TICK_MS = 40.0


class JsonPrinter(LinePrinter):
    """Writes spans as ``show --json`` does: one line when a span is seen running, and one when it ends.

    Args:
        out: Where lines go.
        source: Where payloads are read from.
        wanted: Prints only spans for which it holds; None prints all.
    """

    def __init__(
        self, out: TextIO, source: RemoteSource, *, wanted: Callable[[Span], bool] | None = None
    ) -> None:
        super().__init__(out, Summaries(source), plumbing=True, wanted=wanted)
        self._payloads = RecordedPayloads(source)

    def print_span(self, span: Span) -> None:
        """Print the span as a JSON object."""
        self._out.write(dumps(span_object(span, self._payloads, time.time(), self.totals)) + "\n")


def opened(url: str | None, *, token: str | None) -> RemoteSource:
    """Start to follow a viewer.

    Args:
        url: Its address in any form that agents take; None for the default port of this machine.
        token: The secret that it wants, if any.

    Raises:
        Failure: It cannot be followed.
    """
    from etaoi_tui.sdk.config import resolve_url

    try:
        source = RemoteSource(resolve_url(url), token=token)
        source.open()
    except (RemoteError, ValueError) as error:
        raise CommandError(str(error)) from None
    return source


def run(
    url: str | None,
    *,
    token: str | None = None,
    as_json: bool = False,
    plumbing: bool = False,
    no_wait: bool = False,
    only_new: bool = False,
    where: Query | None = None,
) -> int:
    """Print what a viewer has recorded and what comes, until somebody ends it.

    Args:
        url: Its address; None for the default port of this machine.
        token: The secret that it wants, if any.
        as_json: Print JSON objects instead of lines for people.
        plumbing: Print a framework's inner steps, too; JSON always has them.
        no_wait: End when the viewer does.
        only_new: Leave out what began and ended before; a span that runs is told when it ends.
        where: Print only spans that match; None prints all.

    Returns:
        The exit code: 1 when the viewer cannot be followed any more.
    """
    source = opened(url, token=token)
    try:
        with until_signal() as stop:
            echo(f"Following {source.url}; Ctrl-C ends.")
            wanted = None if where is None else matching(where, source)
            printer = (
                JsonPrinter(sys.stdout, source, wanted=wanted)
                if as_json
                else LinePrinter(sys.stdout, Summaries(source), plumbing=plumbing, wanted=wanted)
            )
            dam = SinceFilter(source, source.connected_at) if only_new else None
            feed = Feed(dam or source, Store())
            wrong: set[str] = set()
            was_gone = False
            while not stop.wait(0.0 if feed.behind else _POLL_SECONDS):
                over = bool(source.failure) or (no_wait and source.viewer_gone)
                changes = feed.tick(_TICK_MS, time.time())
                if dam is None or dam.released:
                    printer.print_changes(changes)
                else:
                    printer.pass_over(changes)
                    dam.released = dam.waiting
                previously_wrong, wrong = wrong, set(source.notices)
                for notice in sorted(wrong - previously_wrong):
                    echo(notice)
                if was_gone and not source.viewer_gone:
                    echo(f"{source.url} is there again.")
                was_gone = source.viewer_gone
                if over and not feed.behind and not (dam is not None and dam.waiting):
                    break
        return 1 if source.failure else 0
    finally:
        source.close()
