"""Runs the real launcher, and reads what it recorded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.headless.running import PATIENCE, environment, objects, run_here

PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Launched:
    """A command that ran below the launcher, to its end."""

    code: int
    out: str
    err: str
    state: Path

    def spans(self) -> list[dict[str, Any]]:
        """Return the recorded spans, as ``show --json`` prints them."""
        result = run_here(self.state, "show", "last", "--json", "--all")
        assert result.returncode == 0, result.stderr + self.err
        return objects(result.stdout)


def launch(
    state: Path,
    *command: str | Path,
    options: tuple[str, ...] = ("--port", "0"),
    variables: Mapping[str, str] = {},
    cwd: Path | None = None,
) -> Launched:
    """Run a command below ``etaoi-tui run``.

    Args:
        state: Folder of its recordings.
        command: The command.
        options: Those of ``run``.
        variables: Environment of both, in addition.
        cwd: Where to run it.
    """
    inherited = {
        name: value
        for name, value in environment(state).items()
        if not name.startswith(("OTEL_", "LANGSMITH_", "LANGCHAIN_", "LANGFUSE_", "LOGFIRE_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "etaoi_tui", "run", *options, "--", *map(str, command)],
        env={**inherited, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=cwd or state,
    )
    return Launched(done.returncode, done.stdout, done.stderr, state)


def whole_trees(spans: list[dict[str, Any]]) -> int:
    """Count the roots; every span has ended, hangs on one that is there, and is there once."""
    ids = [span["span_id"] for span in spans]
    assert len(set(ids)) == len(ids)
    roots = [span for span in spans if span["parent_span_id"] is None]
    assert {span["parent_span_id"] for span in spans} <= {*ids, None}
    assert all(span["ended_at"] is not None for span in spans), [
        (span["name"], span["status"]) for span in spans
    ]
    return len(roots)
