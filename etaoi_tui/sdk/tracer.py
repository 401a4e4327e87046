"""Start, end and delta of spans, for any framework.

Everything a caller pays for is here: an object with references and times is appended to a queue. Encoding,
UUID text, redaction, limits and the network are the sender's thread's work (`etaoi_tui.sdk.transport`).

Nothing here raises into the host, blocks, or does I/O.

What a payload may be:

- a plain object (usually a dict with str keys): taken **by reference** and encoded within about 50 ms on
  another thread. Wrap in `etaoi_tui.sdk.serialize.snapshot` what the host may change in the meantime; values
  inside that must arrive as JSON text are wrapped in `etaoi_tui.sdk.serialize.Json`.
- a callable without arguments that returns such an object: called on the sender's thread, once. What it
  raises becomes a note in the payload. For shapes that cost something to make.

Times (``at``) are None for now, float seconds or int nanoseconds since the epoch.
"""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from etaoi_tui.sdk.clock import to_ns
from etaoi_tui.sdk.ids import AnyId, new_id, session_uuid
from etaoi_tui.sdk.limits import Limits

if TYPE_CHECKING:
    from uuid import UUID

    from etaoi_tui.sdk.record_queue import RecordQueue
    from etaoi_tui.sdk.redact import Redact
    from etaoi_tui.sdk.stats import Stats

Payload = Mapping[str, Any] | Callable[[], Any] | None


class SessionInfo(msgspec.Struct, frozen=True):
    """Whose events these are: goes into every event."""

    session_id: UUID
    user_id: str | None = None

    @classmethod
    def of(cls, session_id: str | UUID | None = None, user_id: str | None = None) -> SessionInfo:
        """Make one from what a user gave: a UUID, any string, or None for a new session."""
        return cls(session_uuid(session_id), None if user_id is None else str(user_id))


def process_session(user_id: str | None = None) -> SessionInfo:
    """Return this process's session for runs that name none; one for each user that it names."""
    session = _process_sessions.get(user_id)
    if session is None:
        session = _process_sessions.setdefault(user_id, SessionInfo.of(None, user_id))
    return session


_process_sessions: dict[str | None, SessionInfo] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process_sessions.clear)


ENDED = 1
START_LOST = 2
"""Bits of `Span.state`: `Tracer.end` was called; its start had to be dropped before it was encoded."""


class Span(msgspec.Struct, eq=False, weakref=True):
    """A span that was started: a handle for its caller, and the record that the sender encodes.

    Callers read `span_id`, `trace_id`, `parent_id`, `kind`, `name`, `session`, `tracer`, `started_ns`,
    `ended`.
    """

    tracer: Tracer
    span_id: int
    trace_id: AnyId
    parent_id: int | None
    kind: str
    name: str
    session: SessionInfo
    started_ns: int
    payload: Any
    metadata: Mapping[str, Any] | None
    agent_name: str | None
    run_id: AnyId | None
    parent_run_id: AnyId | None
    speech_id: str | None
    persistent: bool
    state: int = 0
    text_skipped: int = 0
    """Characters of streamed text that were dropped before they reached the sender."""
    wire: Any = None
    """What the sender knows about it: ids as text, text under way. Only its thread touches this."""
    pieces: list[str] | None = None
    """Streamed text of the answer that the sender looks at by itself, while text comes often; see `Text`."""

    @property
    def ended(self) -> bool:
        """Whether `Tracer.end` was called for it."""
        return self.state & ENDED != 0


class Delta(msgspec.Struct, eq=False):
    """Something to add to a span, as it waits for the sender."""

    span: Span
    payload: Any
    at_ns: int
    metadata: Mapping[str, Any] | None = None


class End(msgspec.Struct, eq=False, gc=False):
    """A span's end, as it waits; nothing for the host's garbage collector, nor are payloads, ended runs."""

    span: Span
    payload: Any
    error: str | BaseException | None
    voice_metrics: Any
    metadata: Mapping[str, Any] | None
    at_ns: int


