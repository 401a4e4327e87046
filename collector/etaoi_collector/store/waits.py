"""Spans that wait for a person: where a wait begins, what ends it, and the run that goes on."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec
from msgspec import Raw

from etaoi_collector.conventions.waits import UNKNOWN, WAITS_FOR, question_of_error, questions_in_words
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace, Wait, status_of_error
from etaoi_collector.store.state import ENDED, StoreState
from etaoi_collector.wire.events import SpanEnd, SpanStart

_WAITING = int(SpanFlag.WAITING)
_ANSWERED = int(SpanFlag.ANSWERED)
_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_THREADS_KEPT = 10_000
_INPUT_SEARCHED = 4_096


class _Metadata(msgspec.Struct, gc=False):
    waits_for: str | None = msgspec.field(name=WAITS_FOR, default=None)


class _Interrupt(msgspec.Struct, gc=False):
    value: Any = None


class _InterruptPayload(msgspec.Struct, gc=False):
    interrupts: list[_Interrupt] | None = None


class _Inputs(msgspec.Struct, gc=False):
    inputs: str | msgspec.msgpack.Ext | None = None
    """JSON text, or what refers to it: only a long one does, which is no resume and not empty."""


_metadata = msgspec.msgpack.Decoder(_Metadata).decode
_decode_interrupts = msgspec.msgpack.Decoder(_InterruptPayload).decode
_decode_inputs = msgspec.msgpack.Decoder(_Inputs).decode


class Waits:
    """Keeps the waits of the store's spans."""

    def __init__(self, state: StoreState) -> None:
        self._state = state
        self._threads: dict[tuple[str, str | None], Trace] = {}
        """Traces in which something waits, by session and thread."""

    @property
    def any(self) -> bool:
        """Whether a start could go on with anything."""
        return bool(self._threads)

    def of_delta(self, span: Span, metadata: Raw, at: float) -> bool:
        """Take in the metadata of a delta: an open span begins to wait, or waits no longer.

        Returns:
            Whether a wait ended.
        """
        try:
            waits_for = _metadata(metadata).waits_for
        except _FAILURES:
            return False
        if waits_for is None or span.flags & ENDED:
            return False
        if waits_for:
            self._begin(span, waits_for, at)
            return False
        waited = bool(span.flags & _WAITING)
        self._end(span, at, None)
        return waited

    def of_end(self, span: Span, event: SpanEnd, at: float) -> None:
        """Take in an end: a span that waited while it was open waits no longer, or one waits from now on."""
        paused = event.error is not None and status_of_error(event.error) is Status.PAUSED
        waits_for = event.metadata.waits_for
        if waits_for or paused:
            self._begin(span, waits_for or _question(event), at)
        elif span.flags & _WAITING:
            self._end(span, at, None)

    def of_start(self, span: Span, event: SpanStart, at: float) -> None:
        """Take in a start: it may go on with what waits."""
        if event.metadata.resumes is not None:
            waited = self._state.spans.get(event.metadata.resumes)
            if waited is not None:
                self._answer(waited.trace, span, at, within=waited)
            return
        if not self._threads:
            return
        trace = span.trace
        thread = (trace.session.session_id, trace.thread)
        previous_trace = self._threads.get(thread)
        if previous_trace is None or not previous_trace.waiting:
            return
        if previous_trace is not trace and (
            span.parent is not None or _first_name(previous_trace) not in ("", span.name)
        ):
            return
        resumes = _is_resume(event.payload)
        if resumes:
            self._answer(previous_trace, span, at)
        elif previous_trace is not trace and not _is_empty(event.payload):
            # The same thread begins anew: nobody waits for the old question any more.
            for waiting in _waiting_in(previous_trace):
                self._end(waiting, at, None)

    def forget(self, released: Container[Trace]) -> None:
        """Traces leave memory."""
        self._threads = {key: trace for key, trace in self._threads.items() if trace not in released}

    def _begin(self, span: Span, text: str, at: float) -> None:
        trace = span.trace
        if trace.waits is None:
            trace.waits = {}
        if not span.flags & _WAITING:
            trace.waiting += 1
        span.flags = (span.flags | _WAITING) & ~_ANSWERED
        trace.waits[span] = Wait(text, at)
        if len(self._threads) >= _THREADS_KEPT:
            del self._threads[next(iter(self._threads))]
        self._threads[trace.session.session_id, trace.thread] = trace
        self._state.changed(span)

    def _end(self, span: Span, at: float, answer: Span | None) -> None:
        trace = span.trace
        if not span.flags & _WAITING or trace.waits is None:
            return
        span.flags = (span.flags | _ANSWERED) & ~_WAITING
        trace.waiting -= 1
        wait = trace.waits[span]
        wait.ended_at = at
        wait.answer = answer
        self._state.changed(span)

    def _answer(self, trace: Trace, answer: Span, at: float, within: Span | None = None) -> None:
        waited = [span for span in _waiting_in(trace) if within is None or _is_within(span, within)]
        for span in waited:
            self._end(span, at, answer)
        if waited:
            root = within or next((root for root in trace.roots if root.kind != "agent_context"), waited[0])
            if answer.trace.resumed is None:
                answer.trace.resumed = {}
            answer.trace.resumed[answer] = root
            self._state.changed(answer)


def _first_name(trace: Trace) -> str:
    return trace.roots[0].name if trace.roots else ""


def _waiting_in(trace: Trace) -> list[Span]:
    return [span for span in trace.waits or () if span.flags & _WAITING]


def _is_within(span: Span, above: Span) -> bool:
    step: Span | None = span
    while step is not None:
        if step is above:
            return True
        step = step.parent
    return False


def _question(event: SpanEnd) -> str:
    """Return what a graph's interrupt asks: its values where they came along, else its text."""
    try:
        interrupts = _decode_interrupts(event.payload).interrupts
    except _FAILURES:
        interrupts = None
    values = [_value(one.value) for one in interrupts or ()]
    if values:
        return questions_in_words(values)
    return question_of_error(event.error) if event.error is not None else UNKNOWN


def _value(value: Any) -> Any:
    """Values travel as JSON text; text of any other kind is the value itself."""
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"'):
        return value
    try:
        return msgspec.json.decode(value)
    except _FAILURES:
        return value


def _is_resume(payload: Raw) -> bool:
    """Whether a run's input is a command that goes on with what waits."""
    try:
        inputs = _decode_inputs(payload).inputs
    except _FAILURES:
        return False
    if not inputs or not isinstance(inputs, str) or "Command" not in inputs[:_INPUT_SEARCHED]:
        return False
    return '"resume"' in inputs[:_INPUT_SEARCHED] or "resume=" in inputs[:_INPUT_SEARCHED]


def _is_empty(payload: Raw) -> bool:
    try:
        return not _decode_inputs(payload).inputs
    except _FAILURES:
        return True
