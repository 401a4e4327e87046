"""``etaoi-tui doctor``: prints what is found on the way from an agent to the screen."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator

from etaoi_tui.doctor import agent, machine, viewer
from etaoi_tui.doctor.finding import Finding, State
from etaoi_tui.json_text import dumps
from etaoi_tui.launcher.environment import DEFAULT_URL
from etaoi_tui.sdk.config import resolve_url
from etaoi_tui.text import printable

_MARKS = {State.OK: "✓", State.NOTE: "·", State.FAILED: "✗"}
_INDENT = 16
"""Columns of the mark and of what was looked at."""


def run(url: str | None, *, token: str | None, as_json: bool) -> int:
    """Look at everything, and print it while it is found.

    Returns:
        The exit code: 1 when something is in the way.
    """
    failed = False
    for finding in _findings(url, token):
        failed |= finding.state is State.FAILED
        if as_json:
            fields = {"what": finding.what, "state": finding.state.value, "detail": finding.detail}
            line = dumps({**fields, "fix": finding.fix or None})
        else:
            line = (
                f"{_MARKS[finding.state]} {finding.what:<{_INDENT - 2}}{_wrapped(printable(finding.detail))}"
            )
            if finding.fix:
                line += f"\n{'':{_INDENT}}→ {printable(finding.fix)}"  # whole, so that it can be copied
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return 1 if failed else 0


def _wrapped(detail: str) -> str:
    """Break a text between its words where a terminal would break it within one."""
    if not sys.stdout.isatty():
        return detail
    width = max(shutil.get_terminal_size().columns - _INDENT, 20)
    lines = textwrap.wrap(detail, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{'':{_INDENT}}".join(lines)


def _findings(url: str | None, token: str | None) -> Iterator[Finding]:
    yield from viewer.look(url, token)
    yield from machine.look()
    yield from agent.look(_http(url))


def _http(url: str | None) -> str:
    if url is None:
        return DEFAULT_URL
    try:
        return resolve_url(url).replace("ws", "http", 1).removesuffix("/ingest")
    except ValueError:
        return DEFAULT_URL
