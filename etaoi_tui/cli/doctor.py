"""``etaoi-tui doctor``: prints what is found on the way from an agent to the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from etaoi_tui.doctor import agent, machine, viewer
from etaoi_tui.doctor.finding import Finding, State
from etaoi_tui.json_text import dumps
from etaoi_tui.launcher.environment import DEFAULT_URL
from etaoi_tui.sdk.config import resolve_url
from etaoi_tui.text import printable

_MARKS = {State.OK: "✓", State.NOTE: "·", State.FAILED: "✗"}


def run(url: str | None, *, token: str | None, as_json: bool) -> int:
    """Look at everything, and print it while it is found.

    Returns:
        The exit code: 1 when something is in the way.
    """
    failed = False
    for finding in _findings(url, token):
        failed |= finding.state is State.FAILED
        if as_json:
            told = {"what": finding.what, "state": finding.state.value, "detail": finding.detail}
            line = dumps({**told, "fix": finding.fix or None})
        else:
            line = f"{_MARKS[finding.state]} {finding.what:<13}{printable(finding.detail)}"
            if finding.fix:
                line += f"\n{'':15}→ {printable(finding.fix)}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return 1 if failed else 0


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
