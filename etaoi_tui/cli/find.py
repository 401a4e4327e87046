"""``etaoi-tui find``: runs of all recordings in which something matches, with the words around it."""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import TextIO

import click

from etaoi_collector.projections.timestamps import iso
from etaoi_collector.query import QueryError, parse_query
from etaoi_collector.recording.directory import state_dir
from etaoi_collector.search.find import find
from etaoi_collector.search.hits import RunHit, SpanHit
from etaoi_tui.console import echo
from etaoi_tui.json_text import dumps
from etaoi_tui.text import one_line, printable
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import STATUS_GLYPHS, kind_word

_NAME_CELLS = 40
_QUESTION_CELLS = 80
_SNIPPET_CELLS = 160


def run(query: str, *, since: float | None, limit: int, as_json: bool) -> int:
    """Print what is found.

    Args:
        query: What is looked for, as typed.
        since: Only runs that ended within so many seconds.
        limit: Runs at most.
        as_json: One JSON object a run.

    Returns:
        The exit code.

    Raises:
        click.UsageError: The query cannot be read.
    """
    try:
        compiled = parse_query(query)
    except QueryError as error:
        raise click.UsageError(str(error)) from None
    if compiled is None:
        raise click.UsageError("Write what to look for.")
    hits = find(compiled, state_dir(), since=0.0 if since is None else time.time() - since)
    file = ""
    runs_found = 0
    for hit in islice(hits, limit):
        runs_found += 1
        if as_json:
            sys.stdout.write(dumps(hit_object(hit)) + "\n")
        else:
            if hit.file != file:
                file = hit.file
                sys.stdout.write(printable(file) + "\n")
            _print(hit, sys.stdout)
        sys.stdout.flush()
    if not runs_found:
        echo("Nothing found.")
    elif runs_found == limit and next(hits, None) is not None:
        echo(f"These are the first {fmt.count(runs_found, 'run')}; --limit shows more.")
    return 0


def hit_object(hit: RunHit) -> dict[str, object]:
    """Return what ``find --json`` says of a run."""
    return {
        "file": hit.file,
        "trace_id": hit.trace_id,
        "session_id": hit.session_id,
        "name": hit.name,
        "question": hit.question,
        "agent": hit.agent or None,
        "status": hit.status,
        "started_at": iso(hit.started_at),
        "duration_ms": round(max(0.0, hit.ended_at - hit.started_at) * 1000, 3),
        "errors": hit.errors,
        "matches": hit.matches,
        "more": hit.more,
        "spans": [
            {
                "span_id": span.span_id,
                "kind": span.kind,
                "name": span.name,
                "where": span.where or None,
                "snippet": span.snippet,
            }
            for span in hit.spans
        ],
    }


def _print(hit: RunHit, out: TextIO) -> None:
    failed = f"  ✗{hit.errors}" if hit.errors else ""
    name = one_line(hit.name, _NAME_CELLS)
    question = one_line(hit.question, _QUESTION_CELLS)
    glyph = STATUS_GLYPHS.get(hit.status, "?")  # type: ignore[call-overload]
    line = f"  {fmt.timestamp(hit.started_at)[:19]}  {glyph} {name}{failed}"
    out.write(f"{line}  {question}".rstrip() + "\n")
    for span in hit.spans:
        out.write(f"      {_span_line(span)}\n")
    remaining = hit.matches - len(hit.spans)
    if remaining > 0 or hit.more:
        out.write(f"      + {fmt.count(remaining, 'more span')}{' at least' if hit.more else ''}\n")


def _span_line(span: SpanHit) -> str:
    head = f"{kind_word(span.kind)} {one_line(span.name, _NAME_CELLS)}".strip()
    if not span.where or span.where == "name":
        return head
    return f"{head}  {span.where}: {one_line(span.snippet, _SNIPPET_CELLS)}"