class Tick(msgspec.Struct, eq=False):
    """A voice state change, as it waits for the sender."""

    tracer: Tracer
    session: SessionInfo
    subject: str
    state: str
    at_ns: int


Text = tuple[Span, str | list[str], str | None]
"""Streamed text as it waits for the sender: span, text, channel. A tuple, because there are so many.

Of the answer itself (no channel) it is a list that goes on growing (`Span.pieces`): the sender takes from it
what is there, each time, until it was empty for a while or something else was told of the span.
"""

MOST_PIECES = 4_096
"""Pieces that wait in such a list at most: a sender that is further behind loses what comes then."""

Record = Span | Text | Delta | End | Tick


class Tracer:
    """Hands spans of one session over to a pipeline, which several tracers may share.

    Args:
        pipeline: where records go; see `etaoi_tui.sdk.transport.open_pipeline`. None records nothing.
        session: the session that spans belong to unless `start` names another.
        limits: bounds of what is sent.
        redact: what must not leave the process, applied on the sender's thread.
    """

    __slots__ = ("_closed", "_pipeline", "_put", "enabled", "limits", "redact", "session")

    def __init__(
        self,
        pipeline: RecordQueue | None,
        *,
        session: SessionInfo | None = None,
        limits: Limits | None = None,
        redact: Redact | None = None,
    ) -> None:
        self.session = session or SessionInfo.of()
        self.limits = limits or Limits.from_environment()
        self.redact = redact
        self.enabled = pipeline is not None
        """False when nothing is recorded; `start` and the rest then cost next to nothing."""
        self._pipeline = pipeline
        self._put: Callable[[Record], None] = pipeline.put if pipeline is not None else _put_nowhere
        self._closed = False

    def start(
        self,
        kind: str,
        name: str,
        *,
        parent: Span | None = None,
        trace: AnyId | None = None,
        session: SessionInfo | None = None,
        payload: Payload = None,
        metadata: Mapping[str, Any] | None = None,
        agent_name: str | None = None,
        run_id: AnyId | None = None,
        parent_run_id: AnyId | None = None,
        speech_id: str | None = None,
        at: float | int | None = None,
        span_id: AnyId | None = None,
        persistent: bool = False,
    ) -> Span:
        """Start a span and return its handle.

        Args:
            kind: a wire kind (llm, tool, sub_agent, middleware, agent_context, voice_turn ...) or any other
                word; ``retriever`` and other words travel as middleware and say so in the metadata.
            name: what a person reads; it becomes ``metadata["name"]``.
            parent: the span it lies in; None makes a root. `current_span` is *not* looked up here.
            trace: the trace's id; by default the parent's, or a new one for a root.
            session: another session than the tracer's; by default the parent's.
            payload: see the module's docstring.
            metadata: entries of any type (they become text); taken by reference, do not change it later.
            agent_name: name of the enclosing agent (``lc_agent_name``).
            run_id: the framework's own id of the run.
            parent_run_id: the framework's own id of the parent run.
            speech_id: a voice span's speech.
            at: when it began, if not now.
            span_id: an id of the caller's choice, for bridges.
            persistent: sent again at every (re)connect even after its end; always so for ``agent_context``.
        """
        if span_id is None:
            number = new_id()
        else:
            number = span_id if type(span_id) is int else session_uuid(str(span_id)).int
        if parent is not None:
            if trace is None:
                trace = parent.trace_id
            if session is None:
                session = parent.session if parent.tracer is self else self.session
            parent_number: int | None = parent.span_id
        else:
            parent_number = None
            if trace is None:
                trace = new_id()
        span = Span(
            self,
            number,
            trace,
            parent_number,
            kind,
            name,
            session or self.session,
            time_ns() if at is None else to_ns(at),
            payload,
            metadata,
            agent_name,
            run_id,
            parent_run_id,
            speech_id,
            persistent or kind == "agent_context",
        )
        self._put(span)
        return span

    def begin(
        self,
        kind: str,
        name: str,
        parent: Span | None,
        session: SessionInfo,
        payload: Payload,
        metadata: Mapping[str, Any] | None,
        agent_name: str | None,
        run_id: AnyId | None,
        parent_run_id: AnyId | None,
    ) -> Span:
        """Start a span now, as `start` does: the short way, for frameworks that report every step."""
        if parent is not None:
            trace, above = parent.trace_id, parent.span_id
        else:
            trace, above = new_id(), None
        span = Span(
            self, new_id(), trace, above, kind, name, session, time_ns(),
            payload, metadata, agent_name, run_id, parent_run_id, None, kind == "agent_context",
        )  # fmt: skip
        self._put(span)
        return span

    def text(self, span: Span, text: str, channel: str | None = None) -> None:
        """Add streamed text to a span: a token. Many become one ``span_delta``, at most about 20 a second.

        Args:
            span: the model call.
            text: what the token says; empty text costs nothing.
            channel: None for the answer, else what it is instead, such as ``reasoning`` or ``tool_call:0``.
                Character offsets (``at``) are counted per channel.
        """
        pipeline = self._pipeline
        if not text or pipeline is None or self._closed:
            return
        pieces: list[str] | None = None
        record: Text = (span, text, channel)
        if channel is None and type(text) is str:
            pieces = span.pieces
            if pieces is not None:
                if len(pieces) < MOST_PIECES:
                    pieces.append(text)
                else:
                    pipeline.lose_text(record)
                return
            span.pieces = pieces = [text]
            record = (span, pieces, None)
        # As `Pipeline.put` does, without the call: tokens are the most frequent thing there is.
        queue = pipeline.queue
        if len(queue) < pipeline.soft or pipeline.shed_load(record):
            queue.append(record)
            if pipeline.asleep:
                pipeline.wake()
        elif pieces is not None:
            span.pieces = None

    def delta(
        self,
        span: Span,
        payload: Payload,
        *,
        metadata: Mapping[str, Any] | None = None,
        at: float | int | None = None,
    ) -> None:
        """Add anything to a span while it is open: one ``span_delta`` of its own.

        ``metadata`` says what changed about it, such as that it waits for a person
        (`etaoi_collector.conventions.waits`).
        """
        span.pieces = None  # what is said from now on comes behind it
        self._put(Delta(span, payload, time_ns() if at is None else to_ns(at), metadata))

    def end(
        self,
        span: Span,
        payload: Payload = None,
        *,
        error: str | BaseException | None = None,
        voice_metrics: Any = None,
        metadata: Mapping[str, Any] | None = None,
        at: float | int | None = None,
    ) -> None:
        """End a span. A second end of the same span is ignored.

        Args:
            span: what `start` returned.
            payload: see the module's docstring.
            error: an exception, or text as WIRE names it; None when it went well.
            voice_metrics: a map or a pydantic model with a ``type``.
            metadata: only what the start did not say yet.
            at: when it ended, if not now.
        """
        if span.state & ENDED:
            return
        span.state |= ENDED
        span.pieces = None
        self._put(End(span, payload, error, voice_metrics, metadata, time_ns() if at is None else to_ns(at)))

    def finish(self, span: Span, payload: Payload, error: str | BaseException | None) -> None:
        """End a span now, as `end` does: the short way."""
        state = span.state
        if not state & ENDED:
            span.state = state | ENDED
            span.pieces = None
            self._put(End(span, payload, error, None, None, time_ns()))

    def end_after_all(
        self,
        span: Span,
        payload: Payload = None,
        *,
        error: str | BaseException | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """End a span whose first end was made up (`SYNTHETIC_END`): this is the one that counts."""
        span.state &= ~ENDED
        self.end(span, payload, error=error, metadata=metadata)

    def tick(
        self,
        subject: str,
        state: str,
        *,
        session: SessionInfo | None = None,
        at: float | int | None = None,
    ) -> None:
        """Tell a voice state: ``subject`` is ``agent`` or ``user``, ``state`` such as ``listening``."""
        self._put(Tick(self, session or self.session, subject, state, to_ns(at)))

    def with_session(self, session: SessionInfo) -> Tracer:
        """Return a tracer of another session on the same pipeline; it needs no `close` of its own."""
        return Tracer(self._pipeline, session=session, limits=self.limits, redact=self.redact)

    @property
    def stats(self) -> Stats:
        """Counts of what was sent, cut and dropped; a snapshot."""
        from etaoi_tui.sdk.stats import Stats

        return self._pipeline.stats() if self._pipeline is not None else Stats()

    @property
    def pipeline(self) -> RecordQueue | None:
        """Where its records go. Tracers with the same pipeline speak to the same destination."""
        return self._pipeline

    @property
    def sink(self) -> Any:
        """The sink object behind it, such as an `InMemorySink`; None when nothing is recorded."""
        return self._pipeline.sink if self._pipeline is not None else None

    def flush(self, timeout: float = 0.5) -> bool:
        """Wait until all that was recorded so far has left, at most ``timeout`` seconds.

        Returns:
            Whether it has. Without a viewer this is False, and it comes back at once.
        """
        return self._pipeline.flush(timeout) if self._pipeline is not None else True

    def close(self, timeout: float = 0.5) -> None:
        """Flush and let the pipeline go; it stops when its last tracer has closed."""
        if self._closed or self._pipeline is None:
            return
        self._closed = True
        self._pipeline.release(timeout)
        self._put = _put_nowhere
        self.enabled = False


def _put_nowhere(record: Record) -> None:
    del record


_CURRENT: contextvars.ContextVar[Span | None] = contextvars.ContextVar("etaoi_tui_current_span", default=None)


_frameworks: list[Callable[[], Span | None]] = []


def find_spans_with(find: Callable[[], Span | None]) -> None:
    """Let `current_span` also ask a framework that carries its own idea of the running span.

    Args:
        find: returns the span of the framework's run that the calling task or thread is in. It must not
            raise.
    """
    if find not in _frameworks:
        _frameworks.append(find)


def entered_span() -> Span | None:
    """Return the span that the calling task or thread entered with `enter_span`, frameworks left aside."""
    return _CURRENT.get()


def current_span() -> Span | None:
    """Return the innermost span that the calling task or thread is in, whoever started it.

    Of a span that was entered by hand and one that a framework names, the one that started later lies inside.
    """
    span = _CURRENT.get()
    for find in _frameworks:
        other = find()
        if other is not None and (span is None or other.started_ns > span.started_ns):
            span = other
    return span


def enter_span(span: Span | None) -> contextvars.Token[Span | None]:
    """Make a span the current one and return what `leave_span` wants."""
    return _CURRENT.set(span)


def leave_span(token: contextvars.Token[Span | None]) -> None:
    """Undo `enter_span`. In another context than it was entered in, nothing is left to undo."""
    try:
        _CURRENT.reset(token)
    except (ValueError, RuntimeError):
        return


@contextmanager
def use_span(span: Span | None) -> Iterator[Span | None]:
    """Make a span the current one inside a ``with`` block, for this task or thread and what it starts."""
    token = _CURRENT.set(span)
    try:
        yield span
    finally:
        leave_span(token)


_default: dict[Tracer, None] = {}


def default_tracer() -> Tracer | None:
    """Return the tracer of the newest attach that is still open, for spans made by hand; None without one."""
    return next(reversed(_default), None)


def push_default(tracer: Tracer) -> None:
    """Make a tracer the default one, until `remove_default`."""
    _default.pop(tracer, None)
    _default[tracer] = None


def remove_default(tracer: Tracer) -> None:
    """Take a tracer out of the line of default ones; unknown ones are ignored."""
    _default.pop(tracer, None)
