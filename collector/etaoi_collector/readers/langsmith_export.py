"""Runs exported from LangSmith: a run a line, or a list of runs, as ``client.list_runs`` returns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etaoi_collector.readers.door import ForeignReader
from etaoi_collector.translation.langsmith_requests import parse_body
from etaoi_collector.translation.otel_model import InvalidPayload
from etaoi_collector.translation.translators import Translators


def looks_like_a_run(start: bytes) -> bool:
    """Tell whether bytes hold what every run has."""
    return b'"run_type"' in start and b'"start_time"' in start


class LangSmithExport(ForeignReader):
    """A run a line."""

    name = "LangSmith export"

    def sniff(self, start: bytes) -> bool:
        """Tell whether the first line is a run."""
        first = start.lstrip().partition(b"\n")[0]
        return first.startswith(b"{") and looks_like_a_run(first)

    def translation(self) -> _Runs:
        """Begin to translate a file."""
        return _Runs()


class _Runs:
    def __init__(self) -> None:
        self._translators = Translators()

    def take(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the events of some runs, or of lists of runs."""
        runs: list[dict[str, Any]] = []
        for piece in pieces:
            value = parse_body(piece)
            runs += [run for run in (value if isinstance(value, list) else [value]) if isinstance(run, dict)]
        if not any("run_type" in run for run in runs):
            raise InvalidPayload("no run of LangSmith")
        runs.sort(key=lambda run: str(run.get("dotted_order") or run.get("start_time") or ""))
        return self._translators.langsmith.take([(True, run) for run in runs])


READER = LangSmithExport
