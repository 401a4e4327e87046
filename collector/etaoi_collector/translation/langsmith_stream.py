"""From requests of LangSmith's clients to events: joins what a run's start and its later updates tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from etaoi_collector.lru import Lru
from etaoi_collector.translation.event_writer import write_reject
from etaoi_collector.translation.held_bytes import MOST_HELD, held_bytes
from etaoi_collector.translation.ids import run_uuid
from etaoi_collector.translation.langsmith_runs import Run, read_time, translate_run
from etaoi_collector.translation.trace_builder import TimedEvent, TraceBuilder, in_time_order
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.translation.twins import Twins

_log = logging.getLogger("etaoi_collector.translation")
_log.addHandler(logging.NullHandler())

RUNS_OPEN = 20_000
"""Runs whose end has not come, and of which is remembered what their start told."""

_LARGE = frozenset({"inputs", "outputs", "events", "serialized"})


class LangSmithStream:
    """Everything that LangSmith's clients send to one collector. Used by one thread.

    Args:
        builder: Makes the events.
        twins: Knows spans that OpenTelemetry tells, too.
        between: See `Translators`.
    """

    def __init__(self, builder: TraceBuilder, twins: Twins, between: Callable[[], None]) -> None:
        self._builder = builder
        self._between = between
        self._twins = twins
        self._open: Lru[str, Run] = Lru(RUNS_OPEN, most_cost=MOST_HELD)
        self._early: Lru[str, Run] = Lru(RUNS_OPEN, most_cost=MOST_HELD)
        """Ends that came before their starts and do not tell when they began."""
        self._streamed: Lru[str, int] = Lru(RUNS_OPEN)
        """Characters of its answer that a run has streamed so far."""

    def take(self, operations: Iterable[tuple[bool, Run]]) -> list[bytes]:
        """Return the events for operations that arrived together.

        Args:
            operations: For each, whether it is a run's first (``post``), and what it tells.
        """
        rejects: list[bytes] = []
        complete: list[tuple[TranslatedSpan, bool]] = []
        for is_first, fields in operations:
            self._between()
            run_id = run_uuid(fields.get("id"))
            if run_id is None:
                continue
            try:
                translated = self._joined(run_id, fields, is_first)
            except Exception:  # whatever is wrong with one run must not cost its neighbours
                _log.debug("a run could not be translated", exc_info=True)
                rejects.append(write_reject(f"the run {run_id} with values of odd types"))
                continue
            if translated is not None:
                if translated.end_ns is None:
                    self._add_streamed(run_id, translated, fields)
                # An update that does not repeat the inputs leaves the start to the request that tells them.
                complete.append((translated, is_first or "inputs" in fields))
        self._builder.choose_sessions([span for span, _ in complete])
        events: list[TimedEvent] = []
        for span, with_start in complete:
            self._between()
            if span.end_ns is None:
                events += self._builder.started(span)
                for at, payload in span.deltas:
                    events += self._builder.noted(span, at, payload)
            else:
                events += self._builder.finished(span, with_start=with_start)
        return rejects + [event for _, _, event in events]

    def note(self, run_id: str, trace_id: str | None, time_ns: int, payload: dict[str, Any]) -> list[bytes]:
        """Return the events for something that was said about a run: feedback, an attachment."""
        normalized_id = run_uuid(run_id)
        trace = run_uuid(trace_id) if trace_id else normalized_id
        if normalized_id is None or trace is None:
            return []
        span = TranslatedSpan(
            trace, self._twins.of_run(trace, normalized_id), None, "task", "", time_ns, process="langsmith"
        )
        return in_time_order(self._builder.noted(span, time_ns, payload))

    def _add_streamed(self, run_id: str, span: TranslatedSpan, fields: Run) -> None:
        """Add the pieces of an answer that are told before its end, as the launcher's handler does."""
        events = fields.get("events")
        for event in events if isinstance(events, list) else ():
            if not isinstance(event, dict) or event.get("name") != "new_token":
                continue
            kwargs, at = event.get("kwargs"), read_time(event.get("time"))
            text = kwargs.get("token") if isinstance(kwargs, dict) else None
            if isinstance(text, str) and text and at is not None:
                offset = self._streamed.get(run_id) or 0
                span.deltas = [*span.deltas, (at, {"text": text, "at": offset})]
                self._streamed.put(run_id, offset + len(text))

    def _joined(self, run_id: str, fields: Run, is_first: bool) -> TranslatedSpan | None:
        open_run = self._open.get(run_id)
        early = self._early.pop(run_id) if is_first else None
        run = {**(open_run or {}), **{key: value for key, value in fields.items() if value is not None}}
        if is_first and run.get("outputs") == {}:
            del run["outputs"]  # what a client says that has none yet
        if early is not None:
            run.update(early)
        if run.get("end_time") is None and open_run is None:
            small_fields = {key: value for key, value in run.items() if key not in _LARGE}
            self._open.put(run_id, small_fields, held_bytes(small_fields))
        translated = translate_run(run)
        if translated is None:
            if not is_first and run.get("end_time") is not None:
                self._early.put(run_id, run, held_bytes(run))
            return None
        if translated.end_ns is not None:
            self._open.pop(run_id)
            self._streamed.pop(run_id)
        twins = self._twins
        translated.span_id = twins.of_run(translated.trace_id, translated.span_id)
        if translated.parent_id is not None:
            translated.parent_id = twins.of_run(translated.trace_id, translated.parent_id)
        return translated
