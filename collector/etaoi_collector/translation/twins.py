"""Recognises spans that LangSmith's clients tell twice: by their own protocol and by OpenTelemetry.

In that mode (``LANGSMITH_TRACING_MODE=hybrid``) a span's OpenTelemetry id is the first half of its run's id,
and the trace's id is that of the root run. Such a half is a time stamp and 12 random bits, so that two runs
of one millisecond may share it: the first keeps it.
"""

from __future__ import annotations

from etaoi_collector.lru import Lru

TWINS_REMEMBERED = 50_000


class Twins:
    """Which span id stands for a trace and half a run id."""

    def __init__(self) -> None:
        self._ids: Lru[tuple[str, str], tuple[str, str]] = Lru(TWINS_REMEMBERED)

    def of_span(self, trace_id: str, span_id: str, own: str) -> str:
        """Return the id under which a span of OpenTelemetry is known; ``own`` if it is new."""
        entry = self._ids.get((trace_id, span_id))
        if entry is None:
            self._ids.put((trace_id, span_id), (own, ""))
            return own
        return entry[0]

    def of_run(self, trace_id: str, run_id: str) -> str:
        """Return the id under which a run is known; its own if it is new.

        Args:
            trace_id: UUID of the root run.
            run_id: UUID of the run.
        """
        key = (trace_id.replace("-", ""), run_id.replace("-", "")[:16])
        entry = self._ids.get(key)
        if entry is None:
            self._ids.put(key, (run_id, run_id))
            return run_id
        if not entry[1]:
            self._ids.put(key, (entry[0], run_id))
            return entry[0]
        return entry[0] if entry[1] == run_id else run_id
