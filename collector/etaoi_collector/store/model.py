"""What the store remembers: sessions, traces and spans as plain slotted objects.

Spans are untracked by the garbage collector (``gc=False``): a million of them must not make a full collection
freeze the screen. The cycles between parents and children are cut by the store when it lets a trace go.
Sessions and traces are few and change with every event; a field of theirs is set in a fifth of the time that
one of a struct takes.
Times are seconds since the epoch (float, UTC); durations are seconds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from etaoi_collector.conventions.usage import Usage
from etaoi_collector.store.listed_run import ListedRun
from etaoi_collector.store.status import SpanFlag, Status, status_of_error
from etaoi_collector.wire.event_ref import NO_EVENT

__all__ = [
    "NO_CALL",
    "Changes",
    "Connection",
    "ModelCall",
    "Session",
    "Span",
    "SpanFlag",
    "Status",
    "Trace",
    "Usage",
    "status_of_error",
]  # fmt: skip


class ModelCall(msgspec.Struct, gc=False, frozen=True):
    """What is known of a model call beside its tokens; shared by all calls of which the same is known."""

    requested_model: str | None = None
    """The model that was asked for."""
    provider: str | None = None
    finish_reason: str | None = None
    """Why it stopped, see `etaoi_collector.conventions.finish_reasons`."""
    wraps: bool = False
    """It gave the answer of a model call inside it as its own: that one is counted and paid."""


NO_CALL = ModelCall()


class Wait:
    """What a span waited for.

    Args:
        text: The question, in one line.
        began_at: When it began to wait, by its producer's clock.
    """

    __slots__ = ("answer", "began_at", "ended_at", "text")

    def __init__(self, text: str, began_at: float) -> None:
        self.text = text
        self.began_at = began_at
        self.ended_at: float | None = None
        """When it was gone on with, or given up; None while it waits."""
        self.answer: Span | None = None
        """The run that went on with it; None for a wait inside an open span, or one that was given up."""

    def seconds(self, now: float) -> float:
        """How long it waited, so far."""
        return max(0.0, (now if self.ended_at is None else self.ended_at) - self.began_at)


class Connection(msgspec.Struct, eq=False):
    """One client's WebSocket connection, live or recorded."""

    number: int
    peer: str
    opened_at: float
    client: str = ""
    closed_at: float | None = None
    close_code: int | None = None
    close_reason: str = ""
    events: int = 0


class AgentIndex:
    """Agent snapshots across all sessions: a server's agent is described once, and runs in many of them.

    Args:
        spans: Every span by id, as the store keeps them.
    """

    __slots__ = ("_spans", "runs")

    def __init__(self, spans: dict[str, Span]) -> None:
        self._spans = spans
        self.runs: dict[str, list[Trace]] = {}
        """Traces that name a snapshot, by the snapshot's span id, in order of arrival."""

    def snapshot(self, span_id: str) -> Span | None:
        """Return the snapshot with this id, if it has arrived."""
        span = self._spans.get(span_id)
        return span if span is not None and span.kind == "agent_context" else None


class Session:
    """All that one ``session_id`` did, over any number of connections and traces.

    Args:
        session_id: Its id.
        first_seen: Time stamp of the event that named it first.
        number: Order of arrival.
        agents: The snapshots of every session.
    """

    __slots__ = (
        "agents", "connections", "first_seen", "is_gone", "left_at", "newest_at", "number", "session_id",
        "state_times", "states", "ticks", "ticks_gone", "traces", "user_id",
    )  # fmt: skip

    def __init__(
        self, session_id: str, first_seen: float, number: int = 0, agents: AgentIndex | None = None
    ) -> None:
        self.session_id = session_id
        self.agents = agents if agents is not None else AgentIndex({})
        self.first_seen = first_seen
        self.number = number
        self.traces: list[Trace] = []
        self.connections: set[int] = set()
        self.states: dict[str, str] = {}
        """Voice: the newest state by subject (``agent``, ``user``)."""
        self.state_times: dict[str, float] = {}
        self.ticks: list[tuple[float, str, str]] = []
        """Voice: time, subject and state of every change as it arrived; bounded, the oldest go first."""
        self.ticks_gone = 0
        """How many of the oldest are not in `ticks` any more."""
        self.is_gone = False
        """Every connection that carried it has been away for so long that what is still open is lost."""
        self.left_at: float | None = None
        """When the last connection that carried it ended, by our own clock; None while one is there."""
        self.user_id: str | None = None
        self.newest_at = 0.0
        """The newest time stamp in it, by its producers' clocks."""


