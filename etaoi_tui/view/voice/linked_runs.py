"""Runs of a text agent that belong to turns of a call, told in a session and a trace of their own.

The reference SDK makes two session ids of one name, one for a LangChain agent and one for the call that it
answers in. What joins them is the id of the speech, which the runs inside a turn carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from etaoi_collector.store.model import Changes, Span, SpanFlag, Trace
from etaoi_tui.view.search import Reader
from etaoi_tui.view.voice.model import Kind, Part
from etaoi_tui.view.voice.voice_kinds import VOICE_KINDS

LOOKED_BACK = 4_000
"""Traces that are looked through when a call is first shown; the newest come first."""

_SPANS_DRAWN = 400
_STARTED = int(SpanFlag.STARTED)


class _Metadata(msgspec.Struct, gc=False):
    lk_speech_id: str | None = None


class _Event(msgspec.Struct, gc=False):
    metadata: _Metadata


_read = msgspec.msgpack.Decoder(_Event).decode


class LinkedRuns:
    """Which runs belong to which speech.

    Args:
        reader: Where events lie.
        traces: What is there already, the newest last.
    """

    def __init__(self, reader: Reader, traces: Iterable[Trace] = ()) -> None:
        self._reader = reader
        self._of: dict[str, dict[Span, None]] = {}
        self._speech: dict[Span, str] = {}
        self._in: dict[Trace, list[Span]] = {}
        for trace in islice(reversed(list(traces)), LOOKED_BACK):
            for root in trace.roots[:8]:
                self._take(root)

    def apply(self, changes: Changes) -> set[str]:
        """Take in a tick's changes; return the speeches that a run was found for."""
        for trace in changes.restructured:
            if not trace.spans:
                self._forget(trace)
        speeches = {self._take(span) for span in changes.added if span.parent is None}
        # A run of which something else was known before it began.
        speeches |= {
            self._take(span)
            for span in changes.changed
            if span.trace in changes.restructured and span not in self._speech
        }
        return {speech for speech in speeches if speech is not None}

    def of(self, speech: str) -> list[Span]:
        """Return the runs of a speech, in order of their start."""
        runs = [span for span in self._of.get(speech, ()) if span.parent is None and span.trace.roots]
        return sorted(runs, key=lambda span: (span.started_at, span.number))

    def speech_of(self, span: Span) -> str | None:
        """Return the speech that a span's run belongs to."""
        while span.parent is not None:
            span = span.parent
        return self._speech.get(span)

    def _take(self, span: Span) -> str | None:
        if span.parent is not None or not span.flags & _STARTED:
            return None
        if span.kind in VOICE_KINDS or span.kind in ("voice_session", "voice_agent", "agent_context"):
            return None
        raw = self._reader.read(span.start_ref)
        if not isinstance(raw, bytes | bytearray | memoryview):
            return None
        try:
            speech = _read(raw).metadata.lk_speech_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if speech is None:
            return None
        runs = self._of.setdefault(speech, {})
        if span in runs:
            return None
        runs[span] = None
        self._speech[span] = speech
        self._in.setdefault(span.trace, []).append(span)
        return speech

    def _forget(self, trace: Trace) -> None:
        """Let go of the runs of a trace that has left memory."""
        for span in self._in.pop(trace, ()):
            speech = self._speech.pop(span)
            runs = self._of[speech]
            del runs[span]
            if not runs:
                del self._of[speech]


def parts_of(run: Span, now: float) -> list[Part]:
    """Return what a run did, its tools before the models that asked for them."""
    spans = list(islice(_inside(run), _SPANS_DRAWN))
    stages = []
    for kind_of_span, kind in (("tool", Kind.TOOL), ("llm", Kind.LLM)):
        stages += [
            Part(kind, span.started_at, now if span.ended_at is None else span.ended_at)
            for span in spans
            if span.kind == kind_of_span
        ]
    return stages


def _inside(run: Span) -> Iterator[Span]:
    waiting = [run]
    while waiting:
        span = waiting.pop()
        yield span
        waiting.extend(span.children or ())
