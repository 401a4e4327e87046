"""Runs programs whose own tracer is pointed at the collector, and reads what came of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from etaoi_collector.store.model import Span, Trace
from tests.headless.running import objects, run
from tests.real.collecting import Collected, collecting

WHERE = "HOST:PORT"
"""Stands for the collector in a command line and in variables."""

_FOREIGN = ("OTEL_", "LANGSMITH_", "LANGCHAIN_", "LANGFUSE_", "LOGFIRE_", "ANTHROPIC_", "OPENAI_")


@contextmanager
def running(
    words: Sequence[str | Path], recording: Path, variables: Mapping[str, str] | None = None
) -> Iterator[Collected]:
    """Run a program against a collector, which goes on until the block ends.

    Args:
        words: The command line, with `WHERE` in the place of the collector.
        recording: What the collector records to.
        variables: Environment of the program, in addition; `WHERE` as above.
    """
    with collecting(recording) as collected:
        where = urlsplit(collected.url).netloc
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        added = {name: value.replace(WHERE, where) for name, value in (variables or {}).items()}
        with subprocess.Popen(
            [str(word).replace(WHERE, where) for word in words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment | added,
        ) as program:
            yield collected
            output, _ = program.communicate(timeout=240)
        assert program.returncode == 0 and "Error" not in output and "WARNING" not in output, output


def all_spans(collected: Collected) -> list[Span]:
    """All spans but the placeholders of those that were never reported, by their start."""
    spans = [
        span for trace in collected.store.traces.values() for span in trace.spans if not span.placeholder
    ]
    return sorted(spans, key=lambda span: span.started_at)


def spans(collected: Collected) -> dict[str, Span]:
    """The last span of each kind and name."""
    return {f"{span.kind}:{span.name}": span for span in all_spans(collected)}


def ended(collected: Collected, count: int) -> bool:
    """Whether that many spans are there, and all have ended."""
    spans = all_spans(collected)
    return len(spans) >= count and all(span.ended_at is not None for span in spans)


def only_trace(collected: Collected) -> Trace:
    """The one trace."""
    (trace,) = collected.store.traces.values()
    return trace


def outline(collected: Collected) -> list[str]:
    """All traces as indented lines of kind and name."""
    lines: list[str] = []

    def add(span: Span, depth: int) -> None:
        lines.append(f"{'  ' * depth}{span.kind}:{span.name}")
        for child in sorted(span.children or (), key=lambda one: one.started_at):
            add(child, depth + 1)

    for span in all_spans(collected):
        if span.parent is None:
            add(span, 0)
    return lines


def spans_by_command(recording: Path, state: Path) -> list[dict[str, Any]]:
    """What ``show --json --all`` prints of a recording."""
    result = run(state, "show", str(recording), "--json", "--all")
    assert result.returncode == 0, result.stderr
    return objects(result.stdout)
