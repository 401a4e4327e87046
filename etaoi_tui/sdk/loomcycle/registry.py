"""Which spans stand for which loomcycle runs, so that several ways to one run meet in the same spans.

A run may be seen in its own stream, in run states, as another run's child, in a batch, and in its transcript.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

from etaoi_collector.conventions.seen_agents import SeenAgents
from etaoi_tui.sdk.bridge_support.shared import epoch_ns, error_words, strings
from etaoi_tui.sdk.ids import bridge_uuid, id_text
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

_MOST_ENTRIES = 2_000
_SESSIONS_KEPT = 100
SYSTEM = "loomcycle"
_ENDED = frozenset({"completed", "failed", "cancelled"})


class KnownRun:
    """A run that has a span.

    Attributes:
        span: the run's root, or the sub-agent's span inside another run.
        streamed: whether its inside is recorded from its own stream.
        by_state: whether run states alone told of it, so that only they can end it.
        session_id: loomcycle's id of its session, when known.
        agent_id: loomcycle's id of the agent, when known.
    """

    __slots__ = (
        "agent_id",
        "attempts",
        "by_state",
        "ended_ns",
        "has_usage",
        "is_abandoned",
        "session_id",
        "span",
        "streamed",
        "transcript",
    )  # fmt: skip

    def __init__(self, span: Span, *, streamed: bool = False, by_state: bool = False) -> None:
        self.span = span
        self.streamed = streamed
        self.by_state = by_state
        self.session_id = ""
        self.agent_id = ""
        self.attempts = 1
        self.is_abandoned = False
        """Whether its stream was left before the run's end, so that another stream may show the rest."""
        self.transcript = False
        """Whether its transcript was imported."""
        self.has_usage = False
        """Whether its span says what it took in all, so that its model calls must not be added to that."""
        self.ended_ns: int | None = None
        """When a run state said that it had ended; None while none did."""


class WaitingChild:
    """A sub-agent's span that no run id is known for yet."""

    __slots__ = ("name", "parent_agent_id", "span")

    def __init__(self, name: str, parent_agent_id: str, span: Span) -> None:
        self.name = name
        self.parent_agent_id = parent_agent_id
        self.span = span


class KnownSession:
    """What continuing a session builds on: who answers, and what was said."""

    __slots__ = ("messages", "name")

    def __init__(self, name: str, messages: list[dict[str, Any]]) -> None:
        self.name = name
        self.messages = messages


