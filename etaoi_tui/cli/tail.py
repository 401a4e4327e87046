"""``etaoi-tui tail``: follows a running viewer from another terminal or a script, and only reads."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from etaoi_collector.projections.objects import span_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.sources.remote import RemoteError, RemoteSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_tui.cli.signals import until_signal
from etaoi_tui.cli.since_filter import SinceFilter
from etaoi_tui.console import CommandError, echo
from etaoi_tui.export.json_lines import dumps
from etaoi_tui.export.text_log import LinePrinter
from etaoi_tui.feed import Feed
from etaoi_tui.view.row_summaries import Summaries

_POLL_SECONDS = 0.05
_TICK_MS = 40.0


class JsonPrinter(LinePrinter):
    """Writes spans as ``show --json`` does: one line when a span is seen running, and one when it ends.

    Args:
        out: Where lines go.
        source: Where payloads are read from.
    """

    def __init__(self, out: TextIO, source: RemoteSource) -> None:
        super().__init__(out, Summaries(source), plumbing=True)
        self._payloads = RecordedPayloads(source)

    def line(self, span: Span) -> str:
        """Return the span as a JSON object."""
        return dumps(span_object(span, self._payloads, time.time(), self.totals))


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
) -> int:
    """Print what a viewer has recorded and what comes, until somebody ends it.

    Args:
        url: Its address; None for the default port of this machine.
        token: The secret that it wants, if any.
        as_json: Print JSON objects instead of lines for people.
        plumbing: Print a framework's inner steps, too; JSON always has them.
        no_wait: End when the viewer does.
        only_new: Leave out what began and ended before; a span that runs is told when it ends.

    Returns:
        The exit code: 1 when the viewer cannot be followed any more.
    """
    source = opened(url, token=token)
    try:
        with until_signal() as stop:
            echo(f"Following {source.url}; Ctrl-C ends.")
            printer = (
                JsonPrinter(sys.stdout, source)
                if as_json
                else LinePrinter(sys.stdout, Summaries(source), plumbing=plumbing)
            )
            dam = SinceFilter(source, source.connected_at) if only_new else None
            feed = Feed(dam or source, Store())
            wrong: set[str] = set()
            gone = False
            while not stop.wait(0.0 if feed.behind else _POLL_SECONDS):
                over = bool(source.failure) or (no_wait and source.gone)
                changes = feed.tick(_TICK_MS, time.time())
                if dam is None or dam.released:
                    printer.print_changes(changes)
                else:
                    printer.pass_over(changes)
                    dam.released = dam.waiting
                before, wrong = wrong, set(source.notices)
                for notice in sorted(wrong - before):
                    echo(notice)
                if gone and not source.gone:
                    echo(f"{source.url} is there again.")
                gone = source.gone
                if over and not feed.behind and not (dam is not None and dam.waiting):
                    break
        return 1 if source.failure else 0
    finally:
        source.close()
