"""Runs of loomcycle that others started: a user's runs as they change state, and transcripts afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.bridge_support.handle import BridgeHandle, Watch
from etaoi_tui.sdk.bridge_support.method_hooks import find_hook, guarded, warn_once
from etaoi_tui.sdk.bridge_support.shared import epoch_ns
from etaoi_tui.sdk.config import is_disabled, open_tracer
from etaoi_tui.sdk.loomcycle.registry import KnownRun, registry_for, start_root
from etaoi_tui.sdk.loomcycle.run import END_WITHOUT_DONE, RunSpans, prompt_text
from etaoi_tui.sdk.loomcycle.segments import messages_of
from etaoi_tui.sdk.serialize import error_sentence
from etaoi_tui.sdk.tracer import SessionInfo, Tracer

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_DEEPEST = 8
_AT_ONCE = 64
"""Entries of a transcript that are recorded before it is waited until they have left."""
_PATIENCE = 10.0
"""Seconds that the viewer may take for these."""
_PROMPTS = frozenset({"user_input", "system_prompt"})

_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("tool_use", "usage", "retry", "host_widening", "spawn_child")),
    **dict.fromkeys(("text", "error", "stop_reason"), ""),
    "is_error": False,
}


def watch_user(client: Any, user_id: str, **options: Any) -> BridgeHandle:
    """Show the runs of a user, whoever started them, as they start and end. Call it inside the event loop.

    Run states tell no model text and no tools; `import_transcript` adds them afterwards.

    Args:
        client: a ``loomcycle.LoomcycleClient``.
        user_id: whose runs.
        options: those of `etaoi_tui.attach`. Without a sink or server, a client that is watched already tells
            where to.

    Returns:
        A handle; its ``detach()`` stops following.

    Raises:
        RuntimeError: there is no running event loop.
    """
    loop = asyncio.get_running_loop()
    if is_disabled():
        return BridgeHandle(client, None)
    watch = UserWatch(client, user_id, _tracer_for(client, options), loop)
    watch.start()
    return BridgeHandle(client, watch)


class UserWatch(Watch):
    """Follows a user's run states, and connects again when the server was away."""

    def __init__(self, client: Any, user_id: str, tracer: Tracer, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(tracer)
        self._client = client
        self._user_id = user_id
        self._loop = loop
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._task = self._loop.create_task(self._follow(), name=f"etaoi-tui: runs of {self._user_id}")

    def stop(self) -> None:
        """Stop, from whatever thread."""
        task = self._task
        if task is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(task.cancel)

    async def _follow(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                async for state in self._states():
                    self._take(state)
                    pause = _FIRST_PAUSE
            except Exception as error:
                warn_once(
                    f"the runs of user {self._user_id!r} cannot be followed for now: {error_sentence(error)}"
                )
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _states(self) -> Any:
        """Yield what runs now, then every change. The stream opens first, so that nothing falls between."""
        states = _unwatched(self._client, "stream_user_run_states")(self._user_id)
        try:
            running = await self._client.list_user_agents(self._user_id, status="running")
            for agent in sorted(running, key=lambda agent: str(agent.get("started_at") or "")):
                yield agent
            async for state in states:
                yield state
        finally:
            await states.aclose()

    @guarded
    def _take(self, state: Mapping[str, Any]) -> None:
        registry_for(self.tracer).take_state(self.tracer, state)


async def import_transcript(
    client: Any, session_id: str = "", *, agent_id: str = "", sub_agents: bool = True, **options: Any
) -> int:
    """Record what loomcycle has stored of a session: every run in it, and the inside of its sub-agents.

    What is shown already is not shown twice: a run that was watched gets its system prompt and the inside of
    its sub-agents; any other run gets all of its spans, at the times when they happened, with the ids that
    watching it would have given them.

    Args:
        client: a ``loomcycle.LoomcycleClient``.
        session_id: loomcycle's id of the session; may be left out with ``agent_id``.
        agent_id: loomcycle's id of an agent that ran in it. With it, sub-agents are found as well.
        sub_agents: whether to import the sessions of sub-agents, too.
        options: those of `etaoi_tui.attach`. Without a sink or server, a client that is watched already tells
            where to.

    Returns:
        How many runs were recorded.

    Raises:
        ValueError: neither a session nor an agent is named.
        loomcycle.LoomcycleError: the server refused, or knows no such session or agent.
    """
    if not session_id and not agent_id:
        raise ValueError("import_transcript() needs a session_id or an agent_id.")
    if is_disabled():
        return 0
    tracer = _tracer_for(client, options)
    try:
        agent = await client.get_agent(agent_id) if agent_id else {}
        reader = TranscriptReader(client, tracer, sub_agents=sub_agents)
        dropped = tracer.stats.dropped
        await reader.read(session_id or str(agent["session_id"]), agent)
        await reader.finish(dropped)
    finally:
        await asyncio.to_thread(tracer.close)  # it waits for what still has to leave
    return reader.runs


class TranscriptReader:
    """Reads sessions into spans, each once."""

    def __init__(self, client: Any, tracer: Tracer, *, sub_agents: bool) -> None:
        self.runs = 0
        self._client = client
        self._tracer = tracer
        self._directory = registry_for(tracer)
        self._sub_agents = sub_agents
        self._read: set[str] = set()
        self._nobody_takes = False

    async def read(self, session_id: str, agent: Mapping[str, Any], depth: int = 0) -> None:
        """Record a session; ``agent`` is what `get_agent` says of one of its agents, or empty."""
        if session_id in self._read or depth > _DEEPEST:
            return
        self._read.add(session_id)
        by_run: dict[str, list[Mapping[str, Any]]] = {}
        for entry in await self._client.get_transcript(session_id):
            by_run.setdefault(str(entry["run_id"]), []).append(entry)
        for run_id, entries in by_run.items():
            recorded = self._begin(run_id, session_id, entries, agent)
            if recorded is not None:
                await self._record(*recorded, may_go_on=_may_go_on(agent, run_id))
        if self._sub_agents:
            try:
                children = await self._children(agent, by_run)
            except Exception as error:  # what was asked for was read
                warn_once(f"sub-agents of session {session_id!r} cannot be found: {error}")
                return
            for child in children:
                self._meet(child)
                await self.read(str(child["session_id"]), child, depth + 1)

    async def finish(self, dropped_before: int) -> None:
        """Wait for the last of it, and say if something is missing."""
        await self._room()
        missing = self._tracer.stats.dropped - dropped_before
        if missing:
            warn_once(
                f"{missing:,} events of a transcript were left out: nobody took them in time. "
                "Start the viewer, or give a file as the sink, and import it again."
            )

    async def _children(self, agent: Mapping[str, Any], run_ids: Iterable[str]) -> list[Mapping[str, Any]]:
        children: dict[str, Mapping[str, Any]] = {}
        if hasattr(self._client, "list_child_runs"):
            for run_id in run_ids:
                for child in (await self._client.list_child_runs(run_id))["agents"]:
                    children[child["run_id"]] = child
        agent_ids = {str(agent.get("agent_id") or "")}
        agent_ids.update(run.agent_id for run_id in run_ids if (run := self._directory.run(run_id)))
        user_id = agent.get("user_id")
        if not user_id:
            for known_id in filter(None, agent_ids):
                user_id = (await self._client.get_agent(known_id)).get("user_id")
                break
        if user_id:
            for child in await self._client.list_user_agents(str(user_id)):
                if child.get("parent_agent_id") in agent_ids - {""}:
                    children.setdefault(child["run_id"], child)
        return sorted(children.values(), key=lambda child: str(child.get("started_at") or ""))

    @guarded
    def _meet(self, child: Mapping[str, Any]) -> None:
        """Find the sub-agent's span that stands for a run, if one was shown."""
        run_id, agent_id = str(child["run_id"]), str(child.get("agent_id") or "")
        run = self._directory.run(run_id) or self._directory.claim(
            self._tracer,
            run_id,
            agent_id,
            str(child.get("agent") or ""),
            str(child.get("parent_agent_id") or ""),
        )
        if run is not None:
            self._directory.note(run, run_id, agent_id, str(child.get("session_id") or ""))

    @guarded
    def _begin(
        self, run_id: str, session_id: str, entries: list[Mapping[str, Any]], agent: Mapping[str, Any]
    ) -> tuple[RunSpans, list[Mapping[str, Any]], int | None] | None:
        """Start a run's root; returns what its inside is recorded with, None where it is recorded already."""
        directory, tracer = self._directory, self._tracer
        agent_id = str(agent.get("agent_id") or "") if agent.get("run_id") in (run_id, None) else ""
        messages: list[dict[str, Any]] = []
        for entry in entries:
            if entry.get("type") not in _PROMPTS:
                continue
            event = _stored(entry)
            if event.type == "system_prompt":
                messages.insert(0, {"role": "system", "text": event.system_prompt})
            elif event.type == "user_input" and not any(message["role"] != "system" for message in messages):
                messages += messages_of(event.segments)
        run = directory.run(run_id)
        if run is not None and run.transcript:
            return None
        self.runs += 1
        if run is not None and run.streamed and not run.is_abandoned:
            run.transcript = True
            for message in messages:
                if message["role"] == "system":
                    tracer.delta(run.span, {keys.SYSTEM_PROMPT: message["text"]})
                    directory.agents.saw(run.span.name, system_prompt=message["text"])
                    directory.tell_agent(tracer, run.span, run.span.started_ns)
            return None
        started = next((at for entry in entries if (at := epoch_ns(entry.get("ts"))) is not None), None)
        if run is None or run.is_abandoned:
            session = directory.sessions.get(session_id)
            name = str(agent.get("agent") or "") if agent_id else ""
            above = directory.agent(str(agent.get("parent_agent_id") or "")) if agent_id else None
            root = start_root(
                tracer,
                "sub_agent" if agent_id and agent.get("parent_agent_id") else "turn",
                name or (session.name if session else "") or agent_id or "loomcycle",
                run_id=run_id,
                agent_id=agent_id,
                session_id=session_id,
                parent=above.span if above is not None else None,
                payload={keys.INPUTS: prompt_text(messages)},
                user_id=str(agent.get("user_id") or ""),
                at=started,
            )
            run = KnownRun(root)
        run.transcript = True
        directory.note(run, run_id, agent_id, session_id)
        spans = RunSpans(tracer, directory, run.span, run_id, run.agent_id, messages, tell_text=False)
        spans.begin_at(started)
        spans.count_usage = not run.has_usage
        return spans, entries, started

    async def _record(
        self, spans: RunSpans, entries: list[Mapping[str, Any]], at: int | None, *, may_go_on: bool
    ) -> None:
        """Record a run's inside, no faster than it is sent: nothing of it is to be dropped."""
        for first in range(0, len(entries), _AT_ONCE):
            at = self._take(spans, entries[first : first + _AT_ONCE], at)
            await self._room()
        if not spans.over and not may_go_on:
            spans.end(END_WITHOUT_DONE, at=at)

    @guarded
    def _take(self, spans: RunSpans, entries: list[Mapping[str, Any]], at: int | None) -> int | None:
        for entry in entries:
            happened = epoch_ns(entry.get("ts"))
            at = happened if happened is not None else at
            if entry.get("type") not in _PROMPTS:
                spans.take(_stored(entry), at)
        return at

    async def _room(self) -> None:
        """Wait until what was recorded has left, or somebody who would take it is not there."""
        if self._tracer.pipeline is None or self._nobody_takes:
            return
        if not await asyncio.to_thread(self._tracer.flush, _PATIENCE):
            self._nobody_takes = True


def _may_go_on(agent: Mapping[str, Any], run_id: str) -> bool:
    return agent.get("run_id") == run_id and agent.get("status") in ("running", "queued")


def _stored(entry: Mapping[str, Any]) -> SimpleNamespace:
    """Return a transcript's entry in the shape of a live event."""
    try:
        fields = msgspec.json.decode(entry.get("payload") or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = {"text": repr(entry.get("payload"))[:1_000]}
    kind = str(entry.get("type") or "")
    if kind == "user_input":
        segments = fields.get("segments") if isinstance(fields, dict) else fields
        return SimpleNamespace(type=kind, segments=segments if isinstance(segments, list) else [])
    if not isinstance(fields, dict):
        fields = {"value": fields}
    if kind == "system_prompt":
        return SimpleNamespace(type=kind, system_prompt=str(fields.get("system_prompt") or ""))
    return SimpleNamespace(**{**_EMPTY, **{str(key): value for key, value in fields.items()}, "type": kind})


def _unwatched(client: Any, name: str) -> Any:
    hook = find_hook(client, name)
    return hook.inner if hook is not None else getattr(client, name)


def _tracer_for(client: Any, options: dict[str, Any]) -> Tracer:
    """Open a tracer; a client that is watched already tells its destination unless the options do."""
    hook = find_hook(client, "run_streaming")
    if hook is None or options.keys() - {"session_id", "user_id"}:
        return open_tracer(**options)
    tracer: Tracer = hook.owners[0].tracer
    session = tracer.session
    if options:
        session = SessionInfo.of(
            options.get("session_id") or session.session_id, options.get("user_id") or session.user_id
        )
    if tracer.pipeline is not None:
        tracer.pipeline.retain()
    return Tracer(tracer.pipeline, session=session, limits=tracer.limits, redact=tracer.redact)
