"""Runs exported from LangSmith as one list, or as an object that is spread over several lines."""

from __future__ import annotations

from etaoi_collector.readers.langsmith_export import LangSmithExport, looks_like_a_run


class LangSmithExportList(LangSmithExport):
    """All runs in one JSON value."""

    by_lines = False

    def sniff(self, start: bytes) -> bool:
        """Tell whether a file begins as a list of runs does."""
        return start.lstrip()[:1] == b"[" and looks_like_a_run(start)


READER = LangSmithExportList