class Trace:
    """All spans of one ``trace_id``.

    Args:
        trace_id: Its id.
        session: The session that named it first.
        number: Order of arrival.
        at: Time stamp of its first event.
    """

    __slots__ = (
        "__weakref__",
        "calls",
        "context_ids",
        "dropped",
        "ended_at",
        "errors",
        "events",
        "hung",
        "infrastructure",
        "inner_calls",
        "input_tokens",
        "listed",
        "model_calls",
        "number",
        "only_context",
        "only_infrastructure",
        "open_calls",
        "output_tokens",
        "placeholders",
        "resumed",
        "roots",
        "running",
        "session",
        "spans",
        "started_at",
        "thread",
        "tool_calls",
        "trace_id",
        "usage_version",
        "waiting",
        "waits",
    )  # fmt: skip

    def __init__(self, trace_id: str, session: Session, number: int = 0, at: float = 0.0) -> None:
        self.trace_id = trace_id
        self.session = session
        self.number = number
        self.listed: ListedRun | None = None
        """What a list of its recording's runs says of it."""
        self.empty(at)

    def empty(self, at: float) -> None:
        """Begin without any event.

        Args:
            at: Time stamp of the first one.
        """
        self.roots: list[Span] = []
        """Spans without a known parent, in start order."""
        self.spans: list[Span] = []
        """Every span of this trace in order of arrival, ghosts included."""
        self.placeholders = 0
        """Members of which nothing has arrived but their id, in a child's event."""
        self.events = 0
        self.errors = 0
        """Failures in it; one that ended several spans, one inside the other, counts once."""
        self.running = 0
        """Spans that started and have not ended."""
        self.model_calls = 0
        """Model calls, without those that gave another one's answer as their own."""
        self.tool_calls = 0
        self.input_tokens = 0
        """Of the model calls that were asked and paid."""
        self.output_tokens = 0
        self.calls: list[Span] = []
        """Model calls that told their usage, in the order in which they did."""
        self.usage_version = 0
        """Grows with everything that changes what its calls took."""
        self.open_calls: set[Span] = set()
        """Model calls that have started and not ended."""
        self.inner_calls: list[Any] = []
        """Model calls that ended while others were open, see `etaoi_collector.store.wrapped_calls`."""
        self.started_at = at
        """The oldest time stamp in it."""
        self.ended_at = at
        """The newest time stamp in it."""
        self.context_ids: tuple[str, ...] = ()
        """Ids of the agent_context spans that its spans name."""
        self.only_context = True
        """Holds nothing but agent snapshots, and events of a system's housekeeping: it is no run."""
        self.infrastructure = 0
        """Spans of requests, queries and inner steps of the program around the agent."""
        self.only_infrastructure = True
        """Holds nothing that tells of an agent: it came with somebody's program."""
        self.hung: dict[Trace, None] | None = None
        """Traces of which spans hang, or once hung, below spans of this one; None when there were none."""
        self.dropped = 0
        """Events that its producer says it had to drop."""
        self.thread: str | None = None
        """The conversation that its root's metadata names (``thread_id``)."""
        self.waiting = 0
        """Spans in it that wait for a person now."""
        self.waits: dict[Span, Wait] | None = None
        """What spans in it waited for; None when none ever did."""
        self.resumed: dict[Span, Span] | None = None
        """Runs in it that went on with one that waited, and which."""

    def list_as(self, run: ListedRun) -> None:
        """Be what a list says of it; it is empty, and began when the list says."""
        self.listed = run
        self.ended_at = run.ended_at
        self.thread = run.thread
        self.only_infrastructure = run.only_infrastructure

    @property
    def unread(self) -> ListedRun | None:
        """What a list says of it, while that knows more: not all of its events were read yet.

        With all of them here, a list may still know better what became of it: that its client has gone.
        """
        listed = self.listed
        if listed is None or self.events < listed.events:
            return listed
        is_open = self.events == listed.events and self.running and not self.session.is_gone
        return listed if is_open else None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it runs, and nothing that a list tells of is still to be read."""
        return not self.running and self.is_read

    @property
    def is_read(self) -> bool:
        """Whether all events that a list tells of are here."""
        return self.listed is None or self.events >= self.listed.events

    @property
    def span_count(self) -> int:
        """How many spans of it have arrived."""
        return len(self.spans) - self.placeholders

    @property
    def status(self) -> Status:
        """The state a list shows: running while anything runs, else what its first root came to."""
        if self.listed is not None and (unread := self.unread) is not None:
            return Status(unread.status)
        if self.waiting and self._nothing_runs():
            return Status.PAUSED
        if self.running and not self.session.is_gone:
            return Status.RUNNING
        if not self.roots:
            return Status.LOST if self.running else Status.OK
        first = self.roots[0].status
        return Status.LOST if first is Status.OK and self.running else first

    @property
    def waits_for(self) -> str | None:
        """What it waits for, in one line; None when it is not paused."""
        if self.listed is not None and (unread := self.unread) is not None:
            return unread.waits_for
        if not self.waiting or self.waits is None or self.status is not Status.PAUSED:
            return None
        waiting = [span for span in self.waits if span.flags & _WAITING]
        around: set[Span] = set()
        for span in waiting:
            step = span.parent
            while step is not None and step not in around:
                around.add(step)
                step = step.parent
        # A graph's own run waits for what all of its steps ask; those say it.
        texts = [self.waits[span].text for span in waiting if span not in around]
        return " · ".join(dict.fromkeys(texts))

    def _nothing_runs(self) -> bool:
        """Whether all that is open waits, or lies around what does."""
        if self.roots and self.roots[0].status is Status.ERROR:
            return False
        if not self.running:
            return True
        if self.session.is_gone:
            return False
        around: set[Span] = set()
        for span in self.waits or ():
            step: Span | None = span if span.flags & _WAITING else None
            while step is not None and step not in around:
                around.add(step)
                step = step.parent
        open_around = sum(span.flags & (_STARTED | _ENDED) == _STARTED for span in around)
        return open_around >= self.running


class Span(msgspec.Struct, gc=False, eq=False):
    """One span. Payloads are not here: `start_ref`, `end_ref` and `deltas` say where they lie.

    What its start tells comes first, so that the store can make one without naming the fields.
    """

    span_id: str
    trace: Trace
    kind: str = ""
    name: str = ""
    model: str | None = None
    agent: str | None = None
    """Name of the enclosing agent, where the producer tells."""
    started_at: float = 0.0
    """Start by the producer's clock; a hint for its place until its start arrives (`SpanFlag.STARTED`)."""
    start_ref: int = NO_EVENT
    flags: int = 0
    number: int = 0
    """Order of arrival, unique in the store."""
    version: int = 0
    """Grows with every change that a row could show."""
    parent: Span | None = None
    declared_parent_id: str | None = None
    """The parent id that its events name, whether or not that span is known."""
    children: list[Span] | None = None
    """In start order; None instead of an empty list."""
    ended_at: float | None = None
    end_ref: int = NO_EVENT
    deltas: list[int] | None = None
    """Places of its deltas in order of arrival."""
    error: str | None = None
    usage: Usage | None = None
    call: ModelCall | None = None
    """Of a model call, what is known beside its usage; None until anything is."""
    ttft: float | None = None
    """Seconds to the first token of a model call."""
    tail: str = ""
    """The newest streamed text while the span is open, bounded."""

    @property
    def requested_model(self) -> str | None:
        """The model that was asked for, where another one answered; None where it is the same."""
        requested = self.call.requested_model if self.call is not None else None
        return requested if requested != self.model else None

    @property
    def finish_reason(self) -> str | None:
        """Why a model call stopped, in the one vocabulary; None if nothing tells."""
        return self.call.finish_reason if self.call is not None else None

    @property
    def placeholder(self) -> bool:
        """True while nothing of its own has arrived: known only because a child names it as parent."""
        return not self.flags & (_STARTED | _ENDED) and self.deltas is None

    @property
    def is_folded_away(self) -> bool:
        """Whether a reader sees it only on demand: an inner step, or infrastructure where there is more."""
        flags = self.flags
        return bool(flags & _INTERNAL) and not (flags & _INFRASTRUCTURE and self.trace.only_infrastructure)

    @property
    def status(self) -> Status:
        """The span's state, derived from what arrived and from whether its clients are still there."""
        flags = self.flags
        if flags & _WAITED:
            if flags & _WAITING and (flags & _ENDED or not self.trace.session.is_gone):
                return Status.PAUSED
            if flags & _ENDED and status_of_error(self.error) in (Status.PAUSED, Status.CANCELLED):
                return Status.OK
        if flags & _ENDED:
            ended = status_of_error(self.error)
            if ended is Status.OK and not self.flags & _STARTED:
                return Status.INCOMPLETE
            return ended
        if not self.flags & _STARTED:
            return Status.INCOMPLETE
        return Status.LOST if self.trace.session.is_gone else Status.RUNNING

    @property
    def wait(self) -> Wait | None:
        """What it waits or waited for; None when it never did."""
        waits = self.trace.waits
        return waits.get(self) if waits is not None and self.flags & _WAITED else None

    @property
    def waits_for(self) -> str | None:
        """What it waits for, in one line; None when it waits for nothing."""
        wait = self.wait if self.flags & _WAITING else None
        return wait.text if wait is not None else None

    @property
    def last_seen_at(self) -> float | None:
        """Until when an open span is known to have run, once its client is away; None for all others.

        That is when the last connection closed that carried its session, or its trace's newest event where
        the recording tells of no end of a connection.
        """
        session = self.trace.session
        if self.ended_at is not None or (session.left_at is None and not session.is_gone):
            return None
        return max(self.trace.ended_at, session.left_at or 0.0)

    @property
    def reconnecting(self) -> bool:
        """Whether it was open when its client went away, which may come back."""
        session = self.trace.session
        return session.left_at is not None and not session.is_gone and self.status is Status.RUNNING

    def duration(self, now: float) -> float | None:
        """Seconds from start to end, or to ``now`` while it runs; None when its start is not known.

        Never negative: a clock that ran backwards is marked and counts as zero.
        """
        if not self.flags & _STARTED:
            return None
        if self.ended_at is not None:
            return max(0.0, self.ended_at - self.started_at)
        if self.trace.session.is_gone:
            return max(0.0, (self.last_seen_at or self.trace.ended_at) - self.started_at)
        if self.flags & _WAITING and (wait := self.wait) is not None:
            return max(0.0, wait.began_at - self.started_at)
        return max(0.0, now - self.started_at)