class RunRegistry:
    """What is known of loomcycle runs at one destination; the oldest are forgotten beyond a bound."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, KnownRun] = OrderedDict()
        self._agents: OrderedDict[str, KnownRun] = OrderedDict()
        self._waiting: OrderedDict[int, WaitingChild] = OrderedDict()
        self.sessions: OrderedDict[str, KnownSession] = OrderedDict()
        self.agents = SeenAgents(SYSTEM)
        """What the runs that were seen tell of their agents."""
        self._under_way: weakref.WeakSet[Any] = weakref.WeakSet()
        """Runs whose inside is being recorded."""

    def mark_usage_reported(self, run_id: str) -> None:
        """Remember that a run's span says what it took in all."""
        run = self._runs.get(run_id)
        if run is not None:
            run.has_usage = True

    def follow(self, spans: Any) -> None:
        """Remember the spans of a run that is under way (`loomcycle_run.RunSpans`)."""
        self._under_way.add(spans)

    def pause_all(self, what: str, at: int) -> None:
        """Let everything that is under way wait."""
        for spans in list(self._under_way):
            if not spans.over:
                spans.wait(what, at)

    def resume_all(self, at: int) -> None:
        """Let everything that waits go on."""
        for spans in list(self._under_way):
            if not spans.over:
                spans.go_on(at)

    def tell_agent(self, tracer: Tracer, root: Span, at: int) -> None:
        """Record the snapshot of a run's agent if it says anything new, and link the run to it."""
        snapshot = self.agents.news(root.name)
        if snapshot is not None:
            span = tracer.start(
                "agent_context",
                root.name,
                session=root.session,
                payload=snapshot,
                agent_name=root.name,
                at=at,
            )
            tracer.end(span, at=at)
            self.agents.link_snapshot(root.name, id_text(span.span_id))
            tracer.delta(root, {}, metadata=self.agents.links(root.name), at=at)

    def run(self, run_id: str) -> KnownRun | None:
        """Return what is known of a run."""
        return self._runs.get(run_id)

    def agent(self, agent_id: str) -> KnownRun | None:
        """Return what is known of the newest run of an agent id."""
        return self._agents.get(agent_id)

    def note(self, run: KnownRun, run_id: str, agent_id: str = "", session_id: str = "") -> None:
        """Remember a run under its ids."""
        if run_id:
            _keep(self._runs, run_id, run)
        if agent_id:
            run.agent_id = agent_id
            _keep(self._agents, agent_id, run)
        if session_id:
            run.session_id = session_id

    def note_session(self, session_id: str, name: str, messages: list[dict[str, Any]]) -> None:
        """Remember a session's agent and what was said in it."""
        if session_id:
            _keep(self.sessions, session_id, KnownSession(name, messages), _SESSIONS_KEPT)

    def wait_for(self, name: str, parent_agent_id: str, span: Span) -> None:
        """Remember a sub-agent's span until a run state tells its ids."""
        _keep(self._waiting, span.span_id, WaitingChild(name, parent_agent_id, span))

    def stop_waiting(self, span: Span) -> None:
        """Forget a sub-agent's span, because its ids are known."""
        self._waiting.pop(span.span_id, None)

    def claim(
        self, tracer: Tracer, run_id: str, agent_id: str, name: str, parent_agent_id: str
    ) -> KnownRun | None:
        """Give ids to the sub-agent that they belong to: the first of that name under that parent.

        One that still runs comes before one that has ended, whose transcript may be asked for later. Before
        1.105 an agent's record tells no name; then the first one under that parent is taken.
        """
        waiting: WaitingChild | None = None
        for child in self._waiting.values():
            if child.parent_agent_id == parent_agent_id and (not name or child.name == name):
                if not child.span.ended:
                    waiting = child
                    break
                waiting = waiting or child
        return None if waiting is None else self.identify(tracer, waiting.span, run_id, agent_id)

    def identify(
        self, tracer: Tracer, span: Span, run_id: str, agent_id: str = "", session_id: str = ""
    ) -> KnownRun:
        """Tell the ids of a sub-agent's span and remember it by them."""
        self.stop_waiting(span)
        run = KnownRun(span)
        self.note(run, run_id, agent_id, session_id)
        tracer.delta(span, strings(run_id=run_id, agent_id=agent_id, session_id=session_id))
        return run

    def take_state(self, tracer: Tracer, state: Mapping[str, Any]) -> None:
        """Record a run state, as `stream_user_run_states` yields it, or an agent of `list_user_agents`."""
        run_id, agent_id = str(state.get("run_id") or ""), str(state.get("agent_id") or "")
        if not run_id:
            return
        status = str(state.get("status") or "")
        at = epoch_ns(state.get("ts") or state.get("started_at"))
        run = self._runs.get(run_id) or self._first_seen(tracer, state, run_id, agent_id, at)
        if status in _ENDED:
            run.ended_ns = epoch_ns(state.get("ts"))
        if not run.by_state or run.span.ended:
            return
        if status in _ENDED:
            error = None
            if status != "completed":
                reason = str(state.get("error") or state.get("stop_reason") or "")
                error = f"cancelled: {reason}" if status == "cancelled" and reason else reason or status
            outputs = strings(status=status, stop_reason=state.get("stop_reason"))
            tracer.end(run.span, outputs, error=error and error_words(error), at=at)
        else:
            tracer.delta(run.span, {"status": status, **_awaited(state)}, at=at)

    def _first_seen(
        self, tracer: Tracer, state: Mapping[str, Any], run_id: str, agent_id: str, at: int | None
    ) -> KnownRun:
        name, parent_id = str(state.get("agent") or ""), str(state.get("parent_agent_id") or "")
        claimed = self.claim(tracer, run_id, agent_id, name, parent_id)
        if claimed is not None:
            return claimed
        parent_run_id = str(state.get("parent_run_id") or "")
        above = self._runs.get(parent_run_id) or self._agents.get(parent_id)
        session_id = str(state.get("session_id") or "")
        span = start_root(
            tracer,
            "sub_agent" if above is not None or parent_id else "turn",
            name or agent_id or "agent",
            run_id=run_id,
            agent_id=agent_id,
            session_id=session_id,
            parent=above.span if above is not None else None,
            user_id=str(state.get("user_id") or ""),
            metadata=strings(parent_agent_id=parent_id),
            at=at,
        )
        run = KnownRun(span, by_state=True)
        self.note(run, run_id, agent_id, session_id)
        return run


def start_root(
    tracer: Tracer,
    kind: str,
    name: str,
    *,
    run_id: str,
    agent_id: str = "",
    session_id: str = "",
    parent: Span | None = None,
    payload: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    user_id: str = "",
    at: int | None = None,
    key: str = "",
) -> Span:
    """Start the span of a run under the ids that every way to that run arrives at."""
    session = None
    if parent is None and (session_id or user_id):
        session = SessionInfo.of(session_id or tracer.session.session_id, user_id or tracer.session.user_id)
    ids = strings(run_id=run_id, agent_id=agent_id, session_id=session_id, user_id=user_id)
    return tracer.start(
        kind,
        name,
        parent=parent,
        trace=None if parent is not None or not run_id else bridge_uuid(SYSTEM, "run", run_id),
        session=session,
        payload=payload,
        metadata={**(metadata or {}), **ids, **registry_for(tracer).agents.links(name)},
        agent_name=name,
        run_id=run_id or None,
        at=at,
        span_id=bridge_uuid(SYSTEM, "root", key or run_id) if run_id else None,
    )


_directories: weakref.WeakKeyDictionary[Any, RunRegistry] = weakref.WeakKeyDictionary()
_nowhere = RunRegistry()


def registry_for(tracer: Tracer) -> RunRegistry:
    """Return the directory of a tracer's destination; all that goes there shares it."""
    if tracer.pipeline is None:
        return _nowhere
    return _directories.setdefault(tracer.pipeline, RunRegistry())


def _awaited(state: Mapping[str, Any]) -> dict[str, str]:
    return strings(awaited_state=state.get("awaited_state"), awaited_on=state.get("awaited_on"))


def _keep(entries: OrderedDict[Any, Any], key: Any, value: Any, most: int = _MOST_ENTRIES) -> None:
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > most:
        entries.popitem(last=False)


class WatchedClient(Protocol):
    """What calls of a client need of the watch that is on it."""

    tracer: Tracer
    directory: RunRegistry

    def began(self) -> None:
        """Count one more run."""

    def ended(self) -> None:
        """Count one run less."""