_WAITING = int(SpanFlag.WAITING)
_WAITED = int(SpanFlag.WAITING) | int(SpanFlag.ANSWERED)
_STARTED = int(SpanFlag.STARTED)
_ENDED = int(SpanFlag.ENDED)
_INTERNAL = int(SpanFlag.INTERNAL)
_INFRASTRUCTURE = int(SpanFlag.INFRASTRUCTURE)


class Changes:
    """What changed in the store since the last `Store.drain_changes`."""

    __slots__ = ("added", "changed", "moved", "notices", "restructured", "sessions", "traces")

    def __init__(self) -> None:
        self.added: list[Span] = []
        """New spans in order of arrival, each already linked under its parent."""
        self.changed: dict[Span, None] = {}
        """Spans whose row may look different; a new span is here only if more of it arrived."""
        self.moved: dict[Span, None] = {}
        """Known spans that hang elsewhere than before, or are roots now."""
        self.restructured: dict[Trace, None] = {}
        """Traces in which a known span moved, was adopted or let go: their rows want a rebuild."""
        self.traces: dict[Trace, None] = {}
        """Traces with any change at all."""
        self.sessions: dict[Session, None] = {}
        """Sessions whose states or liveness changed."""
        self.notices: bool = False
        """Counters of the whole store (rejects, repeats, connections) changed."""

    def __bool__(self) -> bool:
        return bool(self.traces or self.sessions or self.notices or self.restructured)
